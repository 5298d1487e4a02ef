"""The library's SQLite file: opening it, reading rows, and all-or-nothing transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tr_desktop.errors import LibraryError
from tr_desktop.library.store import schema

FILE_NAME = "library.sqlite3"


class Database:
    """The database in `folder`, created if missing. Its methods may be called from any thread.

    is_read_only: whether the folder can't be written; such a library can still be searched.
    Raises LibraryError if the folder can't be made or read, the file isn't a database, or a newer version wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.path = self.folder / FILE_NAME
        self.is_read_only = False
        self._lock = threading.RLock()
        try:
            self._connection = self._open()
        except (OSError, sqlite3.Error) as error:
            raise LibraryError(
                f"The library can't be opened: {error}",
                path=self.path,
                remedy="Choose another folder with --library, or make this one writable",
            ) from error

    def close(self) -> None:
        self._connection.close()

    def rows(self, sql: str, *values: object) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        """One statement that writes; inside a `transaction`."""
        return self._connection.execute(sql, values)

    def execute_many(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Raises LibraryError if the disk is full, was removed or can't be written."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except (OSError, sqlite3.OperationalError) as error:
                raise LibraryError(
                    f"The library can't be written: {getattr(error, 'strerror', None) or error}",
                    path=self.folder,
                    remedy="Free space on its disk, or choose another folder with --library; indexed footage is kept",
                ) from error
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _open(self) -> sqlite3.Connection:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            connection = self._connect("")
            schema.check_not_newer(connection, self.path)
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        except (OSError, sqlite3.OperationalError):
            if not self.path.exists():
                raise
            self.is_read_only = True
            connection = self._open_to_read()
        schema.migrate(connection)
        return connection

    def _open_to_read(self) -> sqlite3.Connection:
        try:
            connection = self._connect("?mode=ro")
            schema.check_not_newer(connection, self.path)
        except sqlite3.OperationalError:
            # SQLite can't even create the files that track readers: then nobody can write, and none are needed.
            connection = self._connect("?mode=ro&immutable=1")
            schema.check_not_newer(connection, self.path)
        return connection

    def _connect(self, options: str) -> sqlite3.Connection:
        uri = self.path.absolute().as_uri() + options
        return sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None, check_same_thread=False)
