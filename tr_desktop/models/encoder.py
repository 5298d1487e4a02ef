"""The two towers of a pack: pictures and sentences to vectors of one space."""

from __future__ import annotations

import io
from functools import cached_property

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from tr_desktop.models.pack import Pack
from tr_desktop.models.runtime import device_of, open_session

MAX_TOKENS = 64

Vectors = npt.NDArray[np.float32]


class Encoder:
    """Runs a pack. Each tower is opened when first needed: a search over indexed footage never opens the image tower.

    device: 'auto', 'cpu' or 'cuda'. Raises PackError for a damaged pack, UserError if 'cuda' doesn't work.
    """

    def __init__(self, pack: Pack, device: str = "auto") -> None:
        self.pack = pack
        self.wanted_device = device

    @property
    def device(self) -> str:
        """The device of the towers: 'cpu' or 'cuda'."""
        return device_of(self._text_tower)

    def encode_images(self, pictures: npt.NDArray[np.uint8]) -> Vectors:
        """RGB pictures [N, S, S, 3] to [N, D], L2-normalised. The graph itself turns bytes into its numbers."""
        return _unit(self._image_tower.run(None, {"pictures": pictures})[0])

    def encode_text(self, texts: list[str]) -> Vectors:
        """Sentences to [N, D], L2-normalised. They are cut after MAX_TOKENS word pieces."""
        encoded = self._tokenizer.encode_batch(texts)
        tokens = np.array([e.ids for e in encoded], np.int64)
        mask = np.array([e.attention_mask for e in encoded], np.int64)
        return _unit(self._text_tower.run(None, {"tokens": tokens, "mask": mask})[0])

    @cached_property
    def background(self) -> Vectors:
        """Vectors [B, D] of pictures of many kinds; a sentence's similarity to a frame is measured against them."""
        rows = np.load(io.BytesIO(self.pack.read("background.npy")), allow_pickle=False)
        return np.asarray(rows, np.float32)

    @cached_property
    def _image_tower(self) -> onnxruntime.InferenceSession:
        return open_session(self.pack.read("image.onnx"), self.wanted_device)

    @cached_property
    def _text_tower(self) -> onnxruntime.InferenceSession:
        return open_session(self.pack.read("text.onnx"), self.wanted_device)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_str(self.pack.read("tokenizer.json").decode())
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.enable_padding()
        return tokenizer


def _unit(rows: Vectors) -> Vectors:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)
