"""The original of footage that was searched as a proxy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tr_desktop.moments import Media


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
