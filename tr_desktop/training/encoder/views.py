"""Views of a picture: squashed as footage is, and augmented ones that look like worse footage.

Every view ends as S x S uint8, squashed with an area-like filter as the indexer does. The augmented views remove cues
that footage does not have: the sharpness by which training sets differ, centred subjects, square frames.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

Pixels = NDArray[np.uint8]


def centre_view(picture: Image.Image, size_px: int) -> Pixels:
    """The whole picture squashed to size_px x size_px, [S,S,3]."""
    return np.asarray(picture.resize((size_px, size_px), Image.Resampling.BICUBIC, reducing_gap=None))


def unsquashed(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A picture that was stored as a square, in a shape that photographs have: 4:3, or one time in four 3:4."""
    side = max(picture.size)
    size = (side, round(side * 4 / 3)) if rng.random() < 0.25 else (round(side * 4 / 3), side)
    return picture.resize(size, Image.Resampling.BICUBIC)


def augmented(picture: Image.Image, size_px: int, rng: np.random.Generator) -> Pixels:
    """A random crop, letterbox or squash with random blur, darkness, colour, compression and flip, [S,S,3]."""
    kind = rng.random()
    if kind < 0.6:
        picture = _crop(picture, rng)
    elif kind < 0.75:
        picture = _letterbox(picture, rng)
    if rng.random() < 0.5:
        picture = ImageOps.mirror(picture)
    if rng.random() < 0.35:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.6))))
    for enhance, low, high in (
        (ImageEnhance.Brightness, 0.45, 1.35),
        (ImageEnhance.Contrast, 0.65, 1.3),
        (ImageEnhance.Color, 0.3, 1.4),
    ):
        if rng.random() < 0.4:
            picture = enhance(picture).enhance(float(rng.uniform(low, high)))
    if rng.random() < 0.35:
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=int(rng.integers(15, 60)))
        picture = Image.open(io.BytesIO(out.getvalue())).convert("RGB")
    return centre_view(picture, size_px)


def _crop(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A part of 35 … 100 % of the area, from portrait to wide."""
    wide, high = picture.size
    area, aspect = rng.uniform(0.35, 1.0) * wide * high, np.exp(rng.uniform(np.log(0.6), np.log(1.9)))
    w, h = min(wide, round((area * aspect) ** 0.5)), min(high, round((area / aspect) ** 0.5))
    x, y = int(rng.integers(0, wide - w + 1)), int(rng.integers(0, high - h + 1))
    return picture.crop((x, y, x + w, y + h))


def _letterbox(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Dark bars above and below, or at the sides."""
    wide, high = picture.size
    bar = float(rng.uniform(0.08, 0.3))
    across, down = (0, round(high * bar)) if rng.random() < 0.6 else (round(wide * bar), 0)
    return ImageOps.expand(picture, (across, down, across, down), fill=int(rng.integers(0, 24)))
