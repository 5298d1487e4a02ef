"""From pictures to the patches that Qwen's vision tower takes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from tr_desktop.errors import PackError

_FILES = ("video_preprocessor_config.json", "processor_config.json", "preprocessor_config.json")
_PAIR = 2  # frames that one patch covers


@dataclass(frozen=True)
class Video:
    """What the vision tower takes. Frames go in pairs; a last one without a partner is its own.

    patches: float32 [pairs * rows * columns, values of a patch]. grid: pairs, rows and columns of patches. times_s: of
    both frames of each pair, from the window's start.
    """

    patches: Tensor
    grid: tuple[int, int, int]
    times_s: tuple[tuple[Fraction, Fraction], ...]


class VideoMaker:
    """Makes videos for one checkpoint. folder: it. config: of the model, as transformers reads it."""

    def __init__(self, folder: Path, config: Any) -> None:
        vision = config.vision_config
        if vision.temporal_patch_size != _PAIR:
            raise PackError(f"The model takes {vision.temporal_patch_size} frames at once instead of two", path=folder)
        self.patch_px, self.merged = int(vision.patch_size), int(vision.spatial_merge_size)
        mean, deviation = _normalisation(folder)
        self._mean, self._deviation = (torch.tensor(values).view(3, 1, 1) * 255 for values in (mean, deviation))

    def __call__(self, pictures: NDArray[np.uint8], times_s: tuple[Fraction, ...], scale: float = 1.0) -> Video:
        """pictures: RGB [n, H, W, 3]. times_s: of each. scale: of their sides, which become whole tokens."""
        last = len(pictures) - 1
        pairs = [(first, min(first + 1, last)) for first in range(0, len(pictures), _PAIR)]
        size = tuple(self._whole(side * scale) for side in pictures.shape[1:3])
        patches = [self._patches(pictures[[*pair]], size) for pair in pairs]
        return Video(
            torch.cat(patches),
            (len(pairs), size[0] // self.patch_px, size[1] // self.patch_px),
            tuple((times_s[first], times_s[second]) for first, second in pairs),
        )

    def _whole(self, side: float) -> int:
        token_px = self.patch_px * self.merged
        return max(round(side / token_px), 1) * token_px

    def _patches(self, pair: NDArray[np.uint8], size: tuple[int, ...]) -> Tensor:
        """The patches of two frames [2, H, W, 3] at that size, token by token: float32 [n, values]."""
        pixels = torch.from_numpy(np.ascontiguousarray(pair)).permute(0, 3, 1, 2)
        if tuple(pixels.shape[2:]) != size:
            pixels = interpolate(pixels, size, mode="bicubic", antialias=True)
        pixels = (pixels.float() - self._mean) / self._deviation
        rows, columns = (side // (self.patch_px * self.merged) for side in size)
        parts = pixels.reshape(_PAIR, 3, rows, self.merged, self.patch_px, columns, self.merged, self.patch_px)
        # rows, columns of tokens; rows, columns of patches in a token; channel, frame, y, x in a patch
        return parts.permute(2, 5, 3, 6, 1, 0, 4, 7).reshape(rows * columns * self.merged**2, -1)


def _normalisation(folder: Path) -> tuple[list[float], list[float]]:
    """The mean and the deviation of each channel, of values from 0 to 1, that the checkpoint was trained with."""
    for path in (folder / name for name in _FILES):
        try:
            facts = json.loads(path.read_bytes())
            facts = facts.get("video_processor", facts)
            return [float(each) for each in facts["image_mean"]], [float(each) for each in facts["image_std"]]
        except (FileNotFoundError, KeyError):
            continue
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise PackError(f"How the model takes pictures can't be read: {error}", path=path) from error
    raise PackError("No file says how the model takes pictures", path=folder, remedy=f"It lacks {_FILES[-1]}: add it")
