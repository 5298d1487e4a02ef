"""Variable-frame-rate footage converted to a constant rate, so that editors place its frames exactly.

Editors assume a constant rate and put frames of variable footage in the wrong place. Therefore the part that a moment
uses, with its handles, is encoded at the constant rate nearest to the footage's own (`clips.exact.cut_cfr`) and
verified. The export refers to that file: same picture at the same label, frame by frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from exporters.clips import ClipProgress, check_room, clip_name, make_folder, read_far_enough, with_handles
from exporters.failures import Failures
from exporters.target import free_name
from exporters.write import ExportReport, export_errors
from tr_desktop.files import replacing
from tr_desktop.footage.clips.exact import PRESETS, cfr_frames, cfr_rate, cfr_segment, cut_cfr
from tr_desktop.footage.probe import probe
from tr_desktop.moments import Footage, FrameTimes, Moment, Refinement, Segment

PRESET = PRESETS["prores"]


def cfr_folder(out: Path) -> Path:
    """The folder, beside `out`, for the files that an export to `out` refers to."""
    return out.with_name(f"{out.stem} media")


def make_cfr(
    moments: Sequence[Moment],
    folder: Path,
    *,
    handles_s: Fraction = Fraction(0),
    on_progress: ClipProgress | None = None,
) -> tuple[list[Moment], ExportReport]:
    """Convert the parts that the moments use; (the moments, now in those files; a report of the files written).

    Moments in footage of constant rate stay as they are. folder: made if a file is needed and its parent exists.
    on_progress: as for `export_clips`. A part that can't be encoded or fails verification is reported as a failure, and
    its moment stays in the file that it is in. ExportError: no room, or none of the parts could be converted.
    """
    variable = [rank for rank, moment in enumerate(moments) if moment.media.is_vfr]
    made = list(moments)
    files: list[Path] = []
    notes: list[str] = []
    failures = Failures(len(variable))
    read: dict[int, Moment] = {}
    for rank in variable:
        with failures.of(rank + 1, moments[rank]):
            read[rank] = read_far_enough(moments[rank], handles_s)
    if read:
        make_folder(folder)
        check_room(folder, [(moment, with_handles(moment, handles_s)) for moment in read.values()], PRESET)
    for number, (rank, moment) in enumerate(read.items(), 1):

        def report(frame: int, frames: int, clip: int = number) -> None:
            if on_progress:
                on_progress(clip, len(variable), frame, frames)

        with failures.of(rank + 1, moment):
            found, cut = _frames(moment, handles_s)
            label = moment.media.start_tc.at_rate(cfr_rate(moment.media)) + cut.start_frame
            out = free_name(folder / clip_name(rank + 1, moment, label, PRESET.suffix))
            with export_errors(out), replacing(out, is_new=True) as part:
                converted = cut_cfr(moment.footage, cut.start_frame, cut.frames, part, PRESET, report)
            files.append(out)
            notes += [f"{out.name}: {note}" for note in converted.notes]
            made[rank] = _in_file(moment, out, found, cut)
    failed = failures.sentences(none_made=not files)
    converted_ranks = [rank for rank in variable if made[rank] is not moments[rank]]
    return made, ExportReport(tuple(files), (*_notes(moments, converted_ranks, files), *notes), failed)


def _frames(moment: Moment, handles_s: Fraction) -> tuple[Segment, Segment]:
    """(the moment, the moment with its handles) in frames of the converted footage."""
    found = cfr_segment(moment.footage, moment.segment)
    rate = cfr_rate(moment.media)
    handle = round(handles_s * rate)
    return found, Segment(max(found.start_frame - handle, 0), min(found.end_frame + handle, cfr_frames(moment.footage)))


def _in_file(moment: Moment, path: Path, found: Segment, cut: Segment) -> Moment:
    """The moment as it is in the file that holds `cut`."""
    media = probe(path)
    times = FrameTimes(range(cut.frames), cut.frames, 1 / media.rate)
    segment = Segment(found.start_frame - cut.start_frame, found.end_frame - cut.start_frame)
    kept = replace(
        moment.refinement.kept,
        step=0,
        segment=segment,
        start_s=times.time_s(segment.start_frame),
        end_s=times.time_s(segment.end_frame),
    )
    return replace(moment, footage=Footage(media, times), refinement=Refinement((kept,), 0))


def _notes(moments: Sequence[Moment], variable: Sequence[int], files: Sequence[Path]) -> list[str]:
    if not variable:
        return []
    names = ", ".join(dict.fromkeys(moments[rank].media.path.name for rank in variable))
    count = f"{len(files)} files" if len(files) > 1 else "1 file"
    return [
        f"Variable frame rate: {names}. The parts used were converted to a constant rate ({PRESET.title}): {count} in "
        f"{files[0].parent}. The export refers to them."
    ]
