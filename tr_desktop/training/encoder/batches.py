"""The texts of the training pictures, and which picture, view and text each epoch takes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tr_desktop.training.encoder.corpus import Picture
from tr_desktop.training.encoder.exchanged import exchanged
from tr_desktop.training.encoder.features import ViewJob
from tr_desktop.training.encoder.text import Sentences, read_sentences


@dataclass(frozen=True)
class Texts:
    """Every text of the corpus, once.

    captions[i], labels[i]: rows of `sentences` that fit picture i; of the labels' prompts, those of the specific name
    come first. exchanged: from the row of a text to that of the same text with one word exchanged, if it has one.
    """

    sentences: Sentences
    captions: list[list[int]]
    labels: list[list[int]]
    exchanged: dict[int, int] = field(default_factory=dict)


PROMPTS = ("{}", "a photo of a {}", "a video frame showing {}", "close-up of {}")


def label_prompts(labels: tuple[str, ...]) -> list[str]:
    """Texts for a picture that has labels: the specific name in each of PROMPTS, then the broader ones."""
    if not labels:
        return []
    prompts = [prompt.format(labels[0]) for prompt in PROMPTS]
    if len(labels) > 1:
        prompts += [f"{labels[0]}, a kind of {labels[-1]}", *labels[1:]]
    return prompts


def gather_texts(pictures: list[Picture], minilm: Path, cache: Path) -> Texts:
    """The texts of all pictures and their vectors, cached."""
    rows: dict[str, int] = {}

    def row(text: str) -> int:
        return rows.setdefault(text.strip(), len(rows))

    captions = [[row(c) for c in p.captions] for p in pictures]
    labels = [[row(t) for t in label_prompts(p.labels)] for p in pictures]
    changed = {row(text): row(other) for text in list(rows) if (other := exchanged(text)) is not None}
    texts = list(rows)
    path = cache / f"words-{hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]}.npz"
    return Texts(read_sentences(minilm, texts, path), captions, labels, changed)


class BatchSampler:
    """Draws an epoch: all captioned pictures, two frames of each clip and some of the pictures with labels only.

    group: [pictures] numbers; frames of one clip share theirs, so that they are not each other's negatives.
    """

    def __init__(self, pictures: list[Picture], jobs: list[ViewJob], texts: Texts, seed: int) -> None:
        self.texts, self.seed = texts, seed
        self.views: dict[int, list[int]] = {}
        for n, job in enumerate(jobs):
            if pictures[job.picture].split == "train":
                self.views.setdefault(job.picture, []).append(n)
        self.clips: dict[str, list[int]] = {}
        self.captioned, self.labelled = [], []
        for index in self.views:
            picture = pictures[index]
            if picture.clip:
                self.clips.setdefault(picture.clip, []).append(index)
            elif picture.captions:
                self.captioned.append(index)
            else:
                self.labelled.append(index)
        names = sorted(self.clips)
        self.group = np.arange(len(pictures))
        for number, name in enumerate(names):
            self.group[self.clips[name]] = len(pictures) + number

    def epoch(self, number: int, labelled: int) -> list[tuple[int, int, int]]:
        """(picture, row of the maps, row of the texts) in random order; the same for the same number.

        labelled: how many pictures with labels only.
        """
        rng = np.random.default_rng([self.seed, number])
        chosen = list(self.captioned)
        for frames in self.clips.values():
            chosen += rng.choice(frames, min(2, len(frames)), replace=False).tolist()
        chosen += rng.permutation(self.labelled)[:labelled].astype(int).tolist()
        return [(i, int(rng.choice(self.views[i])), self._text(i, rng)) for i in rng.permutation(chosen).tolist()]

    def _text(self, index: int, rng: np.random.Generator) -> int:
        captions, labels = self.texts.captions[index], self.texts.labels[index]
        if captions and (not labels or rng.random() < 0.75):
            return int(rng.choice(captions))
        return int(rng.choice(labels[: len(PROMPTS)] if rng.random() < 0.75 else labels))
