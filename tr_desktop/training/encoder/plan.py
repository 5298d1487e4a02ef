"""Which pictures the encoder trains on, and which views of them, in the order in which they are worth having."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tr_desktop.training.encoder.corpus import Picture
from tr_desktop.training.encoder.features import ViewJob

LEFT_OUT = 60  # labels
MAX_CAPTIONS = 60  # with a left-out label's name in them


def left_out_labels(pictures: Sequence[Picture], seed: int = 2026) -> frozenset[str]:
    """LEFT_OUT labels that training never sees, to test on: specific names with at least 2 validation and at most 150
    training pictures that are no broader word for another label and occur in at most MAX_CAPTIONS captions (which are
    left out with them)."""
    train = Counter(p.labels[0] for p in pictures if p.labels and p.split == "train")
    val = Counter(p.labels[0] for p in pictures if p.labels and p.split == "val")
    broad = {label for p in pictures for label in p.labels[1:]}
    captions = " | ".join(c.lower() for p in pictures if p.split == "train" for c in p.captions)
    fit = [
        label
        for label in sorted(val)
        if val[label] >= 2 and train[label] <= 150 and label not in broad and captions.count(label) <= MAX_CAPTIONS
    ]
    return frozenset(np.random.default_rng(seed).permutation(fit)[:LEFT_OUT].tolist())


def chosen(pictures: Sequence[Picture], max_per_label: int) -> list[Picture]:
    """All captioned and all validation pictures; of those with labels only, at most `max_per_label` of each label."""
    taken: Counter[str] = Counter()
    keep = set()
    for index in np.random.default_rng(0).permutation(len(pictures)):
        picture = pictures[index]
        if picture.captions or picture.split != "train":
            keep.add(index)
        elif taken[picture.labels[0]] < max_per_label:
            taken[picture.labels[0]] += 1
            keep.add(index)
    return [pictures[i] for i in sorted(keep)]


def jobs(pictures: Sequence[Picture], views: int) -> list[ViewJob]:
    """View 0 of every picture, then `views` - 1 augmented views of the training pictures, each pass in random order."""
    rng = np.random.default_rng(0)  # runs of other seeds share the cached maps
    order = [ViewJob(int(i), 0) for i in rng.permutation(len(pictures))]
    for view in range(1, views):
        order += [ViewJob(int(i), view) for i in rng.permutation(len(pictures)) if pictures[i].split == "train"]
    return order
