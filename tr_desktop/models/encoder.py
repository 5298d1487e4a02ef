"""The two towers of a pack: pictures and sentences to vectors of one space."""

from __future__ import annotations

import io
from functools import cached_property

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from tr_desktop.models.devices import AUTO, DEVICES, SENTENCES_ON
from tr_desktop.models.pack import Pack
from tr_desktop.models.runtime import expect_offered
from tr_desktop.models.tower import Tower, open_tower
from tr_desktop.models.trial import Trials

_BATCH, _LARGEST_BATCH = 4, 32  # pictures at once: on the CPU, and at most on a device
_SENTENCE = "a red car under a blue sky by the sea"  # to try a device with

Vectors = npt.NDArray[np.float32]


class Encoder:
    """Runs a pack. Each tower is opened when first needed: a search over indexed footage never opens the image tower.

    device: one of `devices.CHOICES`. With 'auto', pictures are encoded on the fastest device that works, and sentences
    on the CPU, which takes less time for one than most devices take to open.
    Raises PackError for a damaged pack, UserError if a named device doesn't work.
    """

    def __init__(self, pack: Pack, device: str = "auto") -> None:
        self.pack = pack
        self.wanted_device = device

    @property
    def device(self) -> str:
        """The device in use: of pictures, or of sentences if no picture was encoded yet."""
        return (self._image_tower if "_image_tower" in vars(self) else self._text_tower).device

    @property
    def batch(self) -> int:
        """The number of pictures that are best encoded at once."""
        return self._image_tower.batch

    def encode_images(self, pictures: npt.NDArray[np.uint8]) -> Vectors:
        """RGB pictures [N, S, S, 3] to [N, D], L2-normalised. The graph itself turns bytes into its numbers."""
        return _unit(self._image_tower.run({"pictures": pictures}))

    def encode_text(self, texts: list[str]) -> Vectors:
        """Sentences to [N, D], L2-normalised. They are cut after `pack.max_tokens` word pieces."""
        return _unit(self._text_tower.run(self._tokens(texts)))

    def cuts(self, text: str) -> bool:
        """Whether the model reads only the beginning of `text`."""
        return bool(self._tokenizer.encode(text).overflowing)

    def _tokens(self, texts: list[str]) -> dict[str, npt.NDArray[np.int64]]:
        encoded = self._tokenizer.encode_batch(texts)
        return {
            "tokens": np.array([e.ids for e in encoded], np.int64),
            "mask": np.array([e.attention_mask for e in encoded], np.int64),
        }

    @cached_property
    def background(self) -> Vectors:
        """Vectors [B, D] of pictures of many kinds; a sentence's similarity to a frame is measured against them."""
        rows = np.load(io.BytesIO(self.pack.read("background.npy")), allow_pickle=False)
        return np.asarray(rows, np.float32)

    def picture_trials(self) -> Trials:
        """Trials of the image tower on the devices."""
        # Squares of one colour on another: models see little difference between pictures of noise.
        size_px, colours = self.pack.input_px, np.random.default_rng(0).integers(0, 256, (2, _BATCH, 1, 1, 3), np.uint8)
        is_inside = abs(np.arange(size_px) * 2 - size_px) < size_px / 2
        sample = np.where(np.outer(is_inside, is_inside)[..., None], *colours)
        return Trials(self.pack.read("image.onnx"), {"pictures": sample}, _LARGEST_BATCH)

    def sentence_trials(self) -> Trials:
        """Trials of the text tower on the devices, with one sentence, as queries come."""
        return Trials(self.pack.read("text.onnx"), self._tokens([_SENTENCE]), 1)

    @cached_property
    def _image_tower(self) -> Tower:
        return open_tower(self.picture_trials(), self.wanted_device)

    @cached_property
    def _text_tower(self) -> Tower:
        if self.wanted_device in SENTENCES_ON and self.wanted_device != AUTO:
            expect_offered(DEVICES[self.wanted_device])
        return open_tower(self.sentence_trials(), SENTENCES_ON.get(self.wanted_device, self.wanted_device))

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_str(self.pack.read("tokenizer.json").decode())
        pack = self.pack
        tokenizer.enable_truncation(pack.max_tokens)
        tokenizer.enable_padding(pad_id=pack.pad_id, length=pack.max_tokens if pack.pads_to_max else None)
        return tokenizer


def _unit(rows: Vectors) -> Vectors:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)
