"""Running `refiner.onnx`: rough answers over the indexed frames, steps that move their edges, and looking closer.

The graph knows no encoder: it reads `localize.signals`. Its contract (`training/refiner/export.py` writes it): inputs
channels [T, C], vectors [T, D], times [T], segments [M, 2], reach [M, K] (1 ≤ K ≤ MAX_STEPS); outputs dense [T, 3] and
steps [M, K + 1, 5], all fp32, times in seconds from the file's first frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from tr_desktop.models.runtime import open_session
from tr_desktop.refine import looks
from tr_desktop.refine.signals import FileView, Signals, signals

Floats = npt.NDArray[np.float32]
Frames = npt.NDArray[np.int64]
Look = Callable[[Frames], npt.NDArray[np.floating]]

MAX_STEPS = 8
# Of two rough answers that overlap more than this (tIoU), the weaker is dropped.
MAX_OVERLAP = 0.5
# Seconds of the index on either side of a segment that stay in sight when looking closer.
CONTEXT_S = 60.0


@dataclass(frozen=True)
class Step:
    """One answer, seconds from the file's first frame. score: the chance that tIoU reaches 0.5 (of steps on the index:
    what frames vote for, how far similarity stands out inside, and what the refiner thinks of the first and this step,
    weighed together). start_confidence,
    end_confidence: the chance that the edge is within half a second of the truth. All in [0, 1]."""

    start_s: float
    end_s: float
    score: float
    start_confidence: float
    end_confidence: float


@dataclass(frozen=True)
class CloseLook:
    """What looking closer found. steps: two, on the first and on the second look. start_frame, end_frame: [in, out) on
    exact frames. frames_read: how many were asked for."""

    steps: tuple[Step, Step]
    start_frame: int
    end_frame: int
    frames_read: int


_ANYWHERE = np.array([[0, 1]], np.float32)  # a segment for runs of which only the votes are wanted


def _log_odds(chance: Floats) -> Floats:
    sure = np.clip(chance, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(sure / (1 - sure)), np.float32)


class Refiner:
    """content: bytes of a pack's `refiner.onnx`. device: 'auto', 'cpu' or 'cuda'."""

    def __init__(self, content: bytes, device: str = "auto") -> None:
        self._session = open_session(content, device, threads=1)  # too small to gain by a second one
        about = self._session.get_modelmeta().custom_metadata_map
        self._score_scale, self._score_shift = (
            float(about.get(f"score_{k}", d)) for k, d in (("scale", 1), ("shift", 0))
        )

    def rough_and_refine(
        self, index: Signals, step_s: float, steps: int, limit: int, also: Floats | None = None
    ) -> list[list[Step]]:
        """At most `limit` answers from the index alone, each with its rough segment and `steps` refinements of it.

        step_s: sampling step of the index, seconds. steps: 0 … MAX_STEPS. also: [N, 2] rough segments found in other
        ways, refined as well. In order of the rough answers, best first, those of `also` last; the scores of later
        steps may rank them otherwise.
        """
        votes = self._run(index, _ANYWHERE, _ANYWHERE[:, :1], ["dense"])[0]
        rough = self._rough(index, votes, limit)
        if also is not None:
            rough = np.concatenate([rough, also.astype(np.float32)])
        reach = looks.index_reach_s(rough, step_s, max(steps, 1))
        rows = trusted(self.refine(index, rough, reach)[:, : steps + 1])
        rows[..., 2] = self._scores(index, votes, rows)
        return [[Step(*map(float, row)) for row in chain] for chain in rows]

    def _scores(self, index: Signals, votes: Floats, rows: Floats) -> Floats:
        """The chance [M, K + 1] that each step is right. votes: [T, 3]; rows: [M, K + 1, 5].

        The refiner judges a segment by its edges and what is inside, the votes know all of the file: either alone is
        often wrong where the other isn't.
        """
        sums = np.concatenate([[0], np.cumsum(_log_odds(votes[:, 0]))])
        low = np.minimum(np.searchsorted(index.times_s, rows[..., 0]), len(votes) - 1)
        high = np.maximum(np.searchsorted(index.times_s, rows[..., 1]), low + 1)
        judged = _log_odds(rows[..., 2])
        evidence = (sums[high] - sums[low]) / (high - low) + (judged[:, :1] + judged) / 2
        return np.asarray(1 / (1 + np.exp(-(self._score_scale * evidence + self._score_shift))), np.float32)

    def look_closer(
        self,
        view: FileView,
        index_frames: Frames,
        index_vectors: npt.NDArray[np.floating],
        starts_s: npt.NDArray[np.float64],
        segment: tuple[float, float],
        look: Look,
    ) -> CloseLook:
        """Go on from `segment` (seconds) on frames that are decoded for it, at most `looks.MAX_FRAMES` an edge.

        index_frames: [T] numbers of the indexed frames, index_vectors: [T, D]. starts_s: [frames + 1], from
        `looks.frame_times_s`. look: encodes the frames it is asked for, sorted, to [n, D], L2-normalised.
        """
        low, high = np.searchsorted(starts_s[index_frames], (segment[0] - CONTEXT_S, segment[1] + CONTEXT_S))
        frames, vectors = index_frames[low:high], index_vectors[low:high].astype(np.float32)
        read, steps = 0, list[Step]()
        edges = np.array([segment], np.float32)
        step_s = float(np.median(np.diff(starts_s[index_frames]))) if len(index_frames) > 1 else looks.LOOK_S
        both = ((partial(looks.first_look, step_s=step_s), None), (looks.second_look, looks.fine_reach_s))
        for look_at, reach in both:
            wanted = np.unique(np.concatenate([look_at(starts_s, float(edge)) for edge in edges[0]]))
            new = np.setdiff1d(wanted, frames)
            read += len(new)
            if len(new):
                frames, vectors = np.append(frames, new), np.concatenate([vectors, look(new)])
                order = np.argsort(frames)
                frames, vectors = frames[order], vectors[order]
            seen = signals(vectors, starts_s[frames], view)
            reach_s = looks.LOOK_REACH_S if reach is None else reach(starts_s, float(edges[0, 0]))
            row = self.refine(seen, edges, np.array([[reach_s]], np.float32))[0, -1]
            steps.append(Step(*map(float, row)))
            edges = row[None, :2]
        # On single frames only a cut says where an edge is; elsewhere they add nothing to what the first look showed.
        seen_first = (steps[0].start_s, steps[0].end_s)
        cuts = (self._cut(starts_s, float(edge), frames, vectors) for edge in edges[0])
        start, end = (
            looks.nearest_boundary(starts_s, edge) if cut is None else cut
            for edge, cut in zip(seen_first, cuts, strict=True)
        )
        start = min(start, len(starts_s) - 2)
        return CloseLook((steps[0], steps[1]), start, max(end, start + 1), read)

    def refine(self, seen: Signals, segments: Floats, reach_s: Floats) -> Floats:
        """segments: [M, 2] seconds; reach_s: [M, K], how far each step may move an edge. → [M, K + 1, 5]: the segments
        given and after each step as start_s, end_s, score, start_confidence, end_confidence."""
        return np.asarray(self._run(seen, segments, reach_s, ["steps"])[0], np.float32)

    def _rough(self, seen: Signals, dense: Floats, limit: int) -> Floats:
        """What frames vote for [T, 3], strongest first and without repetition: [M, 2]."""
        first, last = float(seen.times_s[0]), float(seen.times_s[-1])
        votes = dense[np.argsort(-dense[:, 0])]
        kept: list[npt.NDArray[np.floating]] = []
        segments = np.clip(votes[:, 1:], first, max(last, first + 0.1))
        while len(segments) and len(kept) < limit:
            best, segments = segments[0], segments[1:]
            kept.append(best)
            overlap = np.minimum(segments[:, 1], best[1]) - np.maximum(segments[:, 0], best[0])
            hull = np.maximum(segments[:, 1], best[1]) - np.minimum(segments[:, 0], best[0])
            segments = segments[overlap <= MAX_OVERLAP * hull]
        return np.stack(kept).astype(np.float32)

    def _run(self, seen: Signals, segments: Floats, reach_s: Floats, outputs: list[str]) -> list[Floats]:
        inputs = {
            "channels": seen.channels,
            "vectors": seen.vectors,
            "times": seen.times_s,
            "segments": segments,
            "reach": reach_s,
        }
        return list(self._session.run(outputs, inputs))

    @staticmethod
    def _cut(starts_s: npt.NDArray[np.float64], edge_s: float, frames: Frames, vectors: Floats) -> int | None:
        near = np.isin(frames, looks.second_look(starts_s, edge_s))
        return looks.cut_near(frames[near], vectors[near])


def trusted(rows: Floats) -> Floats:
    """The steps [M, K + 1, 5] with only those moves of an edge after which the refiner trusts it, and the segment, more
    than before."""
    kept = rows.copy()
    for k in range(1, rows.shape[1]):
        before, after = kept[:, k - 1], rows[:, k]
        trust = [_log_odds(row[:, 3:]) + _log_odds(row[:, 2:3]) for row in (before, after)]  # [M, 2] each
        moves = trust[1] > trust[0]
        edges = np.where(moves, after[:, :2], before[:, :2])
        moves &= (edges[:, 1] > edges[:, 0])[:, None]
        kept[:, k, :2] = np.where(moves, after[:, :2], before[:, :2])
        kept[:, k, 3:] = np.where(moves, after[:, 3:], before[:, 3:])
        kept[:, k, 2] = np.where(moves.any(axis=1), after[:, 2], before[:, 2])
    return kept
