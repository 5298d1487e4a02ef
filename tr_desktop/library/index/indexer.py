"""From paths to searchable files: find them, read what is new, list what can't be searched and why.

Every file found ends up either searched or skipped with a reason; nothing is passed over in silence.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from tr_desktop.errors import UserError
from tr_desktop.library.filters import FootageFilter
from tr_desktop.library.index.prefetch import Pause
from tr_desktop.library.index.reading import DuplicateFile, EncodedBatch, FinishedFile, UnreadableFile, read_files
from tr_desktop.library.index.subtitles import MAX_BYTES, read_cues, sidecars
from tr_desktop.library.index.walk import absolute_path, find_files, is_out_of_reach, never_footage
from tr_desktop.library.store.catalog import Catalog, FileRecord, Source
from tr_desktop.library.store.lock import NotWritableError

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

EVERYTHING = FootageFilter()
NOT_YET = "not indexed yet"


@dataclass(frozen=True)
class Skipped:
    path: Path
    reason: str


@dataclass
class Coverage:
    """What a run looked at: `searched` and `skipped` together are all the files found.

    offline: those of `searched` whose drive isn't there now. incomplete: those that haven't been read to their end,
    with how much has been, in seconds. searched_s: footage searched, in seconds. media: one path of everything
    searched, by its id in the library, under which copies are the same. subtitles: of everything searched, {subtitle
    file: footage}; these files count as skipped, being no footage.
    """

    searched: list[Path] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    offline: list[Path] = field(default_factory=list)
    incomplete: dict[Path, Fraction] = field(default_factory=dict)
    searched_s: Fraction = Fraction(0)
    media: dict[int, Path] = field(default_factory=dict)
    subtitles: dict[Path, Path] = field(default_factory=dict)

    @property
    def files(self) -> int:
        return len(self.searched) + len(self.skipped)

    @property
    def waiting(self) -> list[Path]:
        """Those of `skipped` that only wait for an index run."""
        return [skipped.path for skipped in self.skipped if skipped.reason == NOT_YET]


@dataclass(frozen=True)
class IndexProgress:
    """How far an index run is. Bytes are those of the new files; footage_s: footage newly read so far, in seconds;
    elapsed_s: time that took, without pauses. decoder: what decodes this file and why, where that is a question.
    """

    path: Path
    file_number: int
    files: int
    done_bytes: int
    total_bytes: int
    footage_s: Fraction
    elapsed_s: float
    decoder: str = ""

    @property
    def times_real_time(self) -> float:
        return float(self.footage_s) / max(self.elapsed_s, 1e-6)

    @property
    def left_s(self) -> float | None:
        """Time left, if the rest goes like what is done; None before anything is."""
        if not self.done_bytes:
            return None
        return self.elapsed_s * (self.total_bytes - self.done_bytes) / self.done_bytes


def index_footage(
    paths: Sequence[Path],
    catalog: Catalog,
    encoder: Encoder,
    on_progress: Callable[[IndexProgress], None] = lambda _: None,
    stop: threading.Event | None = None,
    footage_filter: FootageFilter = EVERYTHING,
    read_new: bool = True,
    pause: threading.Event | None = None,
    hardware: bool = False,
) -> Coverage:
    """Bring the library up to date with every file under `paths` and say which of them can be searched.

    A file that can't be read is listed, never raised; so is what is new where another process is indexing or the
    library can't be written. stop: when set, indexing ends within a second, and reads on from there the next time.
    footage_filter: what is left out of the search is listed as skipped, and not indexed where its name or date tells.
    read_new: False reads nothing and only says what is known; what is new is listed as not indexed yet.
    pause: while set, nothing is decoded; what is stored by then can be searched, and the library is still this run's.
    hardware: decode on a graphics device where one has shown that it does it right (`footage/hardware.py`).
    Raises UserError for a path that does not exist and LibraryError for a full disk.
    """
    paths = [absolute_path(path) for path in paths]
    found, not_entered, missing = find_files(paths)
    files = [path for path in found if not catalog.owns(path)]
    pack = encoder.pack.sha256
    known = catalog.known(pack)
    reasons: dict[Path, str] = dict(not_entered)
    new: dict[Path, os.stat_result] = {}
    for path in files:
        try:
            stat = path.stat()
        except OSError as error:
            reasons[path] = f"can't be opened: {error.strerror}"
            continue
        entry = _if_unchanged(known.get(os.fsencode(path)), stat)
        if (
            reason := never_footage(path, stat)
            or footage_filter.leaves_out_file(path, stat)
            or (entry and entry.reason)
        ):
            reasons[path] = reason
        elif entry is None or not entry.is_whole:
            new[path] = stat

    if new:
        try:
            if read_new:
                with catalog.writing():
                    stop = stop or threading.Event()
                    reasons |= _read_new(new, catalog, encoder, on_progress, stop, Pause(pause), hardware)
            else:
                reasons |= dict.fromkeys(new, NOT_YET)
        except NotWritableError as error:
            reasons |= dict.fromkeys(new, error.what)
        known = catalog.known(pack)
        for path, stat in new.items():
            entry = _if_unchanged(known.get(os.fsencode(path)), stat)
            if entry is not None and entry.rows:
                reasons.pop(path, None)

    offline = _offline(paths, known, set(files))
    for path in (path for path in (*files, *offline) if path not in reasons):
        entry = known[os.fsencode(path)]
        if reason := (
            footage_filter.leaves_out_file(path)
            or footage_filter.leaves_out_date(entry.mtime_ns)
            or footage_filter.leaves_out_footage(entry.duration_s, entry.height)
        ):
            reasons[path] = reason
    coverage = _coverage(files, reasons, offline, missing, known)
    coverage.subtitles.update(sidecars(coverage.searched, files))
    _read_subtitles(coverage.subtitles, catalog)
    coverage.skipped = [
        Skipped(s.path, "subtitles, searched as text") if s.path in coverage.subtitles else s for s in coverage.skipped
    ]
    return coverage


def _read_new(
    new: Mapping[Path, os.stat_result],
    catalog: Catalog,
    encoder: Encoder,
    on_progress: Callable[[IndexProgress], None],
    stop: threading.Event,
    pauses: Pause,
    hardware: bool,
) -> dict[Path, str]:
    """Read and store `new`; of those that can't be searched now, why."""
    pack, every_s = encoder.pack.sha256, 1 / encoder.pack.sample_fps
    reasons = dict.fromkeys(new, NOT_YET)
    copies: list[Source] = []
    started_s, rows_read, bytes_before = time.monotonic(), 0, 0
    total_bytes, numbers = sum(stat.st_size for stat in new.values()), {path: n for n, path in enumerate(new, 1)}

    def report(path: Path, read_bytes: int, decoder: str = "") -> None:
        done_bytes, footage_s = bytes_before + min(read_bytes, new[path].st_size), rows_read * every_s
        elapsed_s = time.monotonic() - started_s - pauses.paused_s
        on_progress(
            IndexProgress(path, numbers[path], len(new), done_bytes, total_bytes, footage_s, elapsed_s, decoder)
        )

    with closing(read_files(new, catalog, encoder, stop, pauses, hardware)) as items:
        for item in items:
            if isinstance(item, EncodedBatch):
                of = item.of
                catalog.append(
                    of.source, of.media, of.times, pack, every_s, of.first_row, item.rows, decode_all=of.decode_all
                )
                rows_read += len(item.rows)
                report(of.source.path, of.read_bytes, of.decoder)
                continue
            if isinstance(item, UnreadableFile):
                path, reasons[item.path] = item.path, item.reason
                if item.is_final:
                    catalog.add_skipped(path, item.stat, item.reason)
            else:
                path = item.source.path
                if isinstance(item, FinishedFile):
                    catalog.finish(item.source, item.media, item.times, item.problems, pack, item.cues)
                    _forget_moved(catalog, item.source)
                    del reasons[path]
                elif isinstance(item, DuplicateFile):
                    copies.append(item.source)
                else:
                    catalog.discard(item.source, pack)
                    reasons[path] = "it changed while it was read; it is read again the next time"
            report(path, new[path].st_size)
            bytes_before += new[path].st_size
    for source in copies:
        if catalog.read_progress(source, pack).is_whole:
            _forget_moved(catalog, source)
            del reasons[source.path]
    return reasons


