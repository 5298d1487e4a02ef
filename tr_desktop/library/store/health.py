"""Whether a library is whole: its database, and the vectors that its records speak of."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tr_desktop.errors import LibraryError
from tr_desktop.library.store.coarse import coarse_of
from tr_desktop.library.store.database import Database
from tr_desktop.library.store.problems import Cause
from tr_desktop.library.store.vectors import VectorFiles


class VectorRows(NamedTuple):
    """The vectors of one pack: rows that the database speaks of, and rows that the vector files hold."""

    pack: str
    recorded: int
    stored: int


def vector_rows(database: Database, vectors: VectorFiles, pack: str | None = None) -> list[VectorRows]:
    """For each pack, or for `pack` alone, if it has any vectors. Raises LibraryError."""
    rows = database.rows(
        "SELECT pack, width, max(at + span.rows) FROM vectors JOIN span ON vectors.id = vectors_id"
        " WHERE pack = ifnull(?, pack) GROUP BY pack, width",
        pack,
    )
    try:
        return [VectorRows(name, end, vectors.of(name, width).rows()) for name, width, end in rows]
    except OSError as error:
        raise LibraryError(
            f"The library's vectors can't be read: {error.strerror}", path=database.folder, remedy=Cause.OTHER.value
        ) from error


def require_vectors(database: Database, vectors: VectorFiles, pack: str) -> None:
    """Raise LibraryError if vectors of `pack` are missing. It looks at lengths only, so every search can afford it."""
    for rows in (*vector_rows(database, vectors, pack), *vector_rows(database, vectors, coarse_of(pack))):
        if rows.stored < rows.recorded:
            raise damaged(database.folder, f"its vector files hold {rows.stored} of {rows.recorded} rows")


def damaged(folder: Path, what: str) -> LibraryError:
    """The LibraryError for a library that lacks something of its own."""
    remedy = "Run: tr-desktop library repair; the next index run reads the missing footage again"
    return LibraryError(f"The library is damaged: {what}", path=folder, remedy=remedy)


def problems(database: Database, vectors: VectorFiles) -> list[str]:
    """Everything wrong in the library, as sentences; reads the whole database."""
    found = [f"The database is damaged: {row[0]}" for row in _integrity(database) if row[0] != "ok"]
    if found:
        return found
    try:
        orphans = database.rows("PRAGMA foreign_key_check")
        if orphans:
            found.append(f"The database is damaged: {len(orphans)} rows belong to nothing")
        gaps = database.rows(UNEVEN)
        if gaps:
            found.append(f"The database is damaged: {len(gaps)} files have records of other rows than they count")
        found += [
            f"The vector files of model {rows.pack[:12]} hold {rows.stored} of {rows.recorded} rows"
            for rows in vector_rows(database, vectors)
            if rows.stored < rows.recorded
        ]
    except LibraryError as error:
        found.append(error.what)
    return found


# Vectors whose spans don't add up to their rows.
UNEVEN = (
    "SELECT vectors.id FROM vectors LEFT JOIN span ON vectors.id = vectors_id"
    " GROUP BY vectors.id HAVING vectors.rows <> ifnull(sum(span.rows), 0)"
)


def _integrity(database: Database) -> list[tuple[str]]:
    try:
        return database.rows("PRAGMA integrity_check(10)")
    except LibraryError as error:
        return [(error.what,)]
