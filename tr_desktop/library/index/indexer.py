"""From paths to searchable files: discover them, read the new ones, account for each.

Every file found is either searched, or skipped with a reason.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tr_desktop.errors import UserError
from tr_desktop.footage.container import DECODER
from tr_desktop.library.filters import FootageFilter
from tr_desktop.library.index.coverage import NOT_YET, OTHER_MODEL, Coverage, IndexProgress, Skipped
from tr_desktop.library.index.drives import Drives, mount_of
from tr_desktop.library.index.exclusions import Exclusions
from tr_desktop.library.index.first_pass import first_pass
from tr_desktop.library.index.identity import has_grown
from tr_desktop.library.index.prefetch import Pause
from tr_desktop.library.index.proxies import proxies_of, searched_once
from tr_desktop.library.index.reading import (
    STORED_ROWS,
    ChangedFile,
    DuplicateFile,
    EncodedBatch,
    FinishedFile,
    ReadingOptions,
    UnreadableFile,
    read_files,
)
from tr_desktop.library.index.sidecars import add_sidecars
from tr_desktop.library.index.walk import absolute_path, find_files, never_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.files import is_library_file
from tr_desktop.library.store.lock import NotWritableError
from tr_desktop.library.store.records import FileRecord, Source
from tr_desktop.library.store.writer import Writer

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

EVERYTHING = FootageFilter()


@dataclass
class _Found:
    """The files under `paths`. unreachable: paths and folders that can't be opened now. reasons: why files can't be
    searched. new: files to read, or to read further, or whose header an older version read."""

    paths: list[Path]
    files: list[Path]
    missing: list[Path]
    unreachable: Collection[Path]
    drives: Drives
    exclusions: Exclusions
    known: dict[bytes, FileRecord]
    reasons: dict[Path, str]
    new: dict[Path, os.stat_result] = field(default_factory=dict)


ReadNew = Callable[[Mapping[Path, os.stat_result], Catalog, ReadingOptions], dict[Path, str]]
"""Reads new files into the library; the reasons why some can't be searched now.

