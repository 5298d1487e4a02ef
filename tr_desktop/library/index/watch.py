"""Watching folders: new files are indexed as soon as they are fully copied.

It polls, because removable drives and network shares send no events. Looking and asking the index, without reading new
footage, takes at most a tenth of the time.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
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
_MAX_FAILING = 3  # if more files make indexing fail unexpectedly, the files aren't the cause

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
    describe: Callable[[Exception], str] = lambda error: f"an error of this program: {error!r}",
) -> Iterator[Coverage]:
    """Index the files under `folders` until `stop` is set; yields the coverage whenever it changes.

    A file is indexed once it stays the same from one poll to the next, at least `every_s` seconds later. Missing
    folders are waited for. Nothing that a disk does ends it, and no error of this program: a file that causes one is
    left out until it changes. on_note: called with a sentence for each such file, for each folder that can't be
    followed and for each problem of the library, once until it is over. read: how new files are read, as for
    `index_footage`. describe: a sentence on an error of this program, asked for once an error.
    """
    paths = [absolute_path(folder) for folder in folders]
    before: dict[Path, _State] = {}
    asked: dict[Path, _State] = {}  # what the index was asked about last
    asked_at_s, is_settled = 0.0, False
    failing = _Failing(describe)
    reported, notes = Coverage(), set[str]()
    while not stop.is_set():
        started_s = time.monotonic()
        look = _look(paths, catalog, footage_filter)
        settled = {path: state for path, state in look.files.items() if before.get(path) == state}
        before = look.files
        settled = failing.without(settled)
        reading, has_found = _ReadingTime(on_progress), False
        if (settled or asked) and (settled != asked or not is_settled or started_s - asked_at_s > _AGAIN_S):

            def ask(paths: Sequence[Path], report: Callable[[IndexProgress], None] = reading.update) -> Coverage:
                # Files that are gone meanwhile are passed over.
                return index_footage(paths, catalog, encoder, report, stop, footage_filter, may_be_gone=True, read=read)

            coverage = None
            try:
                coverage = ask(list(settled))
            except (UserError, OSError) as error:  # such as a full disk
                look.notes.append(f"{error}. Trying again")
            except Exception as error:  # noqa: BLE001 (the watch goes on, and reports it)
                look.notes += (problems := failing.find(settled, error, ask))
                has_found = not problems  # the rest needn't wait
            is_settled = coverage is not None and _is_settled(coverage, catalog, encoder.pack.sha256)
            asked, asked_at_s = settled, started_s
            if coverage is not None and coverage != reported:
                yield coverage
                reported = coverage
        look.notes += failing.notes(look.files)
        for note in look.notes:
            if note not in notes:
                on_note(note)
        notes = set(look.notes)
        spent_s = 0.0 if has_found else time.monotonic() - started_s - reading.seconds
        stop.wait(max(every_s, _SHARE * spent_s))


class _ReadingTime:
    """The time that an index run spent on new footage: it isn't part of the cost of polling."""

    def __init__(self, on_progress: Callable[[IndexProgress], None]) -> None:
        self._on_progress = on_progress
        self._seconds: dict[bool, float] = {}  # of each pass

    @property
    def seconds(self) -> float:
        return sum(self._seconds.values())

    def update(self, progress: IndexProgress) -> None:
        self._seconds[progress.is_first_pass] = progress.elapsed_s
        self._on_progress(progress)


class _Failing:
    """Files that make indexing fail by an error of this program: left out until they change."""

    def __init__(self, describe: Callable[[Exception], str]) -> None:
        self._describe = describe
        self._described: dict[str, str] = {}  # by error
        self._files: dict[Path, tuple[_State, str]] = {}  # as they were, and the sentence on each

    def without(self, files: Mapping[Path, _State]) -> dict[Path, _State]:
        """`files` without those that failed and haven't changed since."""
        return {path: state for path, state in files.items() if self._files.get(path, ())[:1] != (state,)}

    def notes(self, files: Mapping[Path, _State]) -> list[str]:
        return [note for path, (state, note) in self._files.items() if files.get(path) == state]

    def find(
        self, files: Mapping[Path, _State], error: Exception, ask: Callable[[Sequence[Path]], object]
    ) -> list[str]:
        """Find the files for which `ask` fails; a sentence on `error` if it isn't theirs. error: of asking for all."""
        found = _failing_alone(list(files), error, ask)
        if len(found) > _MAX_FAILING or (len(found) == len(files) > 1):
            return [f"Nothing can be indexed: {self._sentence(error)}. Trying again"]
        for path, its_error in found.items():
            self._files[path] = files[path], f"{path} is left out until it changes: {self._sentence(its_error)}"
        return []

    def _sentence(self, error: Exception) -> str:
        key = repr(error)
        if key not in self._described:
            self._described[key] = self._describe(error)
        return self._described[key]


def _failing_alone(
    paths: Sequence[Path], error: Exception, ask: Callable[[Sequence[Path]], object]
) -> dict[Path, Exception]:
    """The files that are to blame for `error`, which asking for `paths` raised, found by halving; at most one more than
    `_MAX_FAILING`."""
    if len(paths) <= 1:
        return dict.fromkeys(paths, error)
    found: dict[Path, Exception] = {}
    for half in (paths[: len(paths) // 2], paths[len(paths) // 2 :]):
        try:
            with suppress(UserError, OSError):
                ask(half)
        except Exception as its_error:  # noqa: BLE001 (this is how it is found)
            found |= _failing_alone(half, its_error, ask)
        if len(found) > _MAX_FAILING:
            break
    return found


def _is_settled(coverage: Coverage, catalog: Catalog, pack: str) -> bool:
    """Whether asking again makes no difference until a file changes."""
    passing = [each.path for each in coverage.skipped if each.reason.startswith(_PASSING)]
    if not passing:
        return not (coverage.incomplete or coverage.coarse)
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
