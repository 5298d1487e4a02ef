"""Whether a pack's towers give the vectors of the checkpoint that they were made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from tr_desktop.errors import PackError
from tr_desktop.models.convert.checkpoint import Checkpoint, Vectors
from tr_desktop.models.convert.graphs import Precision
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import Pack

LEAST = {Precision.FP32: 0.9999, Precision.FP16: 0.999, Precision.INT8: 0.98}
"""The least cosine of a pack's vector and the checkpoint's."""

SENTENCES = [
    "a dog catches a frisbee",
    "Two people shake hands, in front of a WINDOW!",
    "rain",
    "a close-up of hands that knead dough on a wooden table while flour falls through the light of a window",
    "ein rotes Auto im Schnee",
    "一只猫在沙发上",
]


@dataclass(frozen=True)
class Reference:
    """Vectors of the checkpoint itself. pictures: uint8 [N, S, S, 3]."""

    pictures: npt.NDArray[np.uint8]
    of_pictures: Vectors
    of_sentences: Vectors


def reference(checkpoint: Checkpoint, pictures: npt.NDArray[np.uint8]) -> Reference:
    """What the checkpoint makes of `pictures` and of SENTENCES."""
    rules = checkpoint.pictures
    edge = (rules.shape.size_px - rules.crop_px) // 2
    cut = torch.from_numpy(pictures)[:, edge : edge + rules.crop_px, edge : edge + rules.crop_px]
    numbers = cut.permute(0, 3, 1, 2).double() * rules.scale
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (rules.mean, rules.std))
    with torch.no_grad():
        images = checkpoint.image(((numbers - mean) / std).float())
        texts = checkpoint.text(*checkpoint.sentence_inputs(SENTENCES))
    return Reference(pictures, images.numpy(), texts.numpy())


def expect_same(pack: Pack, right: Reference, precision: Precision) -> tuple[float, float]:
    """The least cosine of pictures and of sentences. Raises PackError if one is below `LEAST`."""
    encoder = Encoder(pack, "cpu")
    found = []
    for name, vectors, wanted in (
        ("pictures", encoder.encode_images(right.pictures), right.of_pictures),
        ("sentences", encoder.encode_text(SENTENCES), right.of_sentences),
    ):
        lengths = np.linalg.norm(wanted, axis=1) * np.linalg.norm(vectors, axis=1)
        least = float(((vectors * wanted).sum(axis=1) / np.maximum(lengths, 1e-12)).min())
        if not least >= LEAST[precision]:  # also if it isn't a number
            raise PackError(
                f"The converted model gives other vectors for {name} than the checkpoint (cosine {least:.4f})",
                remedy="" if precision is Precision.FP32 else "Use --precision fp32",
            )
        found.append(least)
    return found[0], found[1]
