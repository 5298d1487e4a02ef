"""Hard cuts, exact to the frame."""

from __future__ import annotations

import numpy as np

from tr_desktop.footage.seek import read_frames
from tr_desktop.moments import Footage

# The frames at a cut differ this many times as much as the others around it.
_SHARP = 4.0
_LOOK_PX = 32


def cut_between(footage: Footage, first: int, last: int) -> int | None:
    """The first frame of the shot that begins between frames `first` and `last`, if that is a hard cut.

    Raises MediaError if the file can't be read.
    """
    first, last = max(first - 1, 0), min(last + 1, len(footage.times) - 1)
    pictures = [picture for _, picture in read_frames(footage, range(first, last + 1), _LOOK_PX)]
    if len(pictures) < 3:
        return None
    unlike = np.abs(np.diff(np.stack(pictures).astype(np.float32), axis=0)).mean(axis=(1, 2, 3))
    at = int(np.argmax(unlike))
    others = np.delete(unlike, at)
    return first + at + 1 if unlike[at] > _SHARP * max(float(np.median(others)), 1.0) else None