def _read_subtitles(paths: Iterable[Path], catalog: Catalog) -> None:
    """Store the subtitle files that are new or changed, unless somebody else is the writer now."""
    known, new = catalog.sidecars(), dict[Path, os.stat_result]()
    for path in paths:
        with suppress(OSError):  # gone or unreadable by now: tried again the next time
            stat = path.stat()
            if known.get(os.fsencode(path)) != (stat.st_size, stat.st_mtime_ns) and stat.st_size <= MAX_BYTES:
                new[path] = stat
    if new:
        with suppress(NotWritableError), catalog.writing():
            for path, stat in new.items():
                with suppress(OSError):
                    catalog.add_sidecar(path, stat, read_cues(path.read_bytes()))


def _forget_moved(catalog: Catalog, source: Source) -> None:
    """Its content is here now. Where it was before is forgotten if it was moved, not if that drive is missing."""
    for path in catalog.link(source):
        if not os.path.lexists(path) and not is_out_of_reach(path.parent):
            catalog.forget(path)


def _if_unchanged(entry: FileRecord | None, stat: os.stat_result) -> FileRecord | None:
    """What is known of a file, unless it changed since."""
    is_same = entry is not None and (entry.size_bytes, entry.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    return entry if is_same else None


def _offline(paths: Sequence[Path], known: Mapping[bytes, FileRecord], found: Container[Path]) -> list[Path]:
    """Indexed files under `paths` whose drives aren't there. What was only deleted is not among them."""
    beginnings = tuple(os.path.join(os.fsencode(path), b"") for path in paths)  # noqa: PTH118 (names are bytes)
    exact = {os.fsencode(path) for path in paths}
    offline, out_of_reach = [], dict[Path, bool]()
    for name, entry in known.items():
        if not entry.rows or not (name in exact or name.startswith(beginnings)):
            continue
        path = Path(os.fsdecode(name))
        if path in found:
            continue
        if path.parent not in out_of_reach:
            out_of_reach[path.parent] = is_out_of_reach(path.parent)
        if out_of_reach[path.parent]:
            offline.append(path)
    return offline


def _coverage(
    files: Sequence[Path],
    reasons: Mapping[Path, str],
    offline: Sequence[Path],
    missing: Sequence[Path],
    known: Mapping[bytes, FileRecord],
) -> Coverage:
    for path in missing:
        if not any(other.is_relative_to(path) for other in offline):
            raise UserError("There is no such file or folder", path=path, remedy="Check the path and try again")
    coverage = Coverage(
        searched=[path for path in (*files, *offline) if path not in reasons],
        skipped=[Skipped(path, reason) for path, reason in reasons.items()],
        offline=[path for path in offline if path not in reasons],
    )
    ticks: dict[str, int] = {}
    for path in coverage.searched:
        entry = known[os.fsencode(path)]
        if entry.media_id is not None:
            coverage.media.setdefault(entry.media_id, path)
        ticks[entry.tick_s] = ticks.get(entry.tick_s, 0) + entry.end_tick
        if not entry.is_whole:
            coverage.incomplete[path] = entry.duration_s
    coverage.searched_s = sum((count * Fraction(tick_s) for tick_s, count in ticks.items()), Fraction(0))
    return coverage
