"""An editor's decisions about moments. They are immutable: every edit makes new ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from tr_desktop.moment_json import FootageOf, FoundMoment, FoundStep
from tr_desktop.moments import (
    MARKER_COLOURS,
    Judgement,
    Mark,
    Moment,
    Refinement,
    RefineStep,
    Remarks,
    Segment,
    StepSource,
    TextKind,
)


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

    @property
    def mark(self) -> Mark:
        """As moments have it. A colour that only a newer version knows becomes the first."""
        return Mark(self.frame, self.name, self.colour if self.colour in MARKER_COLOURS else MARKER_COLOURS[0])


@dataclass(frozen=True)
class Decision:
    """The editor's decision about one moment.

    found: the moment as the search answered. segment: the frames to export. kept_step: the step whose edges the
    editor started from. is_accepted: whether it is one of the selects; otherwise only its edits are remembered.
    example: PICTURE or MEDIA@SECONDS that was searched for; the query is then only a name.
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
    example: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> Key:
        return Key(self.query, self.found.media, self.found.rough.start_frame, self.found.rough.end_frame)

    @property
    def found_segment(self) -> Segment:
        """Where the search put the edges."""
        return self.found.kept

    @property
    def is_unfinished(self) -> bool:
        """Whether looking closer at its frames may still move an edge.

        No frames around its edges were read yet, and an edge is still where the search put it. Moments found in text
        have exact edges from the start.
        """
        found, edges = self.found, self.found_segment
        is_as_found = self.kept_step == found.stop and (
            self.segment.start_frame == edges.start_frame or self.segment.end_frame == edges.end_frame
        )
        has_its_edges = found.quote is not None and found.quote.kind is not TextKind.NAME
        return is_as_found and not has_its_edges and not any(step.looked_closer for step in found.steps)

    def found_moment(self, footage_of: FootageOf) -> Moment:
        """The moment as it was found. Raises UserError if its file isn't known, or has changed."""
        return self.found.moment(self.query, footage_of)

    def moment(self, footage_of: FootageOf) -> Moment:
        """The moment with the editor's edges as its kept answer. Raises UserError as `found_moment`."""
        return as_decided(self.found_moment(footage_of), self)


@dataclass(frozen=True)
class MarkedAnswer:
    """An answer to `query` that the editor marked right or wrong: the one that shows `frame` of the file `media`."""

    query: str
    media: str
    frame: int
    is_right: bool
    unknown: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def judgement(self) -> Judgement:
        """As searches have it."""
        return Judgement(Path(self.media), self.frame, self.is_right)


def key_of(moment: Moment) -> Key:
    rough = moment.refinement.steps[0].segment
    return Key(moment.query, str(moment.media.path), rough.start_frame, rough.end_frame)


def undecided(moment: Moment) -> Decision:
    """The first decision: the moment as it was found."""
    return Decision(moment.query, FoundMoment.of(1, moment), moment.segment, moment.refinement.stop)


def followed(decision: Decision, ended: Moment | None) -> Decision:
    """`decision` with the steps that `ended` has beyond its own. Edges that an editor set stay; so does a kept step.

    Each edge that is still where the search put it moves to where the later steps put it.
    """
    if ended is None or decision.kept_step != decision.found.stop or not decision.found.is_of(ended.footage):
        return decision
    steps, found, edges = decision.found.steps, FoundMoment.of(decision.found.rank, ended), decision.found_segment
    if not _continue(found.steps, steps):
        return decision
    if len(found.steps) == len(steps):
        # The last answer of a search also knows in which file a moment goes on.
        known = decision.found.continued or found.continued
        return replace(decision, found=replace(decision.found, continued=known)) if known else decision
    follows_in = decision.segment.start_frame == edges.start_frame
    follows_out = decision.segment.end_frame == edges.end_frame
    if not (follows_in or follows_out):
        return decision
    start = found.kept.start_frame if follows_in else decision.segment.start_frame
    end = found.kept.end_frame if follows_out else decision.segment.end_frame
    found = replace(
        found,
        steps=(*steps, *found.steps[len(steps) :]),
        continued=found.continued or decision.found.continued,
        unknown=decision.found.unknown,
    )
    if start >= end:  # the edge that was set lies beyond the one that was found: both stay
        return replace(decision, found=found)
    return replace(decision, found=found, kept_step=found.stop, segment=Segment(start, end))


def known(moment: Moment, decision: Decision) -> Moment:
    """`moment` with the steps that the decision is about, so that its kept step is one of them.

    A search that is still under way has found fewer of them so far, and another model may find others.
    """
    steps = decision.found.steps
    if _continue(_found_steps(moment), steps):
        return moment
    refinement = Refinement(tuple(step.refine_step(moment.footage) for step in steps), decision.found.stop)
    return replace(moment, refinement=refinement)


def goes_on(moment: Moment, before: Moment) -> bool:
    """Whether the steps of `moment` are those of `before`, or go on from them."""
    return _continue(_found_steps(moment), _found_steps(before))


def _found_steps(moment: Moment) -> tuple[FoundStep, ...]:
    return tuple(FoundStep.of(moment, step) for step in moment.refinement.steps)


def _continue(steps: tuple[FoundStep, ...], before: tuple[FoundStep, ...]) -> bool:
    """Whether `steps` begin with `before`, apart from keys that this version doesn't know and from words for edges,
    which older projects lack."""
    first, known = (
        [replace(step, unknown={}, start_is=None, end_is=None) for step in some]
        for some in (steps[: len(before)], before)
    )
    return first == known


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
            start_is_exact=kept.start_is_exact and segment.start_frame == kept.segment.start_frame,
            end_is_exact=kept.end_is_exact and segment.end_frame == kept.segment.end_frame,
        )
        refinement = replace(refinement, steps=(*refinement.steps, by_hand), stop=by_hand.step)
    marks = tuple(marker.mark for marker in decision.markers)
    remarks = Remarks(decision.name, decision.note, decision.rating, marks)
    return replace(moment, refinement=refinement, remarks=remarks)