Raises NotWritableError if nothing can be added now, and LibraryError for a full disk.
"""


def read_here(
    new: Mapping[Path, os.stat_result],
    catalog: Catalog,
    options: ReadingOptions,
    on_begin: Callable[[Path], None] = lambda _: None,
) -> dict[Path, str]:
    """`ReadNew` in this process, which a file that crashes its decoder ends. on_begin: as for `read_files`."""
    with catalog.writing() as writer:
        return _Run(new, writer, options, Drives(catalog.places.drives())).read(on_begin)


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
    may_be_gone: bool = False,
    retry: bool = False,
    read: ReadNew = read_here,
) -> Coverage:
    """Bring the library up to date with every file under `paths`; the coverage shows which can be searched.

    Unreadable files are listed, never raised. New files are listed too if another process is indexing or the library
    can't be written. stop: when set, indexing ends within a second; the next run continues from there.
    footage_filter: files that it leaves out are listed as skipped, and not indexed if their name or date decides.
    read_new: False reads nothing and lists new files as not indexed yet.
    pause: while set, nothing is decoded. Stored footage can be searched, and this run keeps the library's lock.
    hardware: decode on a graphics device if a test shows that it decodes the file right (`footage/hardware.py`).
    may_be_gone: paths that don't exist are passed over, for callers that found the paths themselves.
    retry: also read the files again that an earlier run couldn't read.
    read: how new files are read; `isolated.read_isolated` survives files that crash their decoder.
    Raises UserError for a path that does not exist and LibraryError for a full disk.
    """
    pack = encoder.pack.sha256
    found = _discover([absolute_path(path) for path in paths], catalog, pack, footage_filter, retry)
    if found.new and not read_new:
        found.reasons |= dict.fromkeys(found.new, NOT_YET)
    elif found.new:
        try:
            stop, pause = stop or threading.Event(), pause or threading.Event()
            options = ReadingOptions(encoder, on_progress, stop, pause, hardware)
            found.reasons |= read(found.new, catalog, options)
            found.known = catalog.known(pack)
        except NotWritableError as error:
            found.reasons |= dict.fromkeys(found.new, error.what)
    for path, stat in found.new.items():
        entry = found.known.get(os.fsencode(path))
        if entry is None or not _can_be_searched(entry):
            continue
        if if_unchanged(entry, stat):  # what was read so far can be searched
            found.reasons.pop(path, None)
        elif entry.size_bytes < stat.st_size and _has_grown(path, stat, catalog):
            found.known[os.fsencode(path)] = entry._replace(is_whole=False, is_coarse=False)
            found.reasons.pop(path, None)
    if may_be_gone:
        found.missing.clear()
    coverage = _account(found, footage_filter, catalog)
    add_sidecars(coverage, found.files, catalog)
    return coverage


# Discover


def _discover(paths: list[Path], catalog: Catalog, pack: str, footage_filter: FootageFilter, retry: bool) -> _Found:
    """The files under `paths`, and which of them are new to the library."""
    exclusions = Exclusions((*catalog.places.exclusions(), *footage_filter.exclude))
    walk = find_files(paths, exclusions)
    files = [path for path in walk.files if not is_library_file(path, catalog.folder)]
    found = _Found(
        paths=paths,
        files=files,
        missing=walk.missing,
        unreachable=walk.unreachable.keys(),
        drives=Drives(catalog.places.drives()),
        exclusions=exclusions,
        known=catalog.known(pack),
        reasons=walk.left_out | walk.unreachable,
    )
    seen_on: dict[int, Path] = {}  # one file of each drive
    for path in files:
        try:
            stat = path.stat()
        except OSError as error:
            found.reasons[path] = f"can't be opened: {error.strerror}"
            continue
        seen_on.setdefault(stat.st_dev, path)
        entry = if_unchanged(found.known.get(os.fsencode(path)), stat)
        reason = never_footage(path, stat) or exclusions.reason(path) or footage_filter.leaves_out_file(path, stat)
        if entry is not None and entry.decoder == DECODER and not retry:
            reason = reason or entry.reason
        if reason:
            found.reasons[path] = reason
        elif entry is None or not entry.is_whole or entry.has_old_facts:
            found.new[path] = stat
    for path, original in proxies_of(files).items():
        if path not in found.reasons and original not in found.reasons:  # else the proxy is all there is
            found.reasons[path] = f"a proxy of {original.name}"
            found.new.pop(path, None)
    catalog.places.remember_drives({mount_of(path) for path in seen_on.values()})
    return found


def if_unchanged(entry: FileRecord | None, stat: os.stat_result) -> FileRecord | None:
    """The record of a file, unless the file changed since."""
    is_same = entry is not None and (entry.size_bytes, entry.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    return entry if is_same else None


def _can_be_searched(entry: FileRecord) -> bool:
    return entry.rows > 0 or entry.is_coarse


def _has_grown(path: Path, stat: os.stat_result, catalog: Catalog) -> bool:
    try:
        return has_grown(path, stat.st_size, catalog.source_of(path))
    except OSError:
        return False


# Read


class _Run:
    """Reads and stores new files, one after the other."""

    def __init__(
        self,
        new: Mapping[Path, os.stat_result],
        writer: Writer,
        options: ReadingOptions,
        drives: Drives,
    ) -> None:
        self._new, self._writer, self._options = new, writer, options
        self._pauses, self._drives = Pause(options.pause), drives
        self._pack, self._every_s = options.encoder.pack.sha256, 1 / options.encoder.pack.sample_fps
        self._reasons = dict.fromkeys(new, NOT_YET)
        self._total_bytes = sum(stat.st_size for stat in new.values())
        self._started_s, self._paused_before_s = time.monotonic(), 0.0
        self._rows_read, self._bytes_before, self._ended = 0, 0, 0
        self._held: list[EncodedBatch] = []

    def read(self, on_begin: Callable[[Path], None]) -> dict[Path, str]:
        """Look at all files, then read them; why some can't be searched now."""
        for source in first_pass(self._new, self._writer, self._options, self._pauses, on_begin):
            _forget_moved(self._writer, source, self._drives)
        self._started_s, self._paused_before_s = time.monotonic(), self._pauses.paused_s
        left = self._new
        while left:
            items = read_files(left, self._writer, self._options, self._pauses, on_begin)
            left = {}
            with closing(items):
                try:
                    for item in items:
                        if isinstance(item, DuplicateFile) and not self._is_whole(item.source):
                            # The first copy couldn't be read, but this one may be on another drive.
                            left[item.source.path] = self._new[item.source.path]
                        else:
                            self._take(item)
                finally:  # after an error too: what was read stays
                    self._store()
        return self._reasons

    def _is_whole(self, source: Source) -> bool:
        """Whether the footage of `source`, under any name, is stored to its end."""
        self._store()
        return self._writer.read_progress(source, self._pack).is_whole

    def _take(self, item: EncodedBatch | FinishedFile | DuplicateFile | ChangedFile | UnreadableFile) -> None:
        if isinstance(item, EncodedBatch):
            self._append(item)
            return
        self._store()
        if isinstance(item, UnreadableFile):
            path = item.path
            self._skip(item)
        else:
            path = item.source.path
            if isinstance(item, FinishedFile):
                self._finish(item)
            elif isinstance(item, DuplicateFile):
                _forget_moved(self._writer, item.source, self._drives)
                del self._reasons[path]
            elif item.only_grew:
                self._reasons[path] = "it is still being written; the next run reads on"
            else:
                self._writer.discard(item.source, self._pack)
                self._reasons[path] = "it changed while it was read; it is read again the next time"
        self._report(path, self._new[path].st_size)
        self._bytes_before += self._new[path].st_size
        self._ended += 1

    def _append(self, batch: EncodedBatch) -> None:
        self._held.append(batch)
        if sum(len(held.rows) for held in self._held) >= STORED_ROWS:
            self._store()
        self._rows_read += len(batch.rows)
        self._report(batch.of.source.path, batch.of.read_bytes, batch.of.decoder)

    def _store(self) -> None:
        """Store the rows held back, all of one file."""
        batches, self._held = self._held, []
        if batches:
            last = batches[-1].of
            rows = np.concatenate([batch.rows for batch in batches])
            self._writer.append(
                last.source,
                last.footage,
                self._pack,
                self._every_s,
                batches[0].of.first_row,
                rows,
                decode_all=last.decode_all,
            )

    def _finish(self, item: FinishedFile) -> None:
        self._writer.finish(item.source, item.footage, item.problems, self._pack, item.cues, item.packets)
        _forget_moved(self._writer, item.source, self._drives)
        del self._reasons[item.source.path]

    def _skip(self, item: UnreadableFile) -> None:
        self._reasons[item.path] = item.reason
        if item.is_final:
            self._writer.add_skipped(item.path, item.stat, item.reason, DECODER)
        else:
            self._writer.add_problem(item.path, f"{item.reason}; the next run tries again")

    def _report(self, path: Path, read_bytes: int, decoder: str = "") -> None:
        self._options.on_progress(
            IndexProgress(
                path=path,
                file_number=min(self._ended + 1, len(self._new)),
                files=len(self._new),
                done_bytes=self._bytes_before + min(read_bytes, self._new[path].st_size),
                total_bytes=self._total_bytes,
                footage_s=self._rows_read * self._every_s,
                elapsed_s=time.monotonic() - self._started_s - (self._pauses.paused_s - self._paused_before_s),
                decoder=decoder,
            )
        )


