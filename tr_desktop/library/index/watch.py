"""Watching folders: new files are indexed as soon as they are fully copied.

It polls, because removable drives and network shares send no events. Polling takes at most a tenth of the time.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tr_desktop.library.index.coverage import Coverage, IndexProgress
from tr_desktop.library.index.indexer import ReadNew, index_footage, read_here
from tr_desktop.library.index.walk import absolute_path, find_files
from tr_desktop.library.store.catalog import Catalog

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

POLL_S = 5.0
_SHARE = 10  # polling takes at most 1 / _SHARE of the time


def watch_folders(
    folders: Sequence[Path],
    catalog: Catalog,
    encoder: Encoder,
    stop: threading.Event,
    on_progress: Callable[[IndexProgress], None] = lambda _: None,
    every_s: float = POLL_S,
    read: ReadNew = read_here,
) -> Iterator[Coverage]:
    """Index the files under `folders` until `stop` is set; yields the coverage whenever it changes.

    A file is indexed once it stays the same from one poll to the next, at least `every_s` seconds later. Missing
    folders are waited for. read: how new files are read, as for `index_footage`.
    """
    paths = [absolute_path(folder) for folder in folders]
    before: dict[Path, tuple[int, int]] = {}
    reported = Coverage()
    while not stop.is_set():
        started_s = time.monotonic()
        now = _files(paths)
        settled = [path for path, state in now.items() if before.get(path) == state]
        looked_s = time.monotonic() - started_s
        if settled:
            coverage = index_footage(settled, catalog, encoder, on_progress, stop, read=read)
            if coverage != reported:
                yield coverage
                reported = coverage
        before = now
        stop.wait(max(every_s, _SHARE * looked_s))


def _files(paths: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """Size and modification time of every file."""
    states = {}
    for path in find_files(paths)[0]:
        try:
            stat = os.stat(path)  # noqa: PTH116 (of many files, often)
        except OSError:
            continue
        states[path] = (stat.st_size, stat.st_mtime_ns)
    return states
