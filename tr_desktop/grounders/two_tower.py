"""The moments of one file: rough segments, then the steps that move their edges, each kept.

Three refiners answer alike, so that they can be compared: `learned` (the pack's refiner.onnx; the steps read the index,
then frames that are decoded around each edge), `heuristic` (training-free, the baseline) and `none` (rough segments).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import MediaError, UserError
from tr_desktop.footage.seek import read_frames
from tr_desktop.library.store.catalog import Catalog, as_stored
from tr_desktop.models.encoder import Encoder
from tr_desktop.moments import Indexed, Moment, Refinement, RefineStep, Segment
from tr_desktop.refine import looks
from tr_desktop.refine.learned import Refiner, Step
from tr_desktop.refine.rough import contrast, rough_segments, worth_reading
from tr_desktop.refine.signals import signals, view_file
from tr_desktop.refine.training_free import refine_edges, shot_change

# So many frames speak for a segment's best part; one alone is often a chance hit.
PEAK_FRAMES = 3
# However few moments are wanted, so many rough segments are tried: the best is not always the first.
MIN_TRIED = 5
# Looking closer may not take away more than half of what the index showed.
MIN_LEFT = 0.5
# An edge this near to an end of the file is meant to be that end.
AT_THE_END_S = Fraction(1, 4)

Vectors = npt.NDArray[np.float32]


class RefinerKind(Enum):
    NONE = "none"
    HEURISTIC = "heuristic"
    LEARNED = "learned"


@dataclass(frozen=True)
class Search:
    """One query, and what answers it. query_vector: fp32 [D], L2-normalised."""

    query: str
    query_vector: Vectors
    catalog: Catalog
    encoder: Encoder
    refiner: RefinerKind


@dataclass(frozen=True)
class _Chain:
    """The steps of one answer, and what it is ranked by within its file."""

    steps: list[RefineStep]
    rank: float


def moments_of(search: Search, item: Indexed, limit: int, steps: int) -> list[Moment]:
    """At most `limit` moments of one file that don't overlap, best first, each with its steps on the index."""
    tried = max(limit, MIN_TRIED)
    item = replace(item, vectors=item.vectors.astype(np.float32))  # once, for all that reads them
    if search.refiner is RefinerKind.LEARNED:
        chains = _learned(search, item, tried, steps)
    else:
        chains = _training_free(search, item, tried, steps if search.refiner is RefinerKind.HEURISTIC else 0)
    chains.sort(key=lambda chain: -chain.rank)
    # Whether the query occurs in this file is told by the best evidence in it, wherever the edges come to lie.
    best = max(chain.steps[-1].score for chain in chains)
    found: list[Moment] = []
    for chain in chains:
        score = min(chain.steps[-1].score, found[-1].score) if found else best  # scores don't contradict the order
        moment = _moment(search, item, chain.steps, score)
        if not any(_overlap(moment.segment, other.segment) for other in found):
            found.append(moment)
    return found[:limit]


def look_closer(search: Search, item: Indexed, moment: Moment) -> Moment:
    """The moment with the steps on frames decoded around its edges; as it is where these can't be read any more."""
    kept = moment.refinement.kept
    every_s = float(item.every_s)
    starts_s = looks.frame_times_s(item.times)
    times_s = np.arange(len(item.vectors)) * every_s
    frames = np.clip(np.searchsorted(starts_s, times_s + 1e-9, side="right") - 1, 0, len(item.times) - 1)
    # A frame that stays on screen for several rows is one frame.
    frames, first_rows = np.unique(frames, return_index=True)
    view = view_file(item.vectors, search.query_vector, search.encoder.background, float(item.times.duration_s))
    segment = (float(kept.start_s), float(kept.end_s))
    try:
        seen = _model(search).look_closer(
            view, frames, item.vectors[first_rows], starts_s, segment, _looker(search, item)
        )
    except MediaError:  # the file went away since it was indexed; the answer on the index stands
        return moment
    steps = list(moment.refinement.steps)
    score = _scorer(search, item)
    for number, step in enumerate(seen.steps, len(steps)):
        placed = (seen.start_frame, seen.end_frame) if step is seen.steps[-1] else _frames(item, step)
        taken = _step(item, number, *placed, step.start_confidence, step.end_confidence, score)
        steps.append(replace(taken, looked_closer=True))
    # Both edges drawn to the same cut: what was found before is the better answer. The steps stay to be seen.
    last, before = steps[-1].segment, kept.segment
    is_lost = last.frames < MIN_LEFT * before.frames
    return replace(moment, refinement=Refinement(tuple(steps), moment.refinement.stop if is_lost else len(steps) - 1))


