"""Writes the files of every format: complete, read back, and never over footage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from exporters.formats import find_format
from exporters.registry import Exporter
from exporters.timeline import Timeline, fps_text
from tr_desktop.errors import ExportError
from tr_desktop.files import ReadBackError, write_verified
from tr_desktop.moments import Media
from tr_desktop.timecode import is_smpte_rate


@dataclass(frozen=True)
class ExportReport:
    """The files that were written, the requested one first, and notes for the editor, a sentence each."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def export_timeline(timeline: Timeline, out: Path, format_name: str | None = None) -> ExportReport:
    """Write `timeline` in the named format, or in the one that matches the suffix of `out`.

    If the format holds one rate and the clips have several, `out` gets the clips of the first clip's rate, and each
    other rate gets a file beside it (`hits.edl`, `hits.25fps.edl`). ExportError: unknown format, `out` is footage, or
    writing fails; files that were there before are then unchanged.
    """
    exporter = find_format(out, format_name)
    parts = timeline.by_rate() if exporter.one_rate else (timeline,)
    paths = planned_files(exporter, out, [part.rate for part in parts])
    contents = [_content(exporter, part) for part in parts]
    footage = {clip.media.path for clip in timeline.clips}
    for path in paths:
        refuse_footage(path, footage)
    for path, content in zip(paths, contents, strict=True):
        with export_errors(path):
            write_verified(path, content)
    return ExportReport(tuple(paths), tuple(_notes(timeline, exporter, paths, parts)))


def planned_files(exporter: Exporter, out: Path, rates: Iterable[Fraction]) -> list[Path]:
    """The files that an export of clips with these rates writes: `out`, and one for each further rate."""
    further = list(dict.fromkeys(rates))[1:] if exporter.one_rate else []
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


def refuse_footage(path: Path, footage: Iterable[Path]) -> None:
    """ExportError if `path` is one of the source files, under whatever name."""
    for media in footage:
        try:
            same = path.samefile(media)
        except OSError:  # one of the two isn't there
            continue
        if same:
            raise ExportError("An export can't replace the footage itself", path=path, remedy="Choose another name")


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
            f"{path.name} ({fps_text(part.rate)} fps, {len(part.clips)} of {len(timeline.clips)} moments)"
            for path, part in zip(paths, parts, strict=True)
        )
        yield f"The footage has several frame rates, but {exporter.title} holds one per file. Wrote {files}."
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
