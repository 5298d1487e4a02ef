"""Following folders: what is new there is indexed as soon as it has been copied whole.

Polling, because drives that come and go and network shares send no events; it takes a tenth of the time at most.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tr_desktop.library.catalog import Catalog
from tr_desktop.library.indexer import Coverage, Progress, index
from tr_desktop.library.walk import plain, walk

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

EVERY_S = 5.0
_SHARE = 10  # of the time, at most one part in so many is spent looking


def watch(
    folders: Sequence[Path],
    catalog: Catalog,
    encoder: Encoder,
    stop: threading.Event,
    on_progress: Callable[[Progress], None] = lambda _: None,
    every_s: float = EVERY_S,
) -> Iterator[Coverage]:
    """Index what is under `folders` until `stop` is set; yields whenever there is something new to say of it.

    A file is left alone until it stays the same from one look to the next, `every_s` seconds or more later. A folder
    that isn't there is waited for.
    """
    paths = [plain(folder) for folder in folders]
    before: dict[Path, tuple[int, int]] = {}
    said = Coverage()
    while not stop.is_set():
        started_s = time.monotonic()
        now = _files(paths)
        settled = [path for path, state in now.items() if before.get(path) == state]
        looked_s = time.monotonic() - started_s
        if settled and (coverage := index(settled, catalog, encoder, on_progress, stop)) != said:
            yield coverage
            said = coverage
        before = now
        stop.wait(max(every_s, _SHARE * looked_s))


def _files(paths: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """Size and modification time of every file."""
    states = {}
    for path in walk(paths)[0]:
        try:
            stat = os.stat(path)  # noqa: PTH116 (of many files, often)
        except OSError:
            continue
        states[path] = (stat.st_size, stat.st_mtime_ns)
    return states
