"""Each moment as a clip in a file of its own. `tr_desktop.footage.clips` cuts and verifies it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from exporters.failures import Failures
from exporters.parts import FindsNeighbours, events, part_text
from exporters.target import free_name
from exporters.text import one_line
from exporters.write import ExportReport, export_errors
from tr_desktop.errors import ExportError
from tr_desktop.files import replacing
from tr_desktop.footage.bitstream import INTRA_CODECS
from tr_desktop.footage.clips.cut import Cut
from tr_desktop.footage.clips.exact import (
    PRESETS,
    Preset,
    cfr_segment,
    cut_cfr,
    cut_exact,
    estimated_bytes,
)
from tr_desktop.footage.clips.lossless import cut_lossless, lossless_suffix
from tr_desktop.footage.clips.smart import SUFFIX, cut_smart
from tr_desktop.footage.read_on import read_on
from tr_desktop.moments import Media, Moment, Segment
from tr_desktop.timecode import Timecode

LOSSLESS = "lossless"
SMART = "smart"
DEFAULT = "prores"
WAYS = (LOSSLESS, SMART, *PRESETS)
_SPARE_BYTES = 100_000_000

ClipProgress = Callable[[int, int, int, int], None]
"""Called with (clip, clips, frame, frames)."""


@dataclass(frozen=True)
class _Clip:
    """Frames of one file to cut. number: counted over all clips, from 1; rank: of the moment that it belongs to."""

    number: int
    rank: int
    moment: Moment
    segment: Segment

    def free_place(self, folder: Path, segment: Segment, suffix: str) -> Path:
        """A free name for the clip if it starts with this segment."""
        label = self.moment.footage.timecode_at(segment.start_frame)
        return free_name(folder / clip_name(self.rank, self.moment, label, suffix))


def export_clips(
    moments: Sequence[Moment],
    folder: Path,
    *,
    preset_name: str = DEFAULT,
    handles_s: Fraction = Fraction(0),
    cfr: bool = False,
    neighbours: FindsNeighbours | None = None,
    on_progress: ClipProgress | None = None,
) -> ExportReport:
    """Cut each moment, with its handles, into a file in `folder`, which is made if its parent exists.

    preset_name: `lossless`, `smart` or one of `PRESETS`. cfr: convert variable-frame-rate clips to a constant rate.
    neighbours: finds the files that handles run into; a moment over several files becomes a clip for each.
    on_progress: an exception raised in it stops the work. Each file appears once it's complete and verified, under a
    free name: none is ever replaced. A moment that can't be cut as asked is reported as a failure; the others are cut.
    ExportError: an unknown preset, no moments, no room, or no clip could be cut.
    """
    if preset_name not in WAYS:
        raise ExportError(f"There is no clip format called {preset_name!r}", remedy=f"Known: {', '.join(WAYS)}")
    if not moments:
        raise ExportError("There are no moments to export", remedy="Search again, or export the best guesses as well")
    preset = PRESETS.get(preset_name)
    if cfr and preset is None:
        raise ExportError(
            f"A {preset_name} cut keeps a variable frame rate", remedy="Choose another clip format to use with --cfr"
        )
    failures = Failures(len(moments))
    clips: list[_Clip] = []
    for rank, moment in enumerate(moments, 1):
        with failures.of(rank, moment):
            cuts = enumerate(_cuts(moment, handles_s, neighbours), len(clips) + 1)
            clips += [_Clip(number, rank, *cut) for number, cut in cuts]
    if clips:
        make_folder(folder)
        check_room(folder, [(clip.moment, clip.segment) for clip in clips], preset)
    files: list[Path] = []
    notes: list[str] = []
    for clip in clips:

        def report(frame: int, frames: int, number: int = clip.number) -> None:
            if on_progress:
                on_progress(number, len(clips), frame, frames)

        way = _way_for(clip.moment.media, preset_name)
        with failures.of(clip.rank, clip.moment):
            out, made = _cut_to(folder, clip, way, cfr, report)
            files.append(out)
            if made.segment != clip.segment:
                notes.append(_outward(out, clip.segment, made.segment))
            notes += [f"{out.name}: {note}" for note in made.notes]
    return ExportReport(tuple(files), tuple(notes), failures.sentences(none_made=not files))


def _cuts(moment: Moment, handles_s: Fraction, neighbours: FindsNeighbours | None) -> Iterator[tuple[Moment, Segment]]:
    """What to cut for a moment, file by file: the moment in that file, and its frames with handles.

    Raises MediaError if a file can't be read.
    """
    for event in events(moment, handles_s, neighbours):
        part = read_far_enough(event.moment, event.handles_s)
        if text := part_text(event.part, event.parts):
            name = f"{part.remarks.name or part.media.path.stem} {text}"
            part = replace(part, remarks=replace(part.remarks, name=name))
        yield part, with_handles(part, event.handles_s)


def _cut_to(folder: Path, clip: _Clip, way: str, cfr: bool, report: Callable[[int, int], None]) -> tuple[Path, Cut]:
    """Cut to a free name in `folder`; it has the label of the file's first frame, which a lossless cut decides."""
    suffix = _suffix(way, clip.moment.media)
    out = clip.free_place(folder, clip.segment, suffix)
    with export_errors(out), replacing(out, is_new=True) as part:
        made = _cut(clip, part, way, cfr, report)
    if made.segment.start_frame == clip.segment.start_frame:
        return out, made
    placed = clip.free_place(folder, made.segment, suffix)
    with export_errors(placed), replacing(placed, is_new=True) as part:
        out.replace(part)
    return placed, made


