"""The library's records of files: by path, and how far their footage has been read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from tr_desktop.files import LOCK_NAME
from tr_desktop.library.store.coarse import coarse_of
from tr_desktop.library.store.database import FILE_NAME, Database
from tr_desktop.library.store.media_row import FACTS_VERSION, media_of
from tr_desktop.library.store.records import FileRecord, KnownContent, ReadProgress, Source
from tr_desktop.moments import Media


def is_library_file(path: Path, folder: Path) -> bool:
    """Whether `path` is part of the library in `folder` itself."""
    return path.parent == folder and path.name.startswith(("vectors-", FILE_NAME, LOCK_NAME))


def known(database: Database, pack: str) -> dict[bytes, FileRecord]:
    """The records of all files, by path as bytes."""
    rows = database.rows(
        "SELECT path, file.size_bytes, mtime_ns, reason, file.media_id, ifnull(vectors.rows, 0),"
        " ifnull(vectors.is_whole, 0), ifnull(end_tick, 0), ifnull(tick_s, '1'),"
        " ifnull(json_extract(facts, '$.height'), 0), ifnull(problems, '[]'), decoder,"
        " facts NOTNULL AND json_extract(facts, '$.version') IS NOT ?, vectors.every_s, coarse.id NOTNULL"
        " FROM file LEFT JOIN media ON media.id = file.media_id"
        " LEFT JOIN vectors ON vectors.media_id = file.media_id AND vectors.pack = ?"
        " LEFT JOIN vectors AS coarse ON coarse.media_id = file.media_id AND coarse.pack = ?",
        *(FACTS_VERSION, pack, coarse_of(pack)),
    )
    return {row[0]: FileRecord(*row[1:]) for row in rows}


def headers(database: Database, paths: Iterable[Path]) -> dict[Path, tuple[Media, Fraction]]:
    """{path: (facts, duration in seconds)} of those files that were read to their end."""
    found = {}
    for path in paths:
        for size_bytes, mtime_ns, facts, end_tick, tick_s in database.rows(
            "SELECT file.size_bytes, mtime_ns, facts, end_tick, tick_s FROM file JOIN media ON media.id = media_id"
            " WHERE path = ? AND is_whole",
            os.fsencode(path),
        ):
            found[path] = media_of(path, size_bytes, mtime_ns, facts), end_tick * Fraction(tick_s)
    return found


def read_progress(database: Database, source: Source, pack: str) -> ReadProgress:
    """How far the footage of `source`, under any name, has been read for `pack`."""
    rows = database.rows(
        "SELECT rows, decode_all, vectors.is_whole, json_extract(facts, '$.version') IS NOT ?"
        " FROM media JOIN vectors ON media_id = media.id WHERE digest = ? AND size_bytes = ? AND pack = ?",
        *(FACTS_VERSION, source.digest, source.size_bytes, pack),
    )
    if not rows:
        return ReadProgress(0, decode_all=False, is_whole=False)
    count, decode_all, is_whole, has_old_facts = rows[0]
    return ReadProgress(count, bool(decode_all), bool(is_whole), bool(has_old_facts))


def source_of(database: Database, path: Path) -> Source | None:
    """The file at `path` as it was when it was read, if its footage has no other path."""
    rows = database.rows(
        "SELECT file.size_bytes, mtime_ns, digest FROM file JOIN media ON media.id = media_id WHERE path = ?"
        " AND NOT EXISTS (SELECT * FROM file AS other WHERE other.media_id = media.id AND other.path <> file.path)",
        os.fsencode(path),
    )
    return Source(path, *rows[0]) if rows else None


def contents_of(database: Database, media_id: int) -> tuple[bytes, ...]:
    """The digests of a file's content, those before it got longer last."""
    digest, packets = database.rows("SELECT digest, packets FROM media WHERE id = ?", media_id)[0]
    earlier = database.rows("SELECT digest FROM earlier_content WHERE media_id = ?", media_id)
    # A library that met another file of the same samples first has the longer one.
    longer = (digest + packets,) if packets else ()
    return (digest, *longer, *(row[0] for row in earlier))


def contents(database: Database, size_bytes: int, sampled: bytes) -> list[KnownContent]:
    """All content of one size whose digest begins with `sampled`."""
    rows = database.rows(
        "SELECT digest, packets, json_group_array(mtime_ns) FROM media LEFT JOIN file ON media_id = media.id"
        " WHERE media.size_bytes = ? AND digest BETWEEN ? AND ? GROUP BY media.id",
        *(size_bytes, sampled, sampled + b"\xff" * len(sampled)),
    )
    return [KnownContent(digest, packets, tuple(filter(None, json.loads(dates)))) for digest, packets, dates in rows]
