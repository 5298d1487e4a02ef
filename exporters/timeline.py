"""The timeline that every exporter takes: exact source frames of moments, laid end to end from a start timecode."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from exporters.parts import Event, FindsNeighbours, events, part_text
from tr_desktop.confidence import SCORE_MEANS, Edge, Level, edges, level
from tr_desktop.errors import ExportError
from tr_desktop.moments import NO_REMARKS, Mark, Media, Moment, Remarks, Segment
from tr_desktop.timecode import DROP_FRAME_RATES, Timecode


@dataclass(frozen=True)
class Clip:
    """Frames [start_frame, end_frame) of one file, handles included and clamped to its media_frames.

    is_length_known: otherwise the file doesn't state its length, and media_frames is the part that was read so far.

    Frames count from the first of the file (0) at `rate`. In a file of variable rate they count presentation time at
    the nominal rate, as editors conform it. `found` is the moment itself, without handles; the frames of the marks in
    `remarks` count likewise. `proxy` is a smaller copy of the file with the same frames, to edit with.
    A moment over several files has a clip for each: `part`, from 1, of `parts`; 0 is a handle in a neighbouring file.
    id: 16 hex digits for the clip's moment and its file, the same in every export, whatever the edges are now.
    """

    media: Media
    media_frames: int
    start_frame: int
    end_frame: int
    found: Segment
    rank: int
    query: str
    score: float
    confident: bool
    start_confidence: float | None
    end_confidence: float | None
    level: Level
    start_is: Edge | None
    end_is: Edge | None
    is_length_known: bool = True
    remarks: Remarks = NO_REMARKS
    proxy: Path | None = None
    part: int = 1
    parts: int = 1
    id: str = ""

    @property
    def name(self) -> str:
        """The file name with its extension, by which editors find the media again."""
        return self.media.path.name

    @property
    def own_name(self) -> str:
        """The editor's name for the clip, or else the file name."""
        return self.remarks.name or self.name

    @property
    def title(self) -> str:
        """A marker's name: the editor's name for the clip, or else the query."""
        return self.remarks.name or self.query

    @property
    def comment(self) -> str:
        """The editor's words, then how the search found the moment, for a marker's note."""
        note, rating = self.remarks.note, f"rating {self.remarks.rating}" if self.remarks.rating else ""
        query = f'found by "{self.query}"' if self.remarks.name and self.query else ""
        return "; ".join(filter(None, (note, rating, query, self.evidence, self.part_text)))

    @property
    def part_text(self) -> str:
        """Which part of its moment the clip is, if there are several."""
        return part_text(self.part, self.parts)

    @property
    def is_marked(self) -> bool:
        """Whether the moment's marker belongs here: at its first part."""
        return self.part == 1

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The editor's marks within the cut."""
        return tuple(mark for mark in self.remarks.marks if self.start_frame <= mark.frame < self.end_frame)

    @property
    def rate(self) -> Fraction:
        return self.media.rate

    @property
    def frames(self) -> int:
        return self.end_frame - self.start_frame

    @property
    def source_in(self) -> Timecode:
        return self.media.start_tc + self.start_frame

    @property
    def source_out(self) -> Timecode:
        """Exclusive: the label of the first frame that isn't in the clip."""
        return self.media.start_tc + self.end_frame

    @property
    def evidence(self) -> str:
        """How certain the search is, for a marker's note."""
        score = f"score {self.score:.2f} ({self.level.value}; {SCORE_MEANS})"
        return ", ".join(filter(None, (score, self.edges_text)))

    @property
    def edges_text(self) -> str:
        """How far the edges can be believed: the words of those that have one."""
        words = (("in", self.start_is), ("out", self.end_is))
        return ", ".join(f"{name} {word.value}" for name, word in words if word is not None)


@dataclass(frozen=True)
class Timeline:
    """Clips laid end to end from `start_tc`, best moment first.

    Clips may differ in rate. Most formats hold one rate only: `by_rate` splits the timeline for them.
    """

    name: str
    start_tc: Timecode
    clips: tuple[Clip, ...]

    @property
    def rate(self) -> Fraction:
        return self.start_tc.rate

    @property
    def frames(self) -> int:
        return sum(clip.frames for clip in self.clips)

    @property
    def is_one_rate(self) -> bool:
        return all(clip.rate == self.rate for clip in self.clips)

    def placed(self) -> Iterator[tuple[int, Clip]]:
        """Each clip with the frame it starts at, counted from the start of the timeline. For one rate only."""
        offset = 0
        for clip in self.clips:
            yield offset, clip
            offset += clip.frames

    def marked(self) -> Iterator[tuple[int, Clip]]:
        """Each moment's first clip, with the frame it starts at after the handle, from the start of the timeline."""
        for offset, clip in self.placed():
            if clip.is_marked:
                yield offset + clip.found.start_frame - clip.start_frame, clip

    def marks(self) -> Iterator[tuple[int, Mark]]:
        """The editor's marks, each with its frame, counted from the start of the timeline."""
        for offset, clip in self.placed():
            for mark in clip.marks:
                yield offset + mark.frame - clip.start_frame, mark

    def by_file(self) -> list[list[Clip]]:
        """The clips of each file, in the order in which the files first appear."""
        files: dict[Path, list[Clip]] = {}
        for clip in self.clips:
            files.setdefault(clip.media.path, []).append(clip)
        return list(files.values())

    def by_rate(self) -> tuple[Timeline, ...]:
        """One timeline for each source rate, in the order in which the rates first appear."""
        label = str(self.start_tc)
        return tuple(
            replace(self, start_tc=_start(label, clips), clips=clips)
            for rate in dict.fromkeys(clip.rate for clip in self.clips)
            for clips in [tuple(clip for clip in self.clips if clip.rate == rate)]
        )


