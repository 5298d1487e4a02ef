"""The pictures of a file as a timeline describes them: their size, the shape of their pixels, and their colour."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from tr_desktop.moments import Media

SD_WIDTHS = range(702, 721)
"""Pixels across a picture of standard definition: writers differ on how many of the 720 they count."""

_SD_LINES = {480: "NTSC", 486: "NTSC", 576: "PAL"}


class Raster(NamedTuple):
    """Upright pictures: pixels in width and height, and the width of a pixel by its height."""

    width: int
    height: int
    pixel_aspect: Fraction


def shown(media: Media) -> Raster:
    """The pictures as they look, with square pixels."""
    return Raster(media.width, media.height, Fraction(1))


def stored(media: Media) -> Raster:
    """The pictures as the file stores them, turned upright; as `shown` if the library lacks their stored size."""
    if media.pixel_aspect == 1 or not (media.stored_width and media.stored_height):
        return shown(media)
    if media.rotation in (90, 270):
        return Raster(media.stored_height, media.stored_width, 1 / media.pixel_aspect)
    return Raster(media.stored_width, media.stored_height, media.pixel_aspect)


def standard(media: Media) -> str | None:
    """PAL or NTSC, if the pictures are stored in a size of standard definition."""
    return _SD_LINES.get(media.stored_height) if media.stored_width in SD_WIDTHS else None
