"""Whether a file that isn't there was deleted, or is on a drive that isn't plugged in.

What counts is the drive, not the folder: footage is on a missing drive if the place where that drive is mounted has
no drive now. A deleted or renamed folder of a drive that is here is gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

# Where systems mount removable drives and shares, and how many names below that name the drive.
_USUAL = ((Path("/Volumes"), 1), (Path("/media"), 2), (Path("/media"), 1), (Path("/run/media"), 2), (Path("/mnt"), 1))


def mount_of(path: Path) -> Path:
    """Where the drive of an existing `path` is mounted."""
    real = Path(os.path.realpath(path))
    return next((folder for folder in (real, *real.parents) if os.path.ismount(folder)), Path(real.anchor))


class Drives:
    """The drives that footage was found on. It looks at each place once, so use a new one for each run."""

    def __init__(self, known: Iterable[Path]) -> None:
        """known: where they are mounted."""
        self._known = frozenset(known)
        self._is_away = cache(self._look)

    def is_away(self, path: Path) -> bool:
        """Whether the drive of `path`, which isn't there, isn't there either."""
        return self._is_away(path.parent)

    def _look(self, folder: Path) -> bool:
        real = Path(os.path.realpath(folder))  # a link to a drive that is away still shows where it is mounted
        above = (real, *real.parents)
        if not os.path.lexists(real.anchor):  # a drive letter, or a share of Windows
            return True
        if any(place in self._known and not os.path.ismount(place) for place in above):
            return True
        # A library from before drives were remembered: an unmounted drive leaves no folder, or an empty one.
        return any(_is_usual(place) and not os.path.ismount(place) and _is_empty(place) for place in above)


def _is_usual(place: Path) -> bool:
    return any(place.is_relative_to(root) and len(place.relative_to(root).parts) == names for root, names in _USUAL)


def _is_empty(folder: Path) -> bool:
    try:
        return next(folder.iterdir(), None) is None
    except OSError:
        return True
