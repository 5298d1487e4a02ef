"""Gaps in a recording: a camera lost its power or its network, or frames are damaged beyond recognition."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from tr_desktop.moments import FrameTimes

_SHORTEST_S = Fraction(3, 10)
_FEWEST_LOST = 5
_FEWEST_FRAMES = 50
_REGULAR_SHARE = 0.99  # of the frames; in a recording of variable rate a long pause is a still picture


def kept_gaps(times: FrameTimes) -> list[str]:
    """A sentence on the gaps that footage of a steady rate keeps in its times, or nothing."""
    steps = np.diff(np.asarray(times.ticks, np.int64))
    if len(steps) < _FEWEST_FRAMES:
        return []
    usual = int(np.median(steps))
    gaps: npt.NDArray[np.bool_] = steps > max(int(_SHORTEST_S / times.tick_s), _FEWEST_LOST * usual)
    regular = np.abs(steps - usual) <= usual / 2
    if not gaps.any() or regular.sum() < _REGULAR_SHARE * (~gaps).sum():
        return []
    return [gaps_sentence("kept", int(gaps.sum()), int(steps[gaps].sum() - usual * gaps.sum()) * times.tick_s)]


def gaps_sentence(how: str, count: int, length_s: Fraction) -> str:
    """how: 'kept' or 'closed'. length_s: of all of them; 0 if it isn't known."""
    return f"gaps in the recording, {how}: {count}" + (f" ({float(length_s):.1f} s)" if length_s > 0 else "")