def read_far_enough(moment: Moment, handles_s: Fraction) -> Moment:
    """The moment with the times of all frames that a clip of it needs, if its file was indexed in part.

    Raises MediaError if the file can't be read.
    """
    until_s = moment.times.time_s(moment.segment.end_frame) + handles_s
    return replace(moment, footage=read_on(moment.footage, until_s))


def with_handles(moment: Moment, handles_s: Fraction) -> Segment:
    """The moment's frames and those up to `handles_s` seconds before and after, within the media."""
    times, segment = moment.times, moment.segment
    start = times.frame_at(times.time_s(segment.start_frame) - handles_s)
    end = times.boundary_at(times.time_s(segment.end_frame) + handles_s)
    return Segment(min(start, segment.start_frame), max(end, segment.end_frame))


def _way_for(media: Media, preset_name: str) -> str:
    """Pictures that stand alone need no encoding at the edges: a lossless cut of them is exact."""
    return LOSSLESS if preset_name == SMART and media.codec in INTRA_CODECS else preset_name


def _suffix(way: str, media: Media) -> str:
    if way == SMART:
        return SUFFIX
    return lossless_suffix(media) if way == LOSSLESS else PRESETS[way].suffix


def _cut(clip: _Clip, part: Path, way: str, cfr: bool, report: Callable[[int, int], None]) -> Cut:
    """Cut to `part`. The cut's segment: the source frames that the clip holds."""
    footage, segment = clip.moment.footage, clip.segment
    if way == SMART:
        return cut_smart(footage, segment, part, report)
    if way == LOSSLESS:
        return cut_lossless(footage, segment, part, report)
    preset = PRESETS[way]
    if cfr and footage.media.is_vfr:
        frames = cfr_segment(footage, segment)
        return replace(cut_cfr(footage, frames.start_frame, frames.frames, part, preset, report), segment=segment)
    return cut_exact(footage, segment, part, preset, report)


def clip_name(rank: int, moment: Moment, label: Timecode, suffix: str) -> str:
    """Sorted by rank, with the editor's name or the source's, and the timecode: `01 park 01-00-29-29.mov`."""
    plain = str(label).replace(":", "-").replace(";", "-")
    name = re.sub(r'[<>:"/\\|?*]', "-", moment.remarks.name).strip(" .")  # no system's file names have these
    stem = one_line(name or moment.media.path.stem).encode("utf-8", "replace")[:180].decode("utf-8", "ignore")
    return f"{rank:02d} {stem} {plain}{suffix}"


def make_folder(folder: Path) -> None:
    """ExportError if it can't be made."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExportError(f"The folder can't be made: {reason}", path=folder, remedy="Choose another folder") from error


def check_room(folder: Path, cuts: Iterable[tuple[Moment, Segment]], preset: Preset | None) -> None:
    """ExportError if clips of these frames won't fit on the folder's disk. preset None: copied pictures."""
    needed = sum(estimated_bytes(moment.footage, segment, preset) for moment, segment in cuts)
    free = shutil.disk_usage(folder).free
    if needed + _SPARE_BYTES > free:
        raise ExportError(
            f"The clips need about {needed / 1e9:.1f} GB, but only {free / 1e9:.1f} GB is free",
            path=folder,
            remedy="Make room, or choose another folder or a smaller format",
        )


def _outward(out: Path, asked: Segment, held: Segment) -> str:
    before, after = asked.start_frame - held.start_frame, held.end_frame - asked.end_frame
    return (
        f"{out.name} holds frames {held.start_frame} to {held.end_frame} (exclusive), {before} more before the moment "
        f"and {after} more after it. A lossless cut of this codec starts and ends at keyframes."
    )
