"""Looking closer at an edge: the frames to decode, how far the refiner may move it, the frame it ends up on.

The index is coarse. Around each edge, frames are added twice: first LOOK_FPS a second across the gap that the index
leaves, then every frame next to the resulting edge. Both are bounded, whatever the footage's rate: at most MAX_FRAMES
an edge, usually 10 to 15 for 25 fps and an index of 2 fps.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt

from tr_desktop.moments import FrameTimes

Floats = npt.NDArray[np.floating]
Frames = npt.NDArray[np.int64]

LOOK_FPS = 8
LOOK_S = 1.0
FINE_FRAMES = 4  # on each side of an edge; more if more lie between two frames of the first look
MAX_FINE_FRAMES = 16
MAX_FRAMES = round(2 * LOOK_S * LOOK_FPS) + 1 + 2 * MAX_FINE_FRAMES

# How far one step may move an edge: on the index in proportion to the segment, but never less than a few sampling
# steps.
LONGEST_REACH_S = 20.0
INDEX_STEPS_FIRST, INDEX_STEPS_LATER = 4.0, 2.0
LOOK_REACH_S = 1.0
FINE_REACH_FRAMES = 8.0

# A cut is a change of picture this many times as strong as the others around it.
OUTSTANDING = 3.0
# Changes weaker than this (1 - cosine) are noise.
MIN_CHANGE = 0.02


def index_reach_s(segments_s: Floats, step_s: float, steps: int) -> npt.NDArray[np.float32]:
    """How far each step on the index may move the edges of `segments_s` [M, 2], seconds: [M, steps]. step_s: of the
    index."""
    width = segments_s[:, 1] - segments_s[:, 0]
    first = np.clip(width / 2, INDEX_STEPS_FIRST * step_s, LONGEST_REACH_S)
    halved = first[:, None] / 2.0 ** np.arange(steps)
    return np.maximum(halved, INDEX_STEPS_LATER * step_s).astype(np.float32)


def frame_times_s(times: FrameTimes) -> npt.NDArray[np.float64]:
    """When each frame starts to be shown, and the end of the file: seconds, [frames + 1]."""
    return np.append(np.asarray(times.ticks, np.int64), times.end_tick) * float(times.tick_s)


def look_s(step_s: float) -> float:
    """How far from an edge the first look goes, seconds: half a sampling step of the index and a little, at most
    LOOK_S. Twice as far costs half as much again and places edges no better (docs/experiments-refiner.md)."""
    return min(step_s / 2 + 1 / 4, LOOK_S)


def first_look(starts_s: Floats, edge_s: float, step_s: float) -> Frames:
    """LOOK_FPS frames a second around an edge. starts_s: [frames + 1], as from `frame_times_s`; step_s: of the
    index."""
    each = round(look_s(step_s) * LOOK_FPS)
    wanted = edge_s + np.arange(-each, each + 1) / LOOK_FPS
    last = len(starts_s) - 2
    inside = wanted[(wanted >= starts_s[0]) & (wanted < starts_s[-1])]
    return np.unique(np.clip(np.searchsorted(starts_s, inside, side="right") - 1, 0, last)).astype(np.int64)


def second_look(starts_s: Floats, edge_s: float) -> Frames:
    """Every frame within a few of the boundary nearest to an edge."""
    boundary = nearest_boundary(starts_s, edge_s)
    between = np.searchsorted(starts_s, edge_s + 1 / LOOK_FPS) - np.searchsorted(starts_s, edge_s)
    reach = int(np.clip(between + 2, FINE_FRAMES, MAX_FINE_FRAMES))
    return np.arange(max(boundary - reach, 0), min(boundary + reach, len(starts_s) - 1), dtype=np.int64)


def with_those_between(frames: Sequence[int]) -> list[int]:
    """`frames`, rising, and those between close neighbours. The second look may need these, and a second seek costs
    more than scaling a few pictures."""
    between = [range(a, b if b - a <= MAX_FINE_FRAMES else a + 1) for a, b in pairwise(frames)]
    return [*chain.from_iterable(between), *frames[-1:]]


def fine_reach_s(starts_s: Floats, edge_s: float) -> float:
    """How far the step on single frames may move an edge, seconds."""
    boundary = nearest_boundary(starts_s, edge_s)
    low, high = max(boundary - 4, 0), min(boundary + 4, len(starts_s) - 1)
    return float(FINE_REACH_FRAMES * (starts_s[high] - starts_s[low]) / max(high - low, 1))


def nearest_boundary(starts_s: Floats, edge_s: float) -> int:
    """The frame boundary nearest to `edge_s`: 0 … number of frames (the end of the file)."""
    after = int(np.searchsorted(starts_s, edge_s))
    if after == 0 or after == len(starts_s):
        return min(after, len(starts_s) - 1)
    return after - int(edge_s - starts_s[after - 1] < starts_s[after] - edge_s)


def cut_near(frames: Frames, vectors: Floats) -> int | None:
    """The frame that a cut among `frames` starts, or None if none stands out.

    frames: sorted, decoded around an edge; vectors: their [n, D], L2-normalised. Only neighbours in the file are
    compared.
    """
    joined = np.flatnonzero(np.diff(frames) == 1)
    if len(joined) < 3:
        return None
    rows = vectors.astype(np.float32)
    change = 1 - np.sum(rows[joined + 1] * rows[joined], axis=1)
    best = int(np.argmax(change))
    others = np.delete(change, best)
    is_cut = change[best] > max(OUTSTANDING * float(np.quantile(others, 0.9)), MIN_CHANGE)
    return int(frames[joined[best] + 1]) if is_cut else None
