"""First looks: vectors of a few frames of a file, searched until all of it is indexed.

Each belongs to a pack and is kept as if another pack had made it, in vector files of its own: the index is the same
with and without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from tr_desktop.library.store.vectors import Rows
from tr_desktop.moments import FrameTimes


def first_look_of(pack: str) -> str:
    """The name under which the first looks of a pack are kept. pack: its sha256."""
    return f"{pack} first look"


def filled_up(indexed: Rows, looked: Rows, ticks: Sequence[int], times: FrameTimes, every_s: Fraction) -> Rows:
    """The vectors of a whole file, one every `every_s`: after `indexed` [n, width], the nearest of `looked` [k, width].

    ticks: when each frame of `looked` is shown, rising. times: of all frames.
    """
    step_ticks = every_s / times.tick_s
    count = -(-times.end_tick // step_ticks)
    wanted = np.arange(len(indexed), count) * float(step_ticks)
    known = np.asarray(ticks, np.float64)
    nearest = np.searchsorted((known[1:] + known[:-1]) / 2, wanted)
    return np.concatenate([indexed, looked[nearest]])
