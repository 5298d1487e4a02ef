"""The grounder of dual encoders: similarity to the query gives rough segments, a small refiner moves their edges.

Three refiners give the same kind of answer, so they can be compared: `learned` (the pack's refiner.onnx; its steps read
the index, then frames that are decoded around each edge), `heuristic` (training-free, the baseline) and `none` (rough
segments only).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import MediaError, UserError
from tr_desktop.footage.seek import read_frames
from tr_desktop.grounders.base import Search
from tr_desktop.grounders.scoring import Scorer
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.close_ups import as_stored
from tr_desktop.moments import Indexed, Moment, Refinement, RefineStep, Segment, StepSource
from tr_desktop.refine import looks, pipeline
from tr_desktop.refine.apart import overlap
from tr_desktop.refine.learned import Refiner, open_refiner
from tr_desktop.refine.pipeline import IndexedFrames, Query
from tr_desktop.refine.training_free import RowStep

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

LOOKS = 2
# Without a learned refiner nobody judges a segment: the chance of a usual one.
UNJUDGED = 0.25
# At least this many rough segments are tried, however few are wanted: the best is not always the first.
MIN_TRIED = 5
# Looking closer must leave at least this share of the index's segment.
MIN_LEFT = 0.5
# An edge this near to an end of the file moves to that end.
AT_THE_END_S = Fraction(1, 4)

Vectors = npt.NDArray[np.float32]
Score = Callable[[Segment, float], float]
"""From a segment and the chance that the refiner gives it to its score."""


class RefinerKind(Enum):
    NONE = "none"
    HEURISTIC = "heuristic"
    LEARNED = "learned"


@dataclass(frozen=True)
class _Chain:
    """The steps of one answer, the value that ranks it within its file, and the chance that the refiner gives it."""

    steps: list[RefineStep]
    rank: float
    chance: float


class TwoTower:
    """A `Grounder` that reads the index of an encoder with an image and a text tower.

    kind: the refiner; None means the learned one, or the training-free one if the pack has none.
    Raises UserError if LEARNED is requested and the pack has none.
    """

    def __init__(self, catalog: Catalog, encoder: Encoder, kind: RefinerKind | None = None) -> None:
        self._catalog, self._encoder = catalog, encoder
        self._refiner: Refiner | None = None
        if kind in (None, RefinerKind.LEARNED):
            self._refiner = open_refiner(encoder.pack)
        if kind is RefinerKind.LEARNED and self._refiner is None:
            raise UserError(
                "The model pack has no learned refiner",
                path=encoder.pack.location,
                remedy="Use --refiner heuristic, or another pack",
            )
        self._takes_steps = kind is not RefinerKind.NONE

    def steps_that_look_closer(self, steps: int) -> int:
        return LOOKS if self._refiner is not None and steps > LOOKS else 0

    def moments(self, search: Search, item: Indexed, limit: int, steps: int) -> list[Moment]:
        return [moment for moment, _ in self.weighed(search, item, limit, steps)]

    def weighed(self, search: Search, item: Indexed, limit: int, steps: int) -> list[tuple[Moment, dict[str, float]]]:
        """`moments`, each with the evidence for its score."""
        frames, query = _frames_of(item), self._query(search)
        scorer = Scorer.of(self._encoder.pack, item, frames, query, search)
        chains = self._chains(item, frames, query, scorer.score, max(limit, MIN_TRIED), steps)
        chains.sort(key=lambda chain: -chain.rank)
        found: list[tuple[Moment, dict[str, float]]] = []
        for chain in chains:
            segment = chain.steps[-1].segment
            if not any(overlap(segment, other.segment) for other, _ in found):
                found.append((self._moment(search, item, chain.steps), scorer.evidence(segment, chain.chance)))
        return sorted(found, key=lambda each: -each[0].score)[:limit]

    def score(self, search: Search, item: Indexed, segment: Segment) -> float:
        scorer = Scorer.of(self._encoder.pack, item, _frames_of(item), self._query(search), search)
        return scorer.score(segment, UNJUDGED)

    def look_closer(self, search: Search, item: Indexed, moment: Moment) -> Moment:
        if self._refiner is None:
            return moment
        kept, frames, query = moment.refinement.kept, _frames_of(item), self._query(search)
        starts_s = looks.frame_times_s(item.times)
        segment_s = (float(kept.start_s), float(kept.end_s))
        try:
            seen = pipeline.look_closer(self._refiner, frames, query, starts_s, segment_s, self._looker(item))
        except MediaError:  # the file went away after it was indexed; the answer on the index stands
            return moment
        steps = list(moment.refinement.steps)
        first, second = seen.steps
        for step, placed, are_cuts in (
            (first, _boundaries(item, first.start_s, first.end_s), (False, False)),
            (second, (seen.start_frame, seen.end_frame), (seen.start_is_cut, seen.end_is_cut)),
        ):
            confidences = (step.start_confidence, step.end_confidence)
            # Looking closer moves edges; it is the same moment and keeps its score.
            moved = _placed(item, len(steps), placed, confidences, lambda *_: moment.score, step.score, are_cuts)
            steps.append(replace(moved, by=StepSource.FRAMES))
        # If both edges moved to the same cut, the answer before is better. The steps stay visible.
        is_lost = steps[-1].segment.frames < MIN_LEFT * kept.segment.frames
        stop = moment.refinement.stop if is_lost else len(steps) - 1
        return replace(moment, refinement=Refinement(tuple(steps), stop))

    def _chains(
        self, item: Indexed, frames: IndexedFrames, query: Query, score: Score, limit: int, steps: int
    ) -> list[_Chain]:
        if self._refiner is None:
            steps = steps if self._takes_steps else 0
            return [
                _training_free_chain(item, chain, score)
                for chain in pipeline.refine_without_training(frames, query, steps, limit)
            ]
        return [
            _learned_chain(item, chain, score)
            for chain in pipeline.refine_on_index(self._refiner, frames, query, steps, limit)
        ]

    def _query(self, search: Search) -> Query:
        return Query(search.vector, self._encoder.background)

    def _looker(self, item: Indexed) -> pipeline.Look:
        """Encodes frames by number; frames of earlier looks come from the library."""
        pack, path = self._encoder.pack, item.media.path
        pictures: dict[int, npt.NDArray[np.uint8]] = {}

        def look(frames: npt.NDArray[np.int64]) -> Vectors:
            known = self._catalog.close_ups.read(path, pack.sha256)
            missing = [frame for frame in frames.tolist() if frame not in known]
            if missing:
                if not pictures.keys() >= set(missing):
                    wanted = looks.with_those_between(missing)
                    pictures.update(read_frames(item.footage, wanted, pack.picture_shape))
                encoded = self._encoder.encode_images(np.stack([pictures[frame] for frame in missing]))
                new = dict(zip(missing, as_stored(encoded), strict=True))
                self._catalog.close_ups.keep(path, pack.sha256, new)
                known |= new
            return np.stack([known[frame] for frame in frames.tolist()])

        return look

    def _moment(self, search: Search, item: Indexed, steps: list[RefineStep]) -> Moment:
        refinement, score = Refinement(tuple(steps), stop=steps[-1].step), steps[-1].score
        is_confident = score >= self._encoder.pack.threshold
        return Moment(item.footage, refinement, score, is_confident, search.query, is_coarse=item.is_coarse)


def _frames_of(item: Indexed) -> IndexedFrames:
    return IndexedFrames(
        vectors=item.vectors.astype(np.float32),
        times_s=np.arange(len(item.vectors)) * float(item.every_s),
        step_s=float(item.every_s),
        duration_s=float(item.times.duration_s),
        boundary_s=lambda row: float(item.times.time_s(item.boundary_frame(row))),
    )


def _learned_chain(item: Indexed, chain: Sequence[pipeline.Step], score: Score) -> _Chain:
    steps = [
        _placed(
            item,
            number,
            _boundaries(item, step.start_s, step.end_s),
            (step.start_confidence, step.end_confidence),
            score,
            step.score,
        )
        for number, step in enumerate(chain)
    ]
    return _Chain(steps, chain[-1].score, chain[-1].score)


def _training_free_chain(item: Indexed, chain: Sequence[RowStep], score: Score) -> _Chain:
    steps = [
        _placed(
            item,
            number,
            (item.boundary_frame(step.start), item.boundary_frame(step.end)),
            (step.start_confidence, step.end_confidence),
            score,
            UNJUDGED,
        )
        for number, step in enumerate(chain)
    ]
    return _Chain(steps, steps[-1].score, UNJUDGED)


def _boundaries(item: Indexed, start_s: float, end_s: float) -> tuple[int, int]:
    """The frame boundaries nearest to two edges."""
    return item.times.boundary_at(Fraction(start_s)), item.times.boundary_at(Fraction(end_s))


def _placed(
    item: Indexed,
    number: int,
    boundaries: tuple[int, int],
    confidences: tuple[float, float],
    score: Score,
    chance: float,
    are_cuts: tuple[bool, bool] = (False, False),
) -> RefineStep:
    """Step `number` with its edges on frames of the file: at least one frame long, at an end of it if that is near."""
    times, (start_frame, end_frame) = item.times, boundaries
    is_first = times.time_s(start_frame) < AT_THE_END_S
    start = 0 if is_first else min(start_frame, len(times) - 1)
    is_last = times.duration_s - times.time_s(end_frame) < AT_THE_END_S
    segment = Segment(start, len(times) if is_last else max(end_frame, start + 1))
    return RefineStep(
        step=number,
        segment=segment,
        start_s=times.time_s(segment.start_frame),
        end_s=times.time_s(segment.end_frame),
        score=score(segment, chance),
        start_confidence=confidences[0],
        end_confidence=confidences[1],
        start_is_exact=is_first or are_cuts[0],
        end_is_exact=item.footage.is_whole if is_last else are_cuts[1],
    )
