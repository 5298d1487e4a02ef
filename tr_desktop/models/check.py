"""Checks a pack against the program's assumptions: its hashes, then a run of both towers."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import PackError, UserError
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import Pack
from tr_desktop.models.runtime import reason

_T = TypeVar("_T")

_SENTENCES = ["a red car", "a blue sky over the sea"]


def check_pack(pack: Pack, device: str = "auto") -> str:
    """Verify every file and run both towers of `pack`; the device that ran them. Raises PackError if one fails.

    `refine/pack_check.py` checks the refiner.
    """
    pack.verify()
    encoder = Encoder(pack, device)
    random = np.random.default_rng(0)
    size = pack.input_px
    pictures = random.integers(0, 256, (3, size, size, 3), np.uint8)
    images = running(pack, "image.onnx", lambda: encoder.encode_images(pictures))
    expect_finite(pack, "image.onnx", images, (3, pack.width))
    alone = running(pack, "image.onnx", lambda: encoder.encode_images(pictures[1:2]))
    if float((alone[0] * images[1]).sum()) < 0.99:  # 8-bit towers differ a little from batch to batch
        raise PackError("image.onnx gives a picture a different vector in a batch than alone", path=pack.location)
    texts = running(pack, "text.onnx", lambda: encoder.encode_text(_SENTENCES))
    expect_finite(pack, "text.onnx", texts, (2, pack.width))
    if np.allclose(texts[0], texts[1], atol=1e-4):
        raise PackError("text.onnx gives two different sentences the same vector", path=pack.location)
    background = _background(pack)
    if background.ndim != 2 or background.shape[1] != pack.width or len(background) < 2:
        raise PackError(f"background.npy has shape {background.shape}, not [B, {pack.width}]", path=pack.location)
    return encoder.device


def _background(pack: Pack) -> npt.NDArray[np.floating]:
    try:
        array: npt.NDArray[np.floating] = np.load(io.BytesIO(pack.read("background.npy")), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise PackError(f"background.npy can't be read: {error}", path=pack.location) from error
    return array


def running(pack: Pack, name: str, work: Callable[[], _T]) -> _T:
    """The result of `work`, which runs the model `name`. Raises PackError for whatever goes wrong in it."""
    try:
        return work()
    except UserError:
        raise
    except Exception as error:  # ONNX Runtime's errors share no class; the model is at fault
        raise PackError(
            f"{name} doesn't run as a pack's models have to: {reason(error)}", path=pack.location
        ) from error


def expect_finite(pack: Pack, name: str, values: npt.NDArray[np.floating], shape: tuple[int, ...]) -> None:
    """Raises PackError unless `values` are finite and have `shape`."""
    if values.shape != shape:
        raise PackError(f"{name} gives {list(values.shape)} instead of {list(shape)}", path=pack.location)
    if not np.isfinite(values).all():
        raise PackError(f"{name} gives numbers that aren't finite", path=pack.location)
