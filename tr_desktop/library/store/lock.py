"""One writer at a time, among all processes that use a library."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tr_desktop.errors import LibraryError

LOCK_NAME = "writer.lock"


class NotWritableError(LibraryError):
    """Nothing can be added now (another process is indexing, the folder can't be written); searching works."""


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Be the one writer of the library in `folder` while the block runs. Raises NotWritableError when another is.

    The lock is SQLite's own on an empty file: it works on every system and ends with the process, however that ends.
    """
    with closing(sqlite3.connect(folder / LOCK_NAME, timeout=0, isolation_level=None)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise NotWritableError(
                "not indexed yet: another TimeRefine is indexing into this library",
                path=folder,
                remedy="Wait until it is done, or choose another folder with --library",
            ) from error
        yield