def _forget_moved(writer: Writer, source: Source, drives: Drives) -> None:
    """Link content to its new path. Forget its old paths if it was moved, but not if their drive is missing."""
    for path in writer.link(source):
        if not os.path.lexists(path) and not drives.is_away(path):
            writer.forget(path)


# Account


def _account(found: _Found, footage_filter: FootageFilter, catalog: Catalog) -> Coverage:
    """Which files can be searched and which can't, with the reason.

    Raises UserError for a path that doesn't exist and has nothing offline under it.
    """
    offline = _offline(found)
    known_places = {place for path in offline for place in (path, *path.parents)} if found.missing else set()
    for path in found.missing:
        if path not in known_places:
            raise UserError("There is no such file or folder", path=path, remedy="Check the path and try again")
    reasons = dict(found.reasons)
    reasons |= {path: OTHER_MODEL for path in offline if not _can_be_searched(found.known[os.fsencode(path)])}
    for path in (path for path in (*found.files, *offline) if path not in reasons):
        entry = found.known[os.fsencode(path)]
        reason = footage_filter.leaves_out_file(path) or footage_filter.leaves_out_date(entry.mtime_ns)
        reason = reason or footage_filter.leaves_out_footage(entry.duration_s, entry.height)
        if reason:
            reasons[path] = reason
    searched = [path for path in (*found.files, *offline) if path not in reasons]
    reasons |= searched_once({path: found.known[os.fsencode(path)] for path in searched}, set(offline), catalog)
    coverage = Coverage(
        searched=[path for path in (*found.files, *offline) if path not in reasons],
        skipped=[Skipped(path, reason) for path, reason in reasons.items()],
        offline=[path for path in offline if path not in reasons],
    )
    ticks: dict[str, int] = {}  # by tick length: adding thousands of fractions is slow
    for path in coverage.searched:
        entry = found.known[os.fsencode(path)]
        if entry.media_id is not None and (first := coverage.media.setdefault(entry.media_id, path)) != path:
            coverage.copies[path] = first
        if entry.is_whole or entry.is_coarse:
            ticks[entry.tick_s] = ticks.get(entry.tick_s, 0) + entry.end_tick
        else:
            coverage.incomplete[path] = entry.read_s
        if entry.is_coarse:
            coverage.coarse.append(path)
        if entry.problems:
            coverage.damaged[path] = entry.problems
    lengths_s = (*(count * Fraction(tick_s) for tick_s, count in ticks.items()), *coverage.incomplete.values())
    coverage.searched_s = sum(lengths_s, Fraction(0))
    return coverage


def _offline(found: _Found) -> list[Path]:
    """Files with footage, of any model, under the paths whose drives are away, or in folders that can't be opened now.

    Deleted files are not among them.
    """
    beginnings = tuple(os.path.join(os.fsencode(path), b"") for path in found.paths)  # noqa: PTH118 (names are bytes)
    exact = {os.fsencode(path) for path in found.paths}
    closed = tuple(os.path.join(os.fsencode(path), b"") for path in found.unreachable)  # noqa: PTH118
    present, closed_files = set(found.files), {os.fsencode(path) for path in found.unreachable}
    offline = []
    for name, entry in found.known.items():
        if entry.media_id is None or not (name in exact or name.startswith(beginnings)):
            continue
        path = Path(os.fsdecode(name))
        if path in present or found.exclusions.reason_above(path, found.paths):
            continue
        if name in closed_files:
            found.reasons.pop(path, None)
            offline.append(path)
        elif name.startswith(closed) or (found.drives.is_away(path) and not os.path.lexists(path)):
            offline.append(path)
    return offline
