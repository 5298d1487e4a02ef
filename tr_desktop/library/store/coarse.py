"""Coarse indexes: vectors of keyframes of a file, searched until all of it is indexed.

Each belongs to a pack and is kept as if another pack had made it, in vector files of its own: the exact index is the
same with and without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from tr_desktop.library.store.vectors import Rows
from tr_desktop.moments import FrameTimes


def coarse_of(pack: str) -> str:
    """The name under which the coarse index of a pack is kept. pack: its sha256."""
    return f"{pack} coarse"


def filled_up(indexed: Rows, coarse: Rows, ticks: Sequence[int], times: FrameTimes, every_s: Fraction) -> Rows:
    """The vectors of a whole file, one every `every_s`: after `indexed` [n, width], the nearest of `coarse` [k, width].

    ticks: when each frame of `coarse` is shown, rising. times: of all frames.
    """
    step_ticks = every_s / times.tick_s
    count = -(-times.end_tick // step_ticks)
    wanted = np.arange(len(indexed), count) * float(step_ticks)
    known = np.asarray(ticks, np.float64)
    nearest = np.searchsorted((known[1:] + known[:-1]) / 2, wanted)
    return np.concatenate([indexed, coarse[nearest]])
