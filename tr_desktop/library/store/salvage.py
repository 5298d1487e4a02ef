"""A new database from the rows of a damaged one that can still be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from tr_desktop.library.store import schema
from tr_desktop.library.store.database import Database

_FIRST_VERSION = 2  # of a library that was released


def rebuild(damaged: Path, folder: Path) -> None:
    """Make the database of `folder` anew: in the format of the damaged one first, which is then brought up to this one.

    Raises LibraryError if the new one can't be written; the damaged one stays as it is.
    """
    with closing(sqlite3.connect(damaged)) as old:
        try:
            version = schema.version_of(old)
        except sqlite3.DatabaseError:
            version = 0
        if _FIRST_VERSION <= version <= len(schema.MIGRATIONS):
            with closing(Database(folder, version)) as new:
                _copy_readable(old, new)
    with closing(Database(folder)):
        pass


def _copy_readable(old: sqlite3.Connection, new: Database) -> None:
    tables = _tables(new)
    with new.transaction():
        new.execute("PRAGMA defer_foreign_keys = ON")
        for table, (columns, keys) in tables.items():
            names, marks = ", ".join(columns), ", ".join("?" * len(columns))
            rows = _readable_rows(old, table, names, keys)
            new.execute_many(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", rows)
        # What belongs to rows that are lost is lost with them.
        while orphans := new.rows("PRAGMA foreign_key_check"):
            for table in {row[0] for row in orphans}:
                _drop_orphans(new, table)


def _tables(database: Database) -> dict[str, tuple[list[str], list[str]]]:
    """Columns and keys of the tables, without those in which SQLite keeps an index of words."""
    rows = database.rows("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    virtual = [name for name, sql in rows if sql.startswith("CREATE VIRTUAL")]
    tables = {}
    for name in (name for name, _ in rows if not any(name.startswith(f"{owner}_") for owner in virtual)):
        described = database.rows(f"PRAGMA table_info({name})")
        columns, keys = [row[1] for row in described], [row[1] for row in described if row[5]]
        tables[name] = (columns if keys else ["rowid", *columns], keys or ["rowid"])
    return tables


def _readable_rows(
    old: sqlite3.Connection, table: str, columns: str, keys: Sequence[str]
) -> Iterator[tuple[object, ...]]:
    """The rows before the first damaged page, and then those after the last."""
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{key} {direction}" for key in keys)
        try:
            yield from old.execute(f"SELECT {columns} FROM {table} ORDER BY {order}")
        except sqlite3.DatabaseError:
            continue
        return


def _drop_orphans(database: Database, table: str) -> None:
    for _, _, parent, column, parent_column, *_ in database.rows(f"PRAGMA foreign_key_list({table})"):
        database.execute(
            f"DELETE FROM {table} WHERE {column} NOTNULL AND {column} NOT IN (SELECT {parent_column} FROM {parent})"
        )
