"""The original of footage that was searched as a proxy."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tr_desktop.footage.frames import Sampler
from tr_desktop.moments import Footage, Media


@dataclass(frozen=True)
class Original:
    """media: its facts, by which it is proven; None if this program can't read it, so that only its name fits.

    is_there: otherwise its drive is away.
    """

    path: Path
    media: Media | None
    is_there: bool


@dataclass(frozen=True)
class Originals:
    """fitting: one, or several that can't be told apart. unlike: files of its name that show something else.

    is_missing: whether one was to be found in a folder that the user named.
    """

    fitting: tuple[Original, ...] = ()
    unlike: tuple[Path, ...] = ()
    is_missing: bool = False


def read_whole(media: Media) -> Footage:
    """A file with the times of all its frames, of which as few as possible are decoded. Raises MediaError."""
    sampler = Sampler(media, Fraction(10**6), 16)
    for _ in sampler:
        pass
    return sampler.footage
