"""The library's SQLite file: opening it, reading rows, and all-or-nothing transactions."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tr_desktop.library.store import schema
from tr_desktop.library.store.problems import Cause, cause_of, library_error, sentence

FILE_NAME = "library.sqlite3"
_WAIT_S = 30.0  # for another process that writes


class Database:
    """The database in `folder`, created if missing. Its methods may be called from any thread.

    is_read_only: whether the folder can't be written, such as on a full disk, and because_of: the reason and the
    remedy; such a library can still be searched.
    Raises LibraryError if the folder can't be made or read, the file isn't a database, or a newer version wrote it.
    """

    def __init__(self, folder: Path, version: int | None = None) -> None:
        """version: of the format; None means the current one."""
        self.folder, self._version = folder.absolute(), version
        self.path = self.folder / FILE_NAME
        self.is_read_only = False
        self.because_of = ("the library can't be written", "Make its folder writable")
        self._lock = threading.RLock()
        try:
            self._connection = self._open()
        except (OSError, sqlite3.Error) as error:
            raise library_error(error, self.path, "opened") from error

    def close(self) -> None:
        self._connection.close()

    def rows(self, sql: str, *values: object) -> list[Any]:
        """The rows that a statement selects. Raises LibraryError if the file is damaged or can't be read."""
        with self._lock, self._worded("read"):
            return self._connection.execute(sql, values).fetchall()

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        """One statement that writes; inside a `transaction`."""
        return self._connection.execute(sql, values)

    def execute_many(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Raises LibraryError if the disk is full, was removed, is damaged or can't be written."""
        with self._lock, self._worded("written"):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _worded(self, doing: str) -> Iterator[None]:
        """Errors of the disk and of SQLite, each as a LibraryError with its own sentence."""
        try:
            yield
        except sqlite3.ProgrammingError:  # a mistake in this program, such as a closed database
            raise
        except (OSError, sqlite3.DatabaseError) as error:
            raise library_error(error, self.folder, doing) from error

    def _open(self) -> sqlite3.Connection:
        self.folder.mkdir(parents=True, exist_ok=True)
        deadline_s = time.monotonic() + _WAIT_S
        while True:
            try:
                return self._open_to_write()
            except (OSError, sqlite3.OperationalError) as error:
                cause = cause_of(error, self.folder)
                if cause is Cause.BUSY and time.monotonic() < deadline_s:
                    # SQLite doesn't wait where two switch a new file to WAL at once.
                    time.sleep(0.02)
                elif cause in (Cause.BUSY, Cause.DAMAGED) or not self.path.exists():
                    raise
                else:
                    self.because_of = sentence(error, self.folder), cause.value
                    break
        self.is_read_only = True
        connection = self._open_to_read()
        schema.migrate(connection)
        return connection

    def _open_to_write(self) -> sqlite3.Connection:
        connection = self._connect("")
        try:
            schema.check_not_newer(connection, self.path)
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            schema.migrate(connection, self._version)
        except BaseException:
            connection.close()
            raise
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
        return sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
