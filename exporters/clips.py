"""Clips of the moments as files of their own, cut by `tr_desktop.footage.cut`, which verifies each by decoding it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

from exporters.text import one_line
from exporters.write import Report, refuse_footage, replacing
from tr_desktop.errors import ExportError
from tr_desktop.footage.cut import PRESETS, Cut, Preset, cut_exact, cut_lossless, estimated_bytes, lossless_suffix
from tr_desktop.moments import Moment, Segment

LOSSLESS = "lossless"
DEFAULT = "prores"
WAYS = (LOSSLESS, *PRESETS)
_SPARE_BYTES = 100_000_000


def export_clips(
    moments: Sequence[Moment],
    folder: Path,
    *,
    preset_name: str = DEFAULT,
    handles_s: Fraction = Fraction(0),
    on_progress: Callable[[int, int, int, int], None] | None = None,
) -> Report:
    """Cut each moment, with its handles, into a file in `folder`, which is made if its parent is there.

    preset_name: `lossless` or one of `PRESETS`. on_progress: called with (clip, clips, frame, frames); an exception
    raised in it stops the work. Each file appears when it's whole and verified; those before a failure stay.
    ExportError: an unknown preset, no moments, no room, or a clip that can't be cut as asked.
    """
    if preset_name not in WAYS:
        raise ExportError(f"There is no way to cut clips called {preset_name!r}", remedy=f"Known: {', '.join(WAYS)}")
    if not moments:
        raise ExportError("There are no moments to export", remedy="Search again, or export the best guesses as well")
    preset = PRESETS.get(preset_name)
    segments = [with_handles(moment, handles_s) for moment in moments]
    _make_folder(folder)
    _check_room(folder, moments, segments, preset)
    files, notes = [], []
    for number, (moment, segment) in enumerate(zip(moments, segments, strict=True), 1):

        def report(frame: int, frames: int, clip: int = number) -> None:
            if on_progress:
                on_progress(clip, len(moments), frame, frames)

        out = folder / _name(number, moment, segment, preset)
        refuse_footage(out, [each.media.path for each in moments])
        with replacing(out) as part:
            cut = _cut(moment, segment, part, preset, report)
        files.append(out)
        if cut.segment != segment:
            notes.append(_outward(out, segment, cut.segment))
    return Report(tuple(files), tuple(notes))


def with_handles(moment: Moment, handles_s: Fraction) -> Segment:
    """The moment's frames and those up to `handles_s` seconds before and after, as far as the media reaches."""
    times, segment = moment.times, moment.segment
    start = times.frame_at(times.time_s(segment.start_frame) - handles_s)
    end = times.boundary_at(times.time_s(segment.end_frame) + handles_s)
    return Segment(min(start, segment.start_frame), max(end, segment.end_frame))


def _cut(
    moment: Moment, segment: Segment, part: Path, preset: Preset | None, report: Callable[[int, int], None]
) -> Cut:
    if preset is None:
        return cut_lossless(moment.media, moment.times, segment, part, report)
    return cut_exact(moment.media, moment.times, segment, part, preset, report)


def _name(number: int, moment: Moment, segment: Segment, preset: Preset | None) -> str:
    """Sorted by rank, with the source's name and timecode: `01 park 01-00-29-29.mov`."""
    suffix = lossless_suffix(moment.media) if preset is None else preset.suffix
    label = str(moment.source_timecode(segment.start_frame)).replace(":", "-").replace(";", "-")
    stem = one_line(moment.media.path.stem).encode("utf-8", "replace")[:180].decode("utf-8", "ignore")
    return f"{number:02d} {stem} {label}{suffix}"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExportError(f"The folder can't be made: {reason}", path=folder, remedy="Choose another folder") from error


def _check_room(folder: Path, moments: Sequence[Moment], segments: Sequence[Segment], preset: Preset | None) -> None:
    needed = sum(
        estimated_bytes(moment.media, moment.times, segment, preset)
        for moment, segment in zip(moments, segments, strict=True)
    )
    free = shutil.disk_usage(folder).free
    if needed + _SPARE_BYTES > free:
        raise ExportError(
            f"The clips need about {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free",
            path=folder,
            remedy="Make room, choose another folder, or a smaller preset",
        )


def _outward(out: Path, asked: Segment, held: Segment) -> str:
    before, after = asked.start_frame - held.start_frame, held.end_frame - asked.end_frame
    return (
        f"{out.name} holds frames {held.start_frame} to {held.end_frame} (exclusive), {before} more before the moment "
        f"and {after} more after it: a lossless cut of this codec starts and ends at keyframes."
    )
