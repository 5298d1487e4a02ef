"""From the indexed frames of one file and a query to chains of steps, from rough to final.

Both `find` and `evaluate` use this pipeline. It knows no library and no pixels: it takes vectors, times and a function
that encodes the frames it asks for.

    signals of the index ─ votes ─▶ rough segments ─ steps on the index ─▶ chains ─ look closer, twice ─▶ exact frames
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from tr_desktop.refine import looks
from tr_desktop.refine.learned import Refiner, log_odds, trusted
from tr_desktop.refine.rough import rough_segments, strongest_votes, worth_reading
from tr_desktop.refine.signals import FileView, Signals, signals, view_file
from tr_desktop.refine.training_free import RowStep, refine_edges, shot_change

Floats = npt.NDArray[np.float32]
Frames = npt.NDArray[np.int64]
Look = Callable[[Frames], npt.NDArray[np.floating]]
"""Encodes frames by number, sorted: [n] → [n, D], L2-normalised."""

# Seconds of the index on each side of a segment that the refiner reads when looking closer.
CONTEXT_S = 60.0


@dataclass(frozen=True)
class Query:
    """vector: fp32 [D]. background: fp32 [B, D], of unrelated pictures. Both L2-normalised."""

    vector: Floats
    background: Floats


@dataclass(frozen=True)
class IndexedFrames:
    """One file as it is indexed.

    vectors: fp32 [T, D], L2-normalised. times_s: [T], when each frame is shown, seconds from the first frame.
    step_s: between samples, seconds. duration_s: of the file. boundary_s: from a row to the time, in seconds, at which
    it takes over from the row before; row T is the end of the file.
    """

    vectors: Floats
    times_s: npt.NDArray[np.floating]
    step_s: float
    duration_s: float
    boundary_s: Callable[[int], float]

    def view(self, query: Query) -> FileView:
        return view_file(self.vectors, query.vector, query.background, self.duration_s)


@dataclass(frozen=True)
class Step:
    """One answer, seconds from the file's first frame.

    score: the chance that tIoU reaches 0.5. For steps on the index it combines the votes of the frames inside
    with the refiner's scores of the first step and of this one.
    start_confidence, end_confidence: the chance that the edge is within half a second of the truth. All in [0, 1].
    """

    start_s: float
    end_s: float
    score: float
    start_confidence: float
    end_confidence: float


@dataclass(frozen=True)
class CloseLook:
    """The result of looking closer.

    steps: two, on the first and on the second look. start_frame, end_frame: [in, out) on exact frames.
    frames_read: number of frames requested. start_is_cut, end_is_cut: whether a hard cut decided the edge.
    """

    steps: tuple[Step, Step]
    start_frame: int
    end_frame: int
    frames_read: int
    start_is_cut: bool
    end_is_cut: bool


def refine_on_index(refiner: Refiner, frames: IndexedFrames, query: Query, steps: int, limit: int) -> list[list[Step]]:
    """Chains of `steps` + 1 steps, the rough one first: at most `limit` that frames vote for, then the best windows.

    Votes miss moments in long takes, and the best windows miss short ones; so both are refined. They come in the order
    of their rough answers; the scores of later steps may rank them otherwise.
    """
    curve = frames.vectors @ query.vector
    windows = rough_segments(curve, limit)
    rows = worth_reading(curve, windows, frames.step_s)
    index = signals(frames.vectors[rows], frames.times_s[rows], frames.view(query))
    windows_s = [[frames.boundary_s(row) for row in window] for window in windows]
    return rough_and_refine(refiner, index, frames.step_s, steps, limit, np.array(windows_s, np.float32))


def rough_and_refine(
    refiner: Refiner, index: Signals, step_s: float, steps: int, limit: int, also: Floats | None = None
) -> list[list[Step]]:
    """At most `limit` answers that frames vote for, each with its rough segment and `steps` refinements of it.

    step_s: sampling step of the index, seconds. steps: 0 … MAX_STEPS. also: [N, 2] rough segments found in other ways,
    refined as well; they come last.
    """
    votes = refiner.votes(index)
    rough = strongest_votes(votes, float(index.times_s[0]), float(index.times_s[-1]), limit)
    if also is not None:
        rough = np.concatenate([rough, also.astype(np.float32)])
    reach = looks.index_reach_s(rough, step_s, max(steps, 1))
    rows = trusted(refiner.refine(index, rough, reach)[:, : steps + 1])
    rows[..., 2] = _scores(refiner, index, votes, rows)
    return [[Step(*map(float, row)) for row in chain] for chain in rows]


def refine_without_training(frames: IndexedFrames, query: Query, steps: int, limit: int) -> list[list[RowStep]]:
    """The best windows, refined by the training-free rule: `steps` + 1 steps each, in rows of the index."""
    curve, change = frames.vectors @ query.vector, shot_change(frames.vectors)
    fps = 1 / frames.step_s
    return [refine_edges(curve, change, rough, steps, fps) for rough in rough_segments(curve, limit)]


def look_closer(
    refiner: Refiner,
    frames: IndexedFrames,
    query: Query,
    starts_s: npt.NDArray[np.float64],
    segment_s: tuple[float, float],
    look: Look,
) -> CloseLook:
    """Continue from `segment_s` on frames decoded for it, at most `looks.MAX_FRAMES` an edge.

    starts_s: [frames + 1], from `looks.frame_times_s`.
    """
    numbers, vectors = _numbered(frames, starts_s)
    view, step_s = frames.view(query), _typical_step_s(starts_s[numbers])
    low, high = np.searchsorted(starts_s[numbers], (segment_s[0] - CONTEXT_S, segment_s[1] + CONTEXT_S))
    numbers, vectors = numbers[low:high], vectors[low:high]
    frames_read, steps = 0, list[Step]()
    edges = np.array([segment_s], np.float32)
    for wanted_of, reach_of in (
        (partial(looks.first_look, step_s=step_s), None),
        (looks.second_look, looks.fine_reach_s),
    ):
        wanted = np.unique(np.concatenate([wanted_of(starts_s, float(edge)) for edge in edges[0]]))
        new = np.setdiff1d(wanted, numbers)
        frames_read += len(new)
        if len(new):
            numbers, vectors = np.append(numbers, new), np.concatenate([vectors, look(new)])
            order = np.argsort(numbers)
            numbers, vectors = numbers[order], vectors[order]
        seen = signals(vectors, starts_s[numbers], view)
        reach_s = looks.LOOK_REACH_S if reach_of is None else reach_of(starts_s, float(edges[0, 0]))
        row = refiner.refine(seen, edges, np.array([[reach_s]], np.float32))[0, -1]
        steps.append(Step(*map(float, row)))
        edges = row[None, :2]
    # On single frames only a cut shows where an edge is; without one they add nothing to the first look.
    cuts = [_cut(starts_s, float(edge), numbers, vectors) for edge in edges[0]]
    boundaries = [looks.nearest_boundary(starts_s, edge_s) for edge_s in (steps[0].start_s, steps[0].end_s)]
    start, end = (boundary if cut is None else cut for boundary, cut in zip(boundaries, cuts, strict=True))
    start = min(start, len(starts_s) - 2)
    end = max(end, start + 1)
    return CloseLook((steps[0], steps[1]), start, end, frames_read, start == cuts[0], end == cuts[1])


def on_boundaries(starts_s: npt.NDArray[np.float64], edges_s: Sequence[float]) -> tuple[int, int]:
    """The frame boundaries nearest to a start and an end, at least one frame apart. starts_s: [frames + 1]."""
    start, end = (looks.nearest_boundary(starts_s, edge_s) for edge_s in edges_s)
    start = min(start, len(starts_s) - 2)
    return start, max(end, start + 1)


def _scores(refiner: Refiner, index: Signals, votes: Floats, rows: Floats) -> Floats:
    """The chance [M, K + 1] that each step is right. votes: [T, 3]; rows: [M, K + 1, 5].

    The refiner judges a segment by its edges and its inside, the votes know all of the file. Either alone is often
    wrong when the other isn't.
    """
    sums = np.concatenate([[0], np.cumsum(log_odds(votes[:, 0]))])
    low = np.minimum(np.searchsorted(index.times_s, rows[..., 0]), len(votes) - 1)
    high = np.maximum(np.searchsorted(index.times_s, rows[..., 1]), low + 1)
    judged = log_odds(rows[..., 2])
    evidence = (sums[high] - sums[low]) / (high - low) + (judged[:, :1] + judged) / 2
    return np.asarray(1 / (1 + np.exp(-(refiner.score_scale * evidence + refiner.score_shift))), np.float32)


def _numbered(frames: IndexedFrames, starts_s: npt.NDArray[np.float64]) -> tuple[Frames, Floats]:
    """(numbers [n] of the frames that the index shows, their vectors [n, D]).

    A frame that stays on screen for several rows is one frame.
    """
    last = len(starts_s) - 2
    shown = np.clip(np.searchsorted(starts_s, frames.times_s + 1e-9, side="right") - 1, 0, last)
    numbers, first_rows = np.unique(shown, return_index=True)
    return numbers, frames.vectors[first_rows]


def _typical_step_s(times_s: npt.NDArray[np.float64]) -> float:
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else looks.LOOK_S


def _cut(starts_s: npt.NDArray[np.float64], edge_s: float, numbers: Frames, vectors: Floats) -> int | None:
    """The cut near an edge, if one stands out."""
    near = np.isin(numbers, looks.second_look(starts_s, edge_s))
    return looks.cut_near(numbers[near], vectors[near])
