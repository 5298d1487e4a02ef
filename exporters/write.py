"""Writing, once for all formats: nothing half-written, nothing unread, never over footage."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from exporters.registry import Exporter, find_format
from exporters.timeline import Timeline, fps_text
from tr_desktop.errors import ExportError
from tr_desktop.moments import Media
from tr_desktop.timecode import is_smpte_rate


@dataclass(frozen=True)
class ExportReport:
    """The files that were written, the one asked for first, and sentences on what an editor should know."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def export_timeline(timeline: Timeline, out: Path, format_name: str | None = None) -> ExportReport:
    """Write `timeline` in the format named, or in the one that the end of `out` tells.

    Where the format holds one rate and the clips have several, `out` gets those of the first clip's rate, and each
    other rate a file beside it (`hits.edl`, `hits.25fps.edl`). ExportError: unknown format, `out` is footage, or
    writing fails; what was there before is then still there.
    """
    exporter = find_format(out, format_name)
    parts = timeline.by_rate() if exporter.one_rate else (timeline,)
    paths = [out, *(_beside(out, exporter, part) for part in parts[1:])]
    contents = [_content(exporter, part) for part in parts]
    footage = {clip.media.path for clip in timeline.clips}
    for path in paths:
        refuse_footage(path, footage)
    for path, content in zip(paths, contents, strict=True):
        write_verified(path, content)
    return ExportReport(tuple(paths), tuple(_notes(timeline, exporter, paths, parts)))


def write_verified(path: Path, content: bytes) -> None:
    """Put `content` at `path` whole or not at all, read back before it's moved into place.

    ExportError: as for `replacing`, or what is read back differs.
    """
    with replacing(path) as part:
        part.write_bytes(content)
        if part.read_bytes() != content:
            raise ExportError("What was written can't be read back the same", path=path, remedy="Check the disk")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a path beside `path` to write to; what is there when the block ends is flushed and moved to `path`.

    After any exception what was at `path` before is still there, and nothing else is left. ExportError: the folder is
    missing or can't be written, or the disk is full.
    """
    target = path.resolve()  # writes through a link instead of replacing it
    part = target.with_name(f".{secrets.token_hex(6)}{target.suffix[:16]}")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExportError(
            f"The export can't be written: {reason}", path=path, remedy="Choose another folder or name, or make room"
        ) from error
    finally:
        part.unlink(missing_ok=True)


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


def _beside(out: Path, exporter: Exporter, part: Timeline) -> Path:
    suffix = exporter.suffix if out.name.lower().endswith(exporter.suffix) else out.suffix
    stem = out.name[: len(out.name) - len(suffix)]
    return out.with_name(f"{stem}.{fps_text(part.rate)}fps{suffix}")


def _sync_folder(folder: Path) -> None:
    """Make the move itself last; Windows has no way to open a folder and needs none."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _notes(timeline: Timeline, exporter: Exporter, paths: list[Path], parts: tuple[Timeline, ...]) -> Iterable[str]:
    if len(parts) > 1:
        files = ", ".join(
            f"{path.name} ({fps_text(part.rate)} fps, {len(part.clips)} of {len(timeline.clips)} moments)"
            for path, part in zip(paths, parts, strict=True)
        )
        yield f"The footage has several frame rates and this format ({exporter.title}) holds one: wrote {files}."
    footage = dict.fromkeys(clip.media for clip in timeline.clips)
    variable = [_with_rate(media) for media in footage if media.is_vfr]
    unlabelled = [_with_rate(media) for media in footage if not media.is_vfr and not is_smpte_rate(media.rate)]
    if variable:
        yield (
            f"Variable frame rate: {', '.join(variable)}. Places in it are by time at the nominal rate, as editors "
            "conform it. If the frame must be exact, export again with --cfr: the parts used are then made constant."
        )
    if unlabelled:
        yield (
            f"A frame rate that timecode doesn't have: {', '.join(unlabelled)}. Labels count its frames; editors may "
            "take them for another rate."
        )


def _with_rate(media: Media) -> str:
    return f"{media.path.name} ({fps_text(media.rate)} fps)"
