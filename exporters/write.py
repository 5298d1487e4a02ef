"""Writes the files of every format: complete, read back, and only where `target.py` allows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from exporters.formats import find_format
from exporters.ledger import Export, remember
from exporters.notes import WITH_PATHS
from exporters.registry import Exporter
from exporters.target import Guard, check_targets, real_path
from exporters.timeline import Timeline, fps_text
from tr_desktop.errors import ExportError
from tr_desktop.files import ReadBackError, write_verified
from tr_desktop.moments import Media
from tr_desktop.timecode import is_smpte_rate


@dataclass(frozen=True)
class ExportReport:
    """The files that were written, the requested one first, and notes for the editor, a sentence each.

    failures: for each moment that couldn't be exported as asked, a sentence: which one, and why.
    left_out: how many moments are in none of the files, since the format has no labels for their rate.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...]
    failures: tuple[str, ...] = ()
    left_out: int = 0


def export_timeline(
    timeline: Timeline, out: Path, format_name: str | None = None, guard: Guard | None = None
) -> ExportReport:
    """Write `timeline` in the named format, or in the one that matches the suffix of `out`.

    If the format holds one rate and the clips have several, `out` gets the clips of the first clip's rate, and each
    other rate gets a file beside it (`hits.edl`, `hits.25fps.edl`). Clips whose rate its labels can't count are left
    out with a note. guard: protects existing files.
    ExportError: unknown format, no clip that it can label, a file is in the way (`target.check_targets`), or writing
    fails; files that were there before are then unchanged.
    """
    guard = guard or Guard()
    exporter = find_format(out, format_name)
    asked = _moments(timeline)
    timeline, left_out = _labelled(timeline, exporter)
    parts = timeline.by_rate() if exporter.one_rate else (timeline,)
    paths = planned_files(exporter, out, [part.rate for part in parts])
    contents = [_content(exporter, part) for part in parts]
    export = Export(exporter.name, timeline.name)
    are_new = check_targets(paths, export, {clip.media.path for clip in timeline.clips}, guard)
    for path, content, is_new in zip(paths, contents, are_new, strict=True):
        with export_errors(path):
            write_verified(path, content, is_new=is_new)
        if guard.library is not None:
            remember(guard.library.folder, real_path(path), export, content)
    return ExportReport(
        tuple(paths), (*left_out, *_notes(timeline, exporter, paths, parts)), left_out=asked - _moments(timeline)
    )


def planned_files(exporter: Exporter, out: Path, rates: Iterable[Fraction]) -> list[Path]:
    """The files that an export of clips with these rates writes: `out`, and one for each further rate."""
    further = list(dict.fromkeys(filter(exporter.holds, rates)))[1:] if exporter.one_rate else []
    return [out, *(_beside(out, exporter, rate) for rate in further)]


@contextmanager
def export_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the block, which writes `path`, into an ExportError."""
    try:
        yield
    except ReadBackError as error:
        raise ExportError(str(error.strerror), path=path, remedy="Check the disk") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExportError(
            f"The export can't be written: {reason}", path=path, remedy="Choose another folder or name, or make room"
        ) from error


def _labelled(timeline: Timeline, exporter: Exporter) -> tuple[Timeline, list[str]]:
    """The clips that the format has labels for, and a note on the others. ExportError if there are only others."""
    held = tuple(clip for clip in timeline.clips if exporter.holds(clip.rate))
    if len(held) == len(timeline.clips):
        return timeline, []
    others = ", ".join(
        dict.fromkeys(_with_rate(clip.media) for clip in timeline.clips if not exporter.holds(clip.rate))
    )
    reason = f"{exporter.title} has two digits for the frame, too few for {others}"
    if not held:
        raise ExportError(reason, remedy=f"Export {WITH_PATHS}")
    return replace(timeline, clips=held), [f"Left out: {reason}. Export these moments as {WITH_PATHS}."]


def _moments(timeline: Timeline) -> int:
    """How many moments the timeline has: one that runs over several files has several clips."""
    return len({clip.rank for clip in timeline.clips})


def _content(exporter: Exporter, timeline: Timeline) -> bytes:
    rendered = exporter.render(timeline)
    return rendered.encode() if isinstance(rendered, str) else rendered


def _beside(out: Path, exporter: Exporter, rate: Fraction) -> Path:
    suffix = exporter.suffix if out.name.lower().endswith(exporter.suffix) else out.suffix
    stem = out.name[: len(out.name) - len(suffix)]
    return out.with_name(f"{stem}.{fps_text(rate)}fps{suffix}")


def _notes(timeline: Timeline, exporter: Exporter, paths: list[Path], parts: tuple[Timeline, ...]) -> Iterable[str]:
    if len(parts) > 1:
        files = ", ".join(
            f"{path.name} ({fps_text(part.rate)} fps, {_moments(part)} of {_moments(timeline)} moments)"
            for path, part in zip(paths, parts, strict=True)
        )
        yield f"The footage has several frame rates, but {exporter.title} holds one per file. Wrote {files}."
    yield from footage_notes(timeline)
    yield from exporter.notes(timeline)


def footage_notes(timeline: Timeline) -> Iterable[str]:
    """What editors should know of the footage, whatever the format."""
    outside = sum(len(clip.remarks.marks) - len(clip.marks) for clip in timeline.clips)
    if outside:
        yield (f"Markers outside the cut: {outside}. Only CSV, TSV and JSON keep them. Longer handles include them.")
    partly = dict.fromkeys(clip.name for clip in timeline.clips if not clip.is_length_known)
    if partly:
        yield (
            f"Indexed in part, and of unknown length: {', '.join(partly)}. The export gives the length of the indexed "
            "part, and handles end there. Export again when indexing has finished."
        )
    footage = dict.fromkeys(clip.media for clip in timeline.clips)
    variable = [_with_rate(media) for media in footage if media.is_vfr]
    unlabelled = [_with_rate(media) for media in footage if not media.is_vfr and not is_smpte_rate(media.rate)]
    if variable:
        yield (
            f"Variable frame rate: {', '.join(variable)}. "
            "Frames are counted by time at the nominal rate, as editors do. "
            "For exact frames, export again with --cfr, which converts the parts used to a constant rate."
        )
    if unlabelled:
        yield (
            f"No timecode standard has this frame rate: {', '.join(unlabelled)}. Labels count its frames; editors may "
            "assume another rate."
        )


def _with_rate(media: Media) -> str:
    return f"{media.path.name} ({fps_text(media.rate)} fps)"
