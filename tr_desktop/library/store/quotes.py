"""Text in footage: subtitle files beside it, subtitle tracks inside it, text in its pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

from tr_desktop.footage.captions import Cue
from tr_desktop.library.store.database import Database
from tr_desktop.library.store.records import TextMatch
from tr_desktop.moments import TextKind

_MAX_MATCHES = 10_000  # more than a search could use


class Quotes:
    """The reading side of the texts in a library."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def matches(self, sentence: str) -> list[TextMatch]:
        """The texts that contain these words in a row, whatever their case and accents; shortest first."""
        phrase = sentence.replace('"', " ")
        if not any(character.isalnum() for character in phrase):
            return []
        rows = self._database.rows(
            "SELECT kind, path, media_id, start_s, end_s, text FROM cue JOIN text_source ON text_source.id = source_id"
            " WHERE cue MATCH ? ORDER BY rank, path, cue.rowid LIMIT ?",
            f'"{phrase}"',
            _MAX_MATCHES,
        )
        return [
            TextMatch(
                Cue(Fraction(start_s), Fraction(end_s), text),
                TextKind(kind),
                None if path is None else Path(os.fsdecode(path)),
                media_id,
            )
            for kind, path, media_id, start_s, end_s, text in rows
        ]

    def sidecars(self) -> dict[bytes, tuple[int, int]]:
        """Size and modification time of the known subtitle files, by path as bytes."""
        rows = self._database.rows("SELECT path, size_bytes, mtime_ns FROM text_source WHERE path NOTNULL")
        return {path: (size_bytes, mtime_ns) for path, size_bytes, mtime_ns in rows}

    def not_looked_for_in(self, media_ids: Iterable[int], kind: TextKind) -> list[int]:
        """Those of `media_ids` in which this kind of text hasn't been looked for."""
        known = {row[0] for row in self._database.rows("SELECT media_id FROM text_source WHERE kind = ?", kind.value)}
        return [media_id for media_id in media_ids if media_id not in known]


def store_sidecar(database: Database, path: Path, stat: os.stat_result, cues: Sequence[Cue]) -> None:
    """Replace the text of a subtitle file; inside a transaction."""
    key = os.fsencode(path)
    database.execute("DELETE FROM text_source WHERE path = ?", key)
    source = database.execute(
        "INSERT INTO text_source (kind, path, size_bytes, mtime_ns) VALUES (?, ?, ?, ?)",
        TextKind.FILE.value,
        key,
        stat.st_size,
        stat.st_mtime_ns,
    )
    _store_cues(database, source.lastrowid, cues)


def store_text(database: Database, media_id: int, kind: TextKind, cues: Sequence[Cue]) -> None:
    """Replace one kind of text of footage; inside a transaction."""
    database.execute("DELETE FROM text_source WHERE media_id = ? AND kind = ?", media_id, kind.value)
    source = database.execute("INSERT INTO text_source (media_id, kind) VALUES (?, ?)", media_id, kind.value)
    _store_cues(database, source.lastrowid, cues)


def _store_cues(database: Database, source_id: int | None, cues: Sequence[Cue]) -> None:
    database.execute_many(
        "INSERT INTO cue (text, source_id, start_s, end_s) VALUES (?, ?, ?, ?)",
        [(cue.text, source_id, str(cue.start_s), str(cue.end_s)) for cue in cues],
    )
