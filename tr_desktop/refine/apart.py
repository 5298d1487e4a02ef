"""Answers of one file share no frames, at whatever steps they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tr_desktop.moments import Moment, Refinement, RefineStep, Segment

# A step that reaches into a better answer is cut off there if at least this share of it is left.
MIN_LEFT = 0.5


def apart(moments: Iterable[Moment]) -> list[Moment]:
    """`moments`, best first, without overlaps in a file.

    The better answer stands. One that reaches into it keeps the latest of its steps that has at least half of its
    frames outside, without the others. If none has, it is a piece of the better answer and is left out.
    """
    kept: list[Moment] = []
    for moment in moments:
        parts = (part for other in kept for part in other.parts)
        others = [part.segment for part in parts if part.footage.media.path == moment.media.path]
        if not any(overlap(moment.segment, other) for other in others):
            kept.append(moment)
        elif (refinement := _outside(moment, others)) is not None:
            kept.append(replace(moment, refinement=refinement))
    return kept


def overlap(a: Segment, b: Segment) -> bool:
    """Whether two segments of one file share a frame."""
    return a.start_frame < b.end_frame and b.start_frame < a.end_frame


def _outside(moment: Moment, others: Sequence[Segment]) -> Refinement | None:
    steps = moment.refinement.steps
    for stop in range(moment.refinement.stop, -1, -1):
        segment = _rest(steps[stop].segment, others)
        if segment is not None:
            return Refinement((*steps[:stop], _moved(moment, steps[stop], segment), *steps[stop + 1 :]), stop)
    return None


def _rest(segment: Segment, others: Sequence[Segment]) -> Segment | None:
    """The longest part of `segment` beside each of the others; None if it is too short."""
    start, end = segment.start_frame, segment.end_frame
    for other in others:
        if start < other.end_frame and other.start_frame < end:
            start, end = max((start, other.start_frame), (other.end_frame, end), key=lambda part: part[1] - part[0])
            if end - start < MIN_LEFT * segment.frames:
                return None
    return Segment(start, end)


def _moved(moment: Moment, step: RefineStep, segment: Segment) -> RefineStep:
    times = moment.times
    edges_s = (times.time_s(segment.start_frame), times.time_s(segment.end_frame))
    return replace(
        step,
        segment=segment,
        start_s=edges_s[0],
        end_s=edges_s[1],
        start_is_exact=step.start_is_exact and segment.start_frame == step.segment.start_frame,
        end_is_exact=step.end_is_exact and segment.end_frame == step.segment.end_frame,
    )
