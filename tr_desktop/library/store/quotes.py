"""Text in footage: subtitle files beside it, subtitle tracks inside it, text in its pictures."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

from tr_desktop.footage.captions import Cue
from tr_desktop.library.store.database import Database
from tr_desktop.library.store.records import SidecarRecord, TextMatch
from tr_desktop.library.store.words import match_expression, search_words
from tr_desktop.moments import TextKind

_MAX_MATCHES = 10_000  # more than a search could use
_BITS = 20  # of a cue's row number, below those of its source: a million cues, more than a subtitle file can have


class Quotes:
    """The reading side of the texts in a library."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def matches(
        self,
        *wanted: str,
        unwanted: Sequence[str] = (),
        paths: Collection[Path] | None = None,
        media_ids: Collection[int] | None = None,
    ) -> list[TextMatch]:
        """The texts that contain each of `wanted` as words in a row and none of `unwanted`, whatever their case and
        accents; shortest first. paths: of subtitle files, media_ids: of footage; None searches all of them.
        """
        expression = match_expression(wanted, unwanted)
        if not expression:
            return []
        sources = {
            source_id: (TextKind(kind), None if path is None else Path(os.fsdecode(path)), media_id)
            for source_id, kind, path, media_id in self._database.rows(
                "SELECT id, kind, path, media_id FROM text_source"
            )
        }
        searched = [
            source_id
            for source_id, (_, path, media_id) in sources.items()
            if (paths is None or path in paths if path is not None else media_ids is None or media_id in media_ids)
        ]
        rows = self._database.rows(
            f"SELECT rowid >> {_BITS}, start_s, end_s, text FROM cue WHERE cue MATCH ?"
            f" AND rowid >> {_BITS} IN (SELECT value FROM json_each(?)) ORDER BY rank, rowid LIMIT ?",
            *(expression, json.dumps(searched), _MAX_MATCHES),
        )
        return [
            TextMatch(Cue(Fraction(start_s), Fraction(end_s), text), *sources[source_id])
            for source_id, start_s, end_s, text in rows
        ]

    def sidecars(self) -> dict[Path, SidecarRecord]:
        """The known subtitle files."""
        rows = self._database.rows(
            "SELECT path, size_bytes, mtime_ns, problem FROM text_source WHERE path NOTNULL ORDER BY path"
        )
        return {Path(os.fsdecode(path)): SidecarRecord(*values) for path, *values in rows}

    def texts(self, kind: TextKind, media_ids: Collection[int]) -> list[TextMatch]:
        """All texts of this kind in `media_ids`, file by file in the order of time."""
        rows = self._database.rows(
            "SELECT media_id, start_s, end_s, text FROM text_source JOIN cue"
            f" ON cue.rowid BETWEEN id << {_BITS} AND (id << {_BITS}) + {(1 << _BITS) - 1}"
            " WHERE kind = ? AND media_id IN (SELECT value FROM json_each(?)) ORDER BY cue.rowid",
            *(kind.value, json.dumps(list(media_ids))),
        )
        return [
            TextMatch(Cue(Fraction(start_s), Fraction(end_s), text), kind, None, media_id)
            for media_id, start_s, end_s, text in rows
        ]

    def not_looked_for_in(
        self, media_ids: Iterable[int], kind: TextKind, *, again_if_partly: bool = False
    ) -> list[int]:
        """Those of `media_ids` in which this kind of text wasn't looked for. again_if_partly: or not everywhere."""
        known = {
            media_id
            for media_id, problem in self._database.rows(
                "SELECT media_id, problem FROM text_source WHERE kind = ?", kind.value
            )
            if problem is None or not again_if_partly
        }
        return [media_id for media_id in media_ids if media_id not in known]


def store_sidecar(
    database: Database, path: Path, stat: os.stat_result, cues: Sequence[Cue], problem: str | None
) -> None:
    """Replace the text of a subtitle file; inside a transaction. problem: why it has no text that can be searched."""
    key = os.fsencode(path)
    database.execute("DELETE FROM text_source WHERE path = ?", key)
    source = database.execute(
        "INSERT INTO text_source (kind, path, size_bytes, mtime_ns, problem) VALUES (?, ?, ?, ?, ?)",
        TextKind.FILE.value,
        key,
        stat.st_size,
        stat.st_mtime_ns,
        problem,
    )
    _store_cues(database, source.lastrowid, cues)


def store_text(
    database: Database, media_id: int, kind: TextKind, cues: Sequence[Cue], problem: str | None = None
) -> None:
    """Replace one kind of text of footage; inside a transaction. problem: why it may not be all of it."""
    database.execute("DELETE FROM text_source WHERE media_id = ? AND kind = ?", media_id, kind.value)
    source = database.execute(
        "INSERT INTO text_source (media_id, kind, problem) VALUES (?, ?, ?)", media_id, kind.value, problem
    )
    _store_cues(database, source.lastrowid, cues)


def _store_cues(database: Database, source_id: int | None, cues: Sequence[Cue]) -> None:
    assert source_id is not None
    rows = zip(range(source_id << _BITS, (source_id + 1) << _BITS), cues, strict=False)
    database.execute_many(
        "INSERT INTO cue (rowid, words, text, start_s, end_s) VALUES (?, ?, ?, ?, ?)",
        [(row, search_words(cue.text), cue.text, str(cue.start_s), str(cue.end_s)) for row, cue in rows],
    )
