"""Looking after a library: forget footage, drop what is gone, find damage and repair it.

Nothing here touches footage. Each function is the library's one writer while it runs.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from tr_desktop.errors import LibraryError
from tr_desktop.library.index.drives import Drives
from tr_desktop.library.store import health, salvage
from tr_desktop.library.store.coarse import coarse_of
from tr_desktop.library.store.database import FILE_NAME, Database
from tr_desktop.library.store.lock import sole_writer
from tr_desktop.library.store.places import Places
from tr_desktop.library.store.vectors import VectorFiles, file_names


class Repaired(NamedTuple):
    """copy: the damaged database, kept; None if it was whole. dropped: files whose footage has to be read again."""

    copy: Path | None
    dropped: int


class ModelIndex(NamedTuple):
    """The index that one model made. pack: its sha256. size_bytes: on disk."""

    pack: str
    files: int
    size_bytes: int


def check(folder: Path) -> list[str]:
    """Everything wrong in the library in `folder`, as sentences. Raises LibraryError if there is none."""
    _require(folder)
    try:
        with closing(Database(folder)) as database:
            return health.problems(database, VectorFiles(folder))
    except LibraryError as error:
        return [error.what]


def forget(folder: Path, paths: Sequence[Path]) -> list[Path]:
    """Drop the records of `paths` and of everything under them, if they exist or not; the files forgotten.

    paths: as `absolute_path` returns them.
    """
    keys = [os.fsencode(path) for path in paths]
    beginnings = tuple(os.path.join(key, b"") for key in keys)  # noqa: PTH118 (names are bytes)
    with _writing(folder) as database:
        gone = [name for name in _names(database) if name in keys or name.startswith(beginnings)]
        return _drop(database, gone)


def models(folder: Path) -> list[ModelIndex]:
    """The indexes in the library, by pack. Raises LibraryError if there is no library."""
    _require(folder)
    with closing(Database(folder)) as database:
        rows = database.rows("SELECT pack, count(*) FROM vectors WHERE ticks IS NULL GROUP BY pack ORDER BY pack")
    return [ModelIndex(pack, count, _size_of(folder, pack)) for pack, count in rows]


def prune(folder: Path, packs: Collection[str] = ()) -> list[Path]:
    """Drop the records of files that are gone from drives that are here, and vectors that no record speaks of.

    packs: sha256 of model packs whose vectors are dropped, too. Returns the files whose records were dropped.
    """
    with _writing(folder) as database:
        with database.transaction():
            for table in ("vectors", "close_up"):
                dropped_packs = ((name,) for pack in packs for name in (pack, coarse_of(pack)))
                database.execute_many(f"DELETE FROM {table} WHERE pack = ?", dropped_packs)
        drives = Drives(Places(database).drives())
        paths = (Path(os.fsdecode(name)) for name in _names(database))
        gone = [path for path in paths if not os.path.lexists(path) and not drives.is_away(path)]
        dropped = _drop(database, [os.fsencode(path) for path in gone])
        _remove_unused_vectors(database, folder)
        return dropped


def repair(folder: Path) -> Repaired:
    """Rebuild a damaged database from the rows that can be read, and drop the records whose vectors are missing.

    The next index run reads that footage again. Raises LibraryError if another process is writing, or on a full disk.
    """
    _require(folder)
    with sole_writer(folder):
        copy = None
        if check_database(folder):
            copy = _keep_aside(folder)
            salvage.rebuild(copy, folder)
        with closing(Database(folder)) as database:
            dropped = _drop_without_vectors(database, folder)
        return Repaired(copy, dropped)


def check_database(folder: Path) -> bool:
    """Whether the database itself is damaged, or can't be opened."""
    try:
        with closing(Database(folder)) as database:
            return any(problem.startswith("The database") for problem in health.problems(database, VectorFiles(folder)))
    except LibraryError as error:
        if isinstance(error.__cause__, sqlite3.DatabaseError):
            return True
        raise


def _require(folder: Path) -> None:
    if not os.path.lexists(folder / FILE_NAME):
        raise LibraryError("There is no library here", path=folder, remedy="Name its folder with --library")


@contextmanager
def _writing(folder: Path) -> Iterator[Database]:
    _require(folder)
    with sole_writer(folder), closing(Database(folder)) as database:
        yield database


def _names(database: Database) -> list[bytes]:
    """The paths of all files that the library knows, footage and subtitles."""
    return [
        row[0] for row in database.rows("SELECT path FROM file UNION SELECT path FROM text_source WHERE path NOTNULL")
    ]


def _drop(database: Database, names: Sequence[bytes]) -> list[Path]:
    with database.transaction():
        for table in ("file", "text_source"):
            database.execute_many(f"DELETE FROM {table} WHERE path = ?", ((name,) for name in names))
        database.execute("DELETE FROM media WHERE id NOT IN (SELECT media_id FROM file WHERE media_id NOTNULL)")
    return [Path(os.fsdecode(name)) for name in names]


def _size_of(folder: Path, pack: str) -> int:
    return sum((folder / name).stat().st_size for name in file_names(pack) if (folder / name).exists())


def _remove_unused_vectors(database: Database, folder: Path) -> None:
    used = {name for row in database.rows("SELECT DISTINCT pack FROM vectors") for name in file_names(row[0])}
    for path in folder.glob("vectors-*"):
        if path.name not in used:
            path.unlink()


def _drop_without_vectors(database: Database, folder: Path) -> int:
    """Drop the vectors of which a row is missing; how many files that concerns."""
    dropped: set[int] = set()
    for rows in health.vector_rows(database, VectorFiles(folder)):
        beyond = database.rows(
            "SELECT DISTINCT vectors_id FROM span JOIN vectors ON vectors.id = vectors_id"
            " WHERE pack = ? AND at + span.rows > ?",
            *(rows.pack, rows.stored),
        )
        dropped |= {row[0] for row in beyond}
    dropped |= {row[0] for row in database.rows(health.UNEVEN)}
    with database.transaction():
        database.execute_many("DELETE FROM vectors WHERE id = ?", ((vectors_id,) for vectors_id in dropped))
    return len(dropped)


def _keep_aside(folder: Path) -> Path:
    """Move the damaged database and what belongs to it to a new name; that name."""
    copy = folder / f"damaged {datetime.now():%Y-%m-%d %H.%M.%S} {FILE_NAME}"
    for ending in ("-wal", "-shm", ""):
        part = folder / (FILE_NAME + ending)
        if part.exists():
            shutil.move(part, copy.with_name(copy.name + ending))
    return copy
