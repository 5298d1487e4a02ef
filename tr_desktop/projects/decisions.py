"""An editor's decisions about moments. They are immutable: every edit makes new ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tr_desktop.moment_json import FootageOf, FoundMoment
from tr_desktop.moments import MARKER_COLOURS, Mark, Moment, RefineStep, Remarks, Segment, StepSource


class Key(NamedTuple):
    """The moment that a decision is about: the query, the file, and the rough answer's frames, which never change."""

    query: str
    media: str
    start_frame: int
    end_frame: int


@dataclass(frozen=True)
class Marker:
    """A place to come back to. frame: counted from the file's first. colour: one of `MARKER_COLOURS`, or ""."""

    frame: int
    name: str = ""
    colour: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Decision:
    """The editor's decision about one moment.

    found: the moment as the search answered. segment: the frames to export. kept_step: the step whose edges the
    editor started from. is_accepted: whether it is one of the selects; otherwise only its edits are remembered.
    rating: 1 to `MAX_RATING`, or 0 for none.
    """

    query: str
    found: FoundMoment
    segment: Segment
    kept_step: int
    is_accepted: bool = False
    name: str = ""
    note: str = ""
    rating: int = 0
    markers: tuple[Marker, ...] = ()
    unknown: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> Key:
        return Key(self.query, self.found.media, self.found.rough.start_frame, self.found.rough.end_frame)

    @property
    def found_segment(self) -> Segment:
        """Where the search put the edges."""
        return self.found.kept

    def found_moment(self, footage_of: FootageOf) -> Moment:
        """The moment as it was found. Raises UserError if its file isn't known, or has changed."""
        return self.found.moment(self.query, footage_of)

    def moment(self, footage_of: FootageOf) -> Moment:
        """The moment with the editor's edges as its kept answer. Raises UserError as `found_moment`."""
        return as_decided(self.found_moment(footage_of), self)


def key_of(moment: Moment) -> Key:
    rough = moment.refinement.steps[0].segment
    return Key(moment.query, str(moment.media.path), rough.start_frame, rough.end_frame)


def undecided(moment: Moment) -> Decision:
    """The first decision: the moment as it was found."""
    return Decision(moment.query, FoundMoment.of(1, moment), moment.segment, moment.refinement.stop)


def followed(decision: Decision, ended: Decision | None) -> Decision:
    """`decision` with the steps that `ended` found beyond its own, if its edges are still as they were found."""
    if ended is None:
        return decision
    steps, all_steps = decision.found.steps, ended.found.steps
    is_earlier = len(steps) < len(all_steps) and all_steps[: len(steps)] == steps
    is_untouched = decision.kept_step == decision.found.stop and decision.segment == decision.found_segment
    if not (is_earlier and is_untouched):
        return decision
    return replace(decision, found=ended.found, kept_step=ended.kept_step, segment=ended.segment)


def as_decided(moment: Moment, decision: Decision) -> Moment:
    """The moment to export: `moment` with the decision's step kept, and edges that the editor moved as one step more.

    An edge that a person moved is certain.
    """
    refinement = replace(moment.refinement, stop=decision.kept_step)
    kept, segment = refinement.kept, decision.segment
    if segment != kept.segment:
        by_hand = RefineStep(
            step=len(refinement.steps),
            segment=segment,
            start_s=moment.times.time_s(segment.start_frame),
            end_s=moment.times.time_s(segment.end_frame),
            score=kept.score,
            start_confidence=kept.start_confidence if segment.start_frame == kept.segment.start_frame else 1.0,
            end_confidence=kept.end_confidence if segment.end_frame == kept.segment.end_frame else 1.0,
            by=StepSource.HAND,
        )
        refinement = replace(refinement, steps=(*refinement.steps, by_hand), stop=by_hand.step)
    marks = tuple(Mark(marker.frame, marker.name, _known(marker.colour)) for marker in decision.markers)
    remarks = Remarks(decision.name, decision.note, decision.rating, marks)
    return replace(moment, refinement=refinement, remarks=remarks)


def _known(colour: str) -> str:
    """`colour`, or the first for one that only a newer version knows."""
    return colour if colour in MARKER_COLOURS else MARKER_COLOURS[0]
