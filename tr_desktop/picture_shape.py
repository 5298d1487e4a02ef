"""How frames become the square pictures that an image tower takes. Its vectors depend on it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fit(Enum):
    """How an oblong picture becomes a square: squashed, or scaled by its shorter side and cut to its centre."""

    SQUASH = "squash"
    CROP = "crop"


class Interpolation(Enum):
    """How it is scaled. AREA averages areas; the others are filters that widen as pictures shrink (no aliasing)."""

    AREA = "area"
    BICUBIC = "bicubic"
    BILINEAR = "bilinear"


@dataclass(frozen=True)
class PictureShape:
    """size_px: the side of the square."""

    size_px: int
    fit: Fit = Fit.SQUASH
    interpolation: Interpolation = Interpolation.AREA
