"""Subtitle files beside footage: clip.srt, clip.en.forced.vtt or Subs/clip.ass for clip.mov."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tr_desktop.footage.captions import Cue
from tr_desktop.library.index.coverage import Coverage, Skipped
from tr_desktop.library.index.subtitles import SUFFIXES, UnknownEncodingError, read_cues
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.lock import NotWritableError
from tr_desktop.library.store.records import SidecarRecord
from tr_desktop.library.store.writer import Writer
from tr_desktop.names import plain

_MAX_BYTES = 16 << 20  # larger files aren't subtitles
_FOLDERS = {"sub", "subs", "subtitles"}  # beside footage
# Parts of a subtitle file's name that say for whom it is, as media players know them.
_FLAGS = {"cc", "default", "forced", "foreign", "hi", "sdh"}


def add_sidecars(coverage: Coverage, files: Sequence[Path], catalog: Catalog) -> None:
    """Find the subtitle files of the searched footage and store the new ones.

    They stay in `coverage.skipped`, with a reason that shows whether their text is searched.
    """
    known = catalog.quotes.sidecars()
    present = owners(coverage.searched, files)
    there = set(files)
    away = owners(coverage.offline, (path for path in known if path not in there))
    reasons = _store_new(present, known, catalog)
    coverage.subtitles.update(present | {path: footage for path, footage in away.items() if path not in present})
    coverage.skipped = [
        Skipped(skipped.path, reasons.get(skipped.path, skipped.reason)) for skipped in coverage.skipped
    ]


def owners(footage: Iterable[Path], files: Iterable[Path]) -> dict[Path, list[Path]]:
    """{subtitle file: its footage} for those of `files` that are subtitles of `footage`. Names are compared without
    case and in one Unicode form; several files of one name have the same subtitles."""
    by_name: dict[tuple[Path, str], list[Path]] = {}
    for path in footage:
        by_name.setdefault((path.parent, plain(path.stem)), []).append(path)
    found = {}
    for path in files:
        if path.suffix.lower() not in SUFFIXES:
            continue
        folders = [path.parent, *([path.parent.parent] if path.parent.name.lower() in _FOLDERS else [])]
        keys = ((folder, name) for name in _names(plain(path.stem)) for folder in folders)
        if owned := next((by_name[key] for key in keys if key in by_name), None):
            found[path] = owned
    return found


def _names(stem: str) -> Iterable[str]:
    """Names that the footage of a subtitle file may have, likeliest first: without its flags and its language."""
    yield stem
    for _ in range(2):
        while stem.rpartition(".")[2] in _FLAGS and "." in stem:
            stem = stem.rpartition(".")[0]
            yield stem
        stem = stem.rpartition(".")[0] or stem
        yield stem


def _store_new(paths: Iterable[Path], known: Mapping[Path, SidecarRecord], catalog: Catalog) -> dict[Path, str]:
    """Store the subtitle files that are new or changed; for each, whether its text is searched now, as a reason."""
    reasons, new = dict[Path, str](), dict[Path, os.stat_result]()
    for path in paths:
        try:
            stat = path.stat()
        except OSError as error:
            reasons[path] = _not_searched(f"the file can't be opened: {error.strerror}")
            continue
        record = known.get(path)
        if record is not None and (record.size_bytes, record.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
            reasons[path] = _label(record.problem)
        else:
            new[path] = stat
    if new:
        try:
            with catalog.writing() as writer:
                reasons |= {path: _label(_store(path, stat, writer)) for path, stat in new.items()}
        except NotWritableError as error:
            reasons |= dict.fromkeys(new, f"subtitles, {error.what}")
    return reasons


def _store(path: Path, stat: os.stat_result, writer: Writer) -> str | None:
    """Store a subtitle file; why its text can't be searched, or None."""
    cues: list[Cue] = []
    problem: str | None = f"the file is larger than {_MAX_BYTES >> 20} MB"
    if stat.st_size <= _MAX_BYTES:
        try:
            cues = read_cues(path.read_bytes())
            problem = None if cues else "there are no subtitles in it"
        except OSError as error:  # not remembered: the next run tries again
            return f"the file can't be read: {error.strerror}"
        except UnknownEncodingError:
            problem = "its text encoding isn't known; save it as UTF-8"
    writer.add_sidecar(path, stat, cues, problem)
    return problem


def _label(problem: str | None) -> str:
    return "subtitles, searched as text" if problem is None else _not_searched(problem)


def _not_searched(problem: str) -> str:
    return f"subtitles, not searched: {problem}"
