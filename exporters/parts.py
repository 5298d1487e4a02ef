"""The events that a moment needs: one, or one for each file that the camera split the recording into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

from tr_desktop.moments import Footage, Moment, Part, Refinement, Segment


class FindsNeighbours(Protocol):
    def after(self, footage: Footage) -> Footage | None:
        """The file in which the recording goes on."""

    def before(self, footage: Footage) -> Footage | None:
        """The file from which the recording goes on in this one."""


@dataclass(frozen=True)
class Event:
    """Frames of one file. moment: of that file alone. part: its number, from 1, of `parts`; 0 for a handle alone.

    handles_s: seconds to add before and after, within the file; edges inside the recording are at its file's ends.
    """

    moment: Moment
    handles_s: Fraction
    part: int = 1
    parts: int = 1


def events(moment: Moment, handles_s: Fraction, neighbours: FindsNeighbours | None) -> list[Event]:
    """The events of a moment in the order of their time. Handles run into the neighbouring files, to the frame."""
    parts = moment.parts
    found = [
        Event(_in_part(moment, part, number), handles_s, number, len(parts)) for number, part in enumerate(parts, 1)
    ]
    first, last = parts[0], parts[-1]
    if neighbours is None or not handles_s or moment.media.is_vfr or not last.footage.is_whole:
        return found
    handle = round(handles_s * moment.media.rate)
    before = _run(first.footage, handle - first.segment.start_frame, neighbours.before)
    after = _run(last.footage, last.segment.end_frame + handle - len(last.footage), neighbours.after)
    ahead = [Part(each, Segment(len(each) - frames, len(each))) for each, frames in before]
    behind = [Part(each, Segment(0, frames)) for each, frames in after]
    return [
        *(Event(_in_part(moment, part, 0), Fraction(0), 0, len(parts)) for part in reversed(ahead)),
        *found,
        *(Event(_in_part(moment, part, 0), Fraction(0), 0, len(parts)) for part in behind),
    ]


def part_text(part: int, parts: int) -> str:
    """Which part of its moment an event is, if there are several; numbers as in `Event`."""
    if not part:
        return "handle"
    return f"part {part} of {parts}" if parts > 1 else ""


def _run(footage: Footage, frames: int, neighbour: Callable[[Footage], Footage | None]) -> list[tuple[Footage, int]]:
    """The files, nearest first, that hold the `frames` beyond an end of `footage`, each with how many it holds."""
    found = []
    while frames > 0 and (further := neighbour(footage)) is not None:
        found.append((further, min(frames, len(further))))
        frames, footage = frames - len(further), further
    return found


def _in_part(moment: Moment, part: Part, number: int) -> Moment:
    """The frames of `part` as a moment. The editor's marks count in the first file."""
    if number == 1:
        return replace(moment, continued=())
    times, segment = part.footage.times, part.segment
    step = replace(
        moment.refinement.kept,
        step=0,
        segment=segment,
        start_s=times.time_s(segment.start_frame),
        end_s=times.time_s(segment.end_frame),
        start_confidence=None,  # the steps are about the first file's edges
        end_confidence=None,
    )
    remarks = replace(moment.remarks, marks=())
    return replace(moment, footage=part.footage, refinement=Refinement((step,), 0), remarks=remarks, continued=())
