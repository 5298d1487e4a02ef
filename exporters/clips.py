"""Each moment as a clip in a file of its own. `tr_desktop.footage.clips` cuts and verifies it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from exporters.target import free_name
from exporters.text import one_line
from exporters.write import ExportReport, export_errors
from tr_desktop.errors import ExportError, UserError
from tr_desktop.files import replacing
from tr_desktop.footage.bitstream import INTRA_CODECS
from tr_desktop.footage.clips.cut import Cut
from tr_desktop.footage.clips.exact import (
    PRESETS,
    Preset,
    cfr_rate,
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


def export_clips(
    moments: Sequence[Moment],
    folder: Path,
    *,
    preset_name: str = DEFAULT,
    handles_s: Fraction = Fraction(0),
    cfr: bool = False,
    on_progress: ClipProgress | None = None,
) -> ExportReport:
    """Cut each moment, with its handles, into a file in `folder`, which is made if its parent exists.

    preset_name: `lossless`, `smart` or one of `PRESETS`. cfr: convert variable-frame-rate clips to a constant rate.
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
    jobs = []
    for number, moment in enumerate(moments, 1):
        with failures.of(number, moment):
            moment = read_far_enough(moment, handles_s)
            jobs.append((number, moment, with_handles(moment, handles_s)))
    make_folder(folder)
    check_room(folder, [moment for _, moment, _ in jobs], [segment for *_, segment in jobs], preset)
    files: list[Path] = []
    notes: list[str] = []
    for number, moment, segment in jobs:

        def report(frame: int, frames: int, clip: int = number) -> None:
            if on_progress:
                on_progress(clip, len(moments), frame, frames)

        way = _way_for(moment.media, preset_name)
        suffix = preset.suffix if preset else SUFFIX if way == SMART else lossless_suffix(moment.media)
        with failures.of(number, moment):
            asked = _place(folder, number, moment, segment, suffix)
            with export_errors(asked), replacing(asked, is_new=True) as part:
                made = _cut(moment, segment, part, way, cfr, report)
            out = asked
            if made.segment.start_frame != segment.start_frame:  # known only now
                out = _place(folder, number, moment, made.segment, suffix)
                with export_errors(out):
                    asked.rename(out)
            files.append(out)
            if made.segment != segment:
                notes.append(_outward(out, segment, made.segment))
            notes += [f"{out.name}: {note}" for note in made.notes]
    return ExportReport(tuple(files), tuple(notes), failures.sentences(none_made=not files))


class Failures:
    """Moments that couldn't be exported. Use `of` around the work on each."""

    def __init__(self, moments: int) -> None:
        self._moments = moments
        self._errors: list[tuple[str, UserError]] = []

    @contextmanager
    def of(self, number: int, moment: Moment) -> Iterator[None]:
        """Keep the error of the block, which works on the moment of this rank, instead of raising it."""
        try:
            yield
        except UserError as error:
            name = one_line(moment.remarks.name or moment.media.path.name)
            label = moment.footage.timecode_at(moment.segment.start_frame)
            self._errors.append((f"Moment {number} ({name}, {label}) failed: ", error))

    def sentences(self, *, none_made: bool) -> tuple[str, ...]:
        """What failed and why. ExportError if nothing else could be made."""
        if self._errors and none_made:
            if self._moments == 1:
                raise self._errors[0][1]
            reasons = " ".join(f"{which}{error}" for which, error in self._errors)
            raise ExportError(f"None of the {self._moments} moments could be exported. {reasons}")
        return tuple(f"{which}{error}" for which, error in self._errors)


def _place(folder: Path, number: int, moment: Moment, segment: Segment, suffix: str) -> Path:
    """A free name for the clip that starts with this segment."""
    return free_name(folder / clip_name(number, moment, moment.footage.timecode_at(segment.start_frame), suffix))


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


def _cut(
    moment: Moment,
    segment: Segment,
    part: Path,
    way: str,
    cfr: bool,
    report: Callable[[int, int], None],
) -> Cut:
    """Cut to `part`. The cut's segment: the source frames that the clip holds."""
    footage = moment.footage
    if way == SMART:
        return cut_smart(footage, segment, part, report)
    if way == LOSSLESS:
        return cut_lossless(footage, segment, part, report)
    preset = PRESETS[way]
    if cfr and footage.media.is_vfr:
        rate = cfr_rate(footage.media)
        start, end = (round(footage.times.time_s(frame) * rate) for frame in (segment.start_frame, segment.end_frame))
        return replace(cut_cfr(footage, start, max(end - start, 1), part, preset, report), segment=segment)
    return cut_exact(footage, segment, part, preset, report)


def clip_name(number: int, moment: Moment, label: Timecode, suffix: str) -> str:
    """Sorted by rank, with the editor's name or the source's, and the timecode: `01 park 01-00-29-29.mov`."""
    plain = str(label).replace(":", "-").replace(";", "-")
    name = re.sub(r'[<>:"/\\|?*]', "-", moment.remarks.name).strip(" .")  # no system's file names have these
    stem = one_line(name or moment.media.path.stem).encode("utf-8", "replace")[:180].decode("utf-8", "ignore")
    return f"{number:02d} {stem} {plain}{suffix}"


def make_folder(folder: Path) -> None:
    """ExportError if it can't be made."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExportError(f"The folder can't be made: {reason}", path=folder, remedy="Choose another folder") from error


def check_room(folder: Path, moments: Sequence[Moment], segments: Sequence[Segment], preset: Preset | None) -> None:
    """ExportError if clips of these segments won't fit on the folder's disk."""
    needed = sum(
        estimated_bytes(moment.footage, segment, preset) for moment, segment in zip(moments, segments, strict=True)
    )
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
