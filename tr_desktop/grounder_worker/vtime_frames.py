"""From the pictures of a window to what CLIP's image tower takes: a hundred of them, as VTimeLLM saw its videos."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

FRAMES = 100
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_DEVIATION = (0.26862954, 0.26130258, 0.27577711)


def spread(times_s: Sequence[Fraction], length_s: Fraction) -> list[int]:
    """Which picture is on screen at each of 100 moments, evenly from the window's start to its end.

    times_s: when each picture begins, ascending, from the window's start. length_s: of the window.
    """
    moments = (length_s * number / (FRAMES - 1) for number in range(FRAMES))
    return [max(bisect_right(times_s, moment_s) - 1, 0) for moment_s in moments]


def pixels(pictures: NDArray[np.uint8], side_px: int) -> Tensor:
    """float32 [n, 3, side_px, side_px] from uint8 RGB [n, H, W, 3], as CLIP wants them.

    The shorter side is scaled to side_px, the middle cut out.
    """
    height, width = pictures.shape[1:3]
    short = min(height, width)
    size = [side_px * height // short, side_px * width // short]
    whole = torch.from_numpy(pictures.copy()).permute(0, 3, 1, 2)
    scaled = interpolate(whole, size, mode="bicubic", antialias=True)  # in bytes, as Pillow does it for CLIP
    top, left = (round((each - side_px) / 2) for each in size)
    middle = scaled[:, :, top : top + side_px, left : left + side_px] / 255
    mean, deviation = (torch.tensor(each).view(3, 1, 1) for each in (_MEAN, _DEVIATION))
    return (middle - mean) / deviation