def timeline_from_moments(
    moments: Sequence[Moment],
    *,
    name: str = "TimeRefine",
    handles_s: Fraction = Fraction(0),
    start_tc: str = "01:00:00:00",
    proxies: Mapping[Path, Path] | None = None,
    neighbours: FindsNeighbours | None = None,
    searched: Sequence[Moment] | None = None,
) -> Timeline:
    """Lay moments end to end in the order given.

    handles_s: seconds added before and after each moment, within the media. start_tc: the label of the first frame.
    With `;` the timeline counts drop-frame if its rate has it; otherwise it counts as the footage does.
    proxies: {file: a smaller copy of it}. neighbours: finds the files that handles run into. searched: the moments as
    they were found, if their files were exchanged since.
    ExportError: no moments, negative handles, a start that isn't a timecode at this rate, or a moment beyond its media.
    """
    if not moments:
        raise ExportError("There are no moments to export", remedy="Search again, or export the best guesses as well")
    if handles_s < 0:
        raise ExportError(f"Handles can't be negative ({float(handles_s):g} s)", remedy="Enter 0 or more seconds")
    clips = tuple(
        replace(_clip(rank, event, (proxies or {}).get(event.moment.media.path)), id=moment_id(found, place))
        for rank, (moment, found) in enumerate(zip(moments, searched or moments, strict=True), 1)
        for place, event in _numbered(events(moment, handles_s, neighbours))
    )
    return Timeline(name, _start(start_tc, clips), clips)


def moment_id(found: Moment, place: int = 0) -> str:
    """16 hex digits for a moment as it was found, or for the part of it in its file number `place`, counted from 0.

    Its rough answer's frames never change, so they tell moments apart as `Key` in a project does.
    """
    rough = found.refinement.steps[0].segment
    key = [found.query, str(found.media.path), rough.start_frame, rough.end_frame, place]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]


def fps_text(rate: Fraction) -> str:
    """A rate as editors write it: 25, 29.97, 23.976."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def _numbered(found: Sequence[Event]) -> Iterator[tuple[int, Event]]:
    """The events of a moment, counted from its first part (0): handles ahead of it have negative numbers."""
    ahead = next(number for number, event in enumerate(found) if event.part == 1)
    return ((number - ahead, event) for number, event in enumerate(found))


def _clip(rank: int, event: Event, proxy: Path | None) -> Clip:
    moment, words = event.moment, edges(event.moment)
    media, kept = moment.media, moment.refinement.kept
    if kept.segment.end_frame > len(moment.times):
        raise ExportError(
            f"A moment ends at frame {kept.segment.end_frame}, but the file has only {len(moment.times)} frames",
            path=media.path,
            remedy="The file has changed since the search. Search again",
        )

    counted = moment.footage.label_frames
    length = moment.footage.label_length
    media_frames = max(1, counted(len(moment.times)) if length is None else length)
    start = min(counted(kept.segment.start_frame), media_frames - 1)
    end = max(counted(kept.segment.end_frame), start + 1)
    handle = round(event.handles_s * media.rate)
    return Clip(
        media=media,
        media_frames=media_frames,
        start_frame=max(0, start - handle),
        end_frame=min(media_frames, end + handle),
        found=Segment(start, end),
        rank=rank,
        query=moment.query,
        score=moment.score,
        confident=moment.confident,
        start_confidence=kept.start_confidence,
        end_confidence=kept.end_confidence,
        level=level(moment),
        start_is=words[0],
        end_is=words[1] if event.part == event.parts else None,  # otherwise the moment goes on
        is_length_known=length is not None,
        remarks=replace(
            moment.remarks, marks=tuple(replace(mark, frame=counted(mark.frame)) for mark in moment.remarks.marks)
        ),
        proxy=proxy,
        part=event.part,
        parts=event.parts,
    )


def _start(label: str, clips: tuple[Clip, ...]) -> Timecode:
    """The start label at the first clip's rate: drop-frame if the label says so or any source counts so."""
    rate = clips[0].rate
    drop = rate in DROP_FRAME_RATES and (";" in label or any(clip.media.start_tc.drop for clip in clips))
    try:
        return Timecode.parse(label, rate, drop)
    except ValueError as error:
        raise ExportError(
            f"The timeline can't start at {label}: {error}", remedy="Enter a start such as 01:00:00:00"
        ) from error
