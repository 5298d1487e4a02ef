"""Footage in which a search found something before it was read to its end: it is read first."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tr_desktop.errors import LibraryError
from tr_desktop.library.store.database import Database


class Answered:
    """A short list that every search may write beside the library's one writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, paths: Sequence[Path]) -> None:
        """Put files in front, the first of `paths` first. It isn't an error if the library can't be written."""
        if not paths or self._database.is_read_only:
            return
        with suppress(LibraryError), self._database.transaction():
            self._database.execute_many(
                "INSERT OR REPLACE INTO answered SELECT media_id, (SELECT ifnull(max(number), 0) + 1 FROM answered)"
                " FROM file WHERE path = ? AND media_id NOTNULL",
                [(os.fsencode(path),) for path in reversed(paths)],
            )

    def paths(self) -> list[Path]:
        """The files, latest first."""
        rows = self._database.rows("SELECT path FROM answered JOIN file USING (media_id) ORDER BY number DESC")
        return [Path(os.fsdecode(row[0])) for row in rows]
