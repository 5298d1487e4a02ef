"""Watching folders: new files are indexed as soon as they are fully copied.

It polls, because removable drives and network shares send no events. Looking and asking the index, without reading new
footage, takes at most a tenth of the time.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tr_desktop.errors import UserError
from tr_desktop.library.filters import FootageFilter
from tr_desktop.library.index.coverage import Coverage, IndexProgress
from tr_desktop.library.index.exclusions import Exclusions
from tr_desktop.library.index.indexer import EVERYTHING, ReadNew, index_footage, read_here
from tr_desktop.library.index.walk import absolute_path, find_files
from tr_desktop.library.store.catalog import Catalog

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

POLL_S = 5.0
_SHARE = 10  # polling takes at most 1 / _SHARE of the time
_AGAIN_S = 600.0  # the index is asked again, even if no file changed: what couldn't be read may be readable now
# How the reasons begin that may pass without a change of the file: a full disk, another writer, a drive's errors.
_PASSING = ("not indexed", "can't be", "it changed")

_State = tuple[int, int]  # size and modification time


@dataclass
class _Look:
    """files: by path. notes: what can't be followed now, as sentences."""

    files: dict[Path, _State] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def watch_folders(
    folders: Sequence[Path],
    catalog: Catalog,
    encoder: Encoder,
    stop: threading.Event,
    on_progress: Callable[[IndexProgress], None] = lambda _: None,
    every_s: float = POLL_S,
    footage_filter: FootageFilter = EVERYTHING,
    on_note: Callable[[str], None] = lambda _: None,
    read: ReadNew = read_here,
) -> Iterator[Coverage]:
    """Index the files under `folders` until `stop` is set; yields the coverage whenever it changes.

    A file is indexed once it stays the same from one poll to the next, at least `every_s` seconds later. Missing
    folders are waited for. Nothing that a disk does ends it. on_note: called with a sentence for each folder that can't
    be followed and for each problem of the library, once until it is over. read: how new files
    are read, as for `index_footage`.
    """
    paths = [absolute_path(folder) for folder in folders]
    before: dict[Path, _State] = {}
    asked: dict[Path, _State] = {}  # what the index was asked about last
    asked_at_s, is_settled = 0.0, False
    reported, notes = Coverage(), set[str]()
    while not stop.is_set():
        started_s = time.monotonic()
        look = _look(paths, catalog, footage_filter)
        settled = {path: state for path, state in look.files.items() if before.get(path) == state}
        before = look.files
        reading = _ReadingTime(on_progress)
        if (settled or asked) and (settled != asked or not is_settled or started_s - asked_at_s > _AGAIN_S):
            coverage, problem = _ask(list(settled), catalog, encoder, reading.update, stop, footage_filter, read)
            if problem:
                look.notes.append(problem)
            is_settled = coverage is not None and _is_settled(coverage, catalog, encoder.pack.sha256)
            asked, asked_at_s = settled, started_s
            if coverage is not None and coverage != reported:
                yield coverage
                reported = coverage
        for note in look.notes:
            if note not in notes:
                on_note(note)
        notes = set(look.notes)
        stop.wait(max(every_s, _SHARE * (time.monotonic() - started_s - reading.seconds)))


class _ReadingTime:
    """The time that an index run spent on new footage: it isn't part of the cost of polling."""

    def __init__(self, on_progress: Callable[[IndexProgress], None]) -> None:
        self._on_progress = on_progress
        self.seconds = 0.0

    def update(self, progress: IndexProgress) -> None:
        self.seconds = progress.elapsed_s
        self._on_progress(progress)


def _ask(
    paths: Sequence[Path],
    catalog: Catalog,
    encoder: Encoder,
    on_progress: Callable[[IndexProgress], None],
    stop: threading.Event,
    footage_filter: FootageFilter,
    read: ReadNew,
) -> tuple[Coverage | None, str]:
    """Index `paths`: the coverage, or None and the problem, such as a full disk. Files that are gone meanwhile are
    passed over."""
    try:
        return index_footage(
            paths, catalog, encoder, on_progress, stop, footage_filter, may_be_gone=True, read=read
        ), ""
    except (UserError, OSError) as error:
        return None, f"{error}. Trying again"


def _is_settled(coverage: Coverage, catalog: Catalog, pack: str) -> bool:
    """Whether asking again makes no difference until a file changes."""
    passing = [each.path for each in coverage.skipped if each.reason.startswith(_PASSING)]
    if not passing:
        return not coverage.incomplete
    try:
        known = catalog.known(pack)  # a lasting reason is in the library
    except UserError:
        return False
    return all((entry := known.get(os.fsencode(path))) and entry.reason for path in passing)


def _look(paths: Sequence[Path], catalog: Catalog, footage_filter: FootageFilter) -> _Look:
    look = _Look()
    try:
        exclusions = Exclusions((*catalog.places.exclusions(), *footage_filter.exclude))
    except UserError as error:
        look.notes.append(str(error))
        exclusions = Exclusions(footage_filter.exclude)
    walk = find_files(paths, exclusions)
    look.notes += [f"{path}: no such folder yet: waiting for it" for path in walk.missing]
    look.notes += [f"{path}: {reason}" for path, reason in walk.unreachable.items()]
    for path in walk.files:
        try:
            stat = os.stat(path)  # noqa: PTH116 (of many files, often)
        except OSError:
            continue
        look.files[path] = (stat.st_size, stat.st_mtime_ns)
    return look