def _learned(search: Search, item: Indexed, limit: int, steps: int) -> list[_Chain]:
    view = view_file(item.vectors, search.query_vector, search.encoder.background, float(item.times.duration_s))
    every_s = float(item.every_s)
    score = _scorer(search, item)
    # What frames vote for misses moments in long takes, and the best windows miss short ones: both are refined.
    curve = item.vectors @ search.query_vector
    windows = rough_segments(curve, limit)
    rows = worth_reading(curve, windows, every_s)
    index = signals(item.vectors[rows], rows * every_s, view)
    ends_s = [[float(item.times.time_s(item.boundary_frame(row))) for row in window] for window in windows]
    found = []
    for chain in _model(search).rough_and_refine(index, every_s, steps, limit, np.array(ends_s, np.float32)):
        placed = [
            _step(item, number, *_frames(item, step), step.start_confidence, step.end_confidence, score)
            for number, step in enumerate(chain)
        ]
        found.append(_Chain(placed, chain[-1].score))
    return found


def _model(search: Search) -> Refiner:
    if search.encoder.refiner is None:
        raise UserError(
            "The model pack has no learned refiner",
            path=search.encoder.pack.location,
            remedy="Use --refiner heuristic, or another pack",
        )
    return search.encoder.refiner


def _training_free(search: Search, item: Indexed, limit: int, steps: int) -> list[_Chain]:
    curve, change = item.vectors @ search.query_vector, shot_change(item.vectors)
    fps, score = float(1 / item.every_s), _scorer(search, item)
    found = []
    for rough in rough_segments(curve, limit):
        placed = [
            _step(
                item,
                number,
                item.boundary_frame(step.start),
                item.boundary_frame(step.end),
                step.start_confidence,
                step.end_confidence,
                score,
            )
            for number, step in enumerate(refine_edges(curve, change, rough, steps, fps))
        ]
        found.append(_Chain(placed, placed[-1].score))
    return found


def _scorer(search: Search, item: Indexed) -> Callable[[int, int], float]:
    """How likely a segment of `item`, given in frames, answers the query: the pack's calibration of the evidence."""
    curve = np.asarray(item.vectors, np.float32) @ search.query_vector
    unrelated = search.encoder.background @ search.query_vector

    def score(start_frame: int, end_frame: int) -> float:
        first, last = (int(-(-item.times.time_s(frame) // item.every_s)) for frame in (start_frame, end_frame))
        first = min(first, len(curve) - 1)  # a segment between two rows is judged by the next one
        last = max(last, first + 1)
        peak = float(np.sort(curve[first:last])[-PEAK_FRAMES:].mean())
        evidence = {
            "peak_z": (peak - float(unrelated.mean())) / float(unrelated.std()),
            "contrast": contrast(curve, first, last),
        }
        return search.encoder.pack.calibrated_score(evidence)

    return score


def _looker(search: Search, item: Indexed) -> Callable[[npt.NDArray[np.int64]], Vectors]:
    """Encodes frames that are asked for by number, [n] → [n, D]; what was looked at before comes from the library."""
    pack, path = search.encoder.pack, item.media.path
    pictures: dict[int, npt.NDArray[np.uint8]] = {}

    def look(frames: npt.NDArray[np.int64]) -> Vectors:
        known = search.catalog.close_up(path, pack.sha256)
        missing = [frame for frame in frames.tolist() if frame not in known]
        if missing:
            if not pictures.keys() >= set(missing):
                wanted = looks.with_those_between(missing)
                pictures.update(read_frames(item.footage, wanted, pack.input_px))
            encoded = as_stored(search.encoder.encode_images(np.stack([pictures[frame] for frame in missing])))
            new = dict(zip(missing, encoded, strict=True))
            search.catalog.keep_close_up(path, pack.sha256, new)
            known |= new
        return np.stack([known[frame] for frame in frames.tolist()])

    return look


def _frames(item: Indexed, step: Step) -> tuple[int, int]:
    """The frame boundaries nearest to a step's edges."""
    start, end = (item.times.boundary_at(Fraction(edge_s)) for edge_s in (step.start_s, step.end_s))
    return start, end


def _step(
    item: Indexed,
    number: int,
    start_frame: int,
    end_frame: int,
    start_confidence: float,
    end_confidence: float,
    score: Callable[[int, int], float],
) -> RefineStep:
    start = 0 if item.times.time_s(start_frame) < AT_THE_END_S else min(start_frame, len(item.times) - 1)
    is_last = item.times.duration_s - item.times.time_s(end_frame) < AT_THE_END_S
    end = len(item.times) if is_last else max(end_frame, start + 1)
    return RefineStep(
        step=number,
        segment=Segment(start, end),
        start_s=item.times.time_s(start),
        end_s=item.times.time_s(end),
        score=score(start, end),
        start_confidence=start_confidence,
        end_confidence=end_confidence,
    )


def _moment(search: Search, item: Indexed, steps: list[RefineStep], score: float) -> Moment:
    refinement = Refinement(tuple(steps), stop=steps[-1].step)
    return Moment(item.footage, refinement, score, score >= search.encoder.pack.threshold, search.query)


def _overlap(a: Segment, b: Segment) -> bool:
    return a.start_frame < b.end_frame and b.start_frame < a.end_frame
