"""What the library knows of places: drives that footage was found on, and names that are left out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from tr_desktop.errors import LibraryError
from tr_desktop.library.store.database import Database


class Places:
    """Small lists that any process may write beside the library's one writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def drives(self) -> list[Path]:
        """Where the drives are mounted that footage was found on."""
        return [Path(os.fsdecode(row[0])) for row in self._database.rows("SELECT path FROM drive")]

    def remember_drives(self, roots: Iterable[Path]) -> None:
        """Add drives. It isn't an error if the library can't be written: the next run finds them again."""
        new = set(roots) - set(self.drives())
        if not new or self._database.is_read_only:
            return
        with suppress(LibraryError), self._database.transaction():
            self._database.execute_many(
                "INSERT OR IGNORE INTO drive VALUES (?)", [(os.fsencode(root),) for root in new]
            )

    def exclusions(self) -> tuple[str, ...]:
        """The patterns of names that are left out of every index and search, in name order."""
        return tuple(row[0] for row in self._database.rows("SELECT pattern FROM exclusion ORDER BY pattern"))

    def set_exclusions(self, patterns: Sequence[str]) -> None:
        """Replace the patterns. Raises LibraryError if the library can't be written."""
        with self._database.transaction():
            self._database.execute("DELETE FROM exclusion")
            self._database.execute_many("INSERT OR IGNORE INTO exclusion VALUES (?)", [(each,) for each in patterns])
