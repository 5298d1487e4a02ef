"""A checkpoint that was loaded: two towers, and how they want pictures and sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from tr_desktop.picture_shape import PictureShape


@dataclass(frozen=True)
class PictureRules:
    """How the image tower wants its pictures: bytes · scale, minus mean, by deviation, of the `crop_px` in the centre.

    mean, std: of red, green and blue.
    """

    shape: PictureShape
    crop_px: int
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class SentenceRules:
    """How the text tower wants its sentences. tokenizer: tokenizer.json. Each is filled up to max_tokens with pad_id.

    has_mask: whether the tower wants to know which tokens are filled up.
    """

    tokenizer: str
    max_tokens: int
    pad_id: int
    has_mask: bool


@dataclass(frozen=True)
class Checkpoint:
    """Two towers in full precision.

    image: pictures, float [N, 3, S, S], to [N, D]. text: tokens [N, L], and a mask [N, L] if it has one, to [N, D].
    """

    image: nn.Module
    text: nn.Module
    pictures: PictureRules
    sentences: SentenceRules
    reference_tokens: Callable[[list[str]], tuple[Tensor, Tensor]]
    """From a list of sentences to tokens and mask, int64 [N, L], by the checkpoint's own code."""

    def sentence_inputs(self, sentences: list[str]) -> tuple[Tensor, ...]:
        """What the text tower takes, by the checkpoint's own code."""
        tokens, mask = self.reference_tokens(sentences)
        return (tokens, mask) if self.sentences.has_mask else (tokens,)


Vectors = npt.NDArray[np.float32]
