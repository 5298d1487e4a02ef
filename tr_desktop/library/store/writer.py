"""The library's one writer: the only object that can change the records of footage.

`Catalog.writing` hands it out, under a lock that all processes respect. Every method is one transaction.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tr_desktop.footage.captions import Cue
from tr_desktop.library.store import files, grown, nearest, quotes
from tr_desktop.library.store.answered import Answered
from tr_desktop.library.store.coarse import coarse_of
from tr_desktop.library.store.database import Database
from tr_desktop.library.store.media_row import facts_of, pack_ticks, renewed
from tr_desktop.library.store.new_ticks import TicksWriter
from tr_desktop.library.store.records import FileRecord, KnownContent, ReadProgress, Source
from tr_desktop.library.store.vectors import VectorFiles
from tr_desktop.moments import Footage, Media, TextKind

Vectors = npt.NDArray[np.float32]


class Writer:
    """Methods raise LibraryError if the disk is full, was removed or can't be written; nothing is half-written."""

    def __init__(self, database: Database, vectors: VectorFiles) -> None:
        self._database, self._vectors = database, vectors
        self._free: dict[str, _FreeRows] = {}
        self._ticks = TicksWriter(database)
        self.answered = Answered(database)
        with database.transaction():
            database.execute("DELETE FROM media WHERE id NOT IN (SELECT media_id FROM file WHERE media_id NOTNULL)")

    # Records so far

    def known(self, pack: str) -> dict[bytes, FileRecord]:
        """As `Catalog.known`, with all that was written so far."""
        return files.known(self._database, pack)

    def read_progress(self, source: Source, pack: str) -> ReadProgress:
        """How far the footage of `source`, under any name, has been read for `pack`."""
        return files.read_progress(self._database, source, pack)

    def contents(self, size_bytes: int, sampled: bytes) -> list[KnownContent]:
        """All content of one size whose digest begins with `sampled`."""
        return files.contents(self._database, size_bytes, sampled)

    # Footage

    def append(
        self,
        source: Source,
        footage: Footage,
        pack: str,
        every_s: Fraction,
        first_row: int,
        rows: Vectors,
        *,
        decode_all: bool,
    ) -> None:
        """Store a batch of vectors [n, width], from row `first_row` of its file on, and the footage as read so far."""
        db, width = self._database, rows.shape[1]
        with db.transaction():
            media_id = self._media_id(source)
            if media_id is None or not self._ticks.follow(media_id, footage.times):
                media_id = self._store_media(source, footage, (), is_whole=False)
                self._ticks.begin(media_id, footage.times)
                self._store_file(source, media_id)
            db.execute(
                "INSERT INTO vectors (media_id, pack, width, every_s, rows, decode_all, is_whole)"
                " VALUES (?, ?, ?, ?, 0, 0, 0) ON CONFLICT DO NOTHING",
                *(media_id, pack, width, str(every_s)),
            )
            vectors_id = self._vectors_id(media_id, pack)
            at = self._free_rows(pack).take(len(rows))
            self._vectors.of(pack, width).write(at, rows)
            grown = db.execute(
                "UPDATE span SET rows = rows + ? WHERE vectors_id = ? AND at + rows = ? AND first_row + rows = ?",
                *(len(rows), vectors_id, at, first_row),
            )
            if not grown.rowcount:
                db.execute("INSERT INTO span VALUES (?, ?, ?, ?)", vectors_id, first_row, at, len(rows))
            db.execute(
                "UPDATE vectors SET rows = ?, decode_all = ? WHERE id = ?",
                *(first_row + len(rows), decode_all, vectors_id),
            )

    def has_coarse_index(self, source: Source, pack: str) -> bool:
        """Whether the content of `source`, under any name, has a coarse index."""
        media_id = self._media_id(source)
        return media_id is not None and self._vectors_id(media_id, coarse_of(pack)) is not None

    def add_coarse_index(
        self, source: Source, footage: Footage, pack: str, every_s: Fraction, ticks: Sequence[int], rows: Vectors
    ) -> None:
        """Store the vectors [n, width] of some frames of a file. They are searched until `finish`, beside those of
        `append`. ticks: when each frame is shown. every_s: of the index to come."""
        db, width, coarse = self._database, rows.shape[1], coarse_of(pack)
        with db.transaction():
            media_id = self._store_media(source, footage, (), is_whole=False)
            self._ticks.begin(media_id, footage.times)
            self._store_file(source, media_id)
            at = self._free_rows(coarse).take(len(rows))
            self._vectors.of(coarse, width).write(at, rows)
            db.execute("DELETE FROM vectors WHERE media_id = ? AND pack = ?", media_id, coarse)
            db.execute(
                "INSERT INTO vectors (media_id, pack, width, every_s, rows, decode_all, is_whole, ticks)"
                " VALUES (?, ?, ?, ?, ?, 0, 1, ?)",
                *(media_id, coarse, width, str(every_s), len(rows), pack_ticks(ticks)),
            )
            db.execute("INSERT INTO span VALUES (?, 0, ?, ?)", self._vectors_id(media_id, coarse), at, len(rows))

    def source_of(self, path: Path) -> Source | None:
        """As `Catalog.source_of`."""
        return files.source_of(self._database, path)

    def grow(self, before: Source, now: Source) -> None:
        """The file `before` only got longer: it is read on as `now`, its footage is in part and can be searched."""
        with self._database.transaction():
            grown.keep_beginning(self._database, before, now)
            self._store_file(now, self._stored_id(now))

    def finish(
        self,
        source: Source,
        footage: Footage,
        problems: Sequence[str],
        pack: str,
        cues: Sequence[Cue] = (),
        packets: bytes | None = None,
    ) -> None:
        """Mark the footage of `source` as whole; its vectors are all stored, and the coarse ones dropped. cues: of its
        subtitle tracks. packets: the digest of what was read (`Reading.packets`)."""
        with self._database.transaction():
            media_id = self._store_media(source, footage, problems, is_whole=True)
            self._ticks.end(media_id)
            self._store_file(source, media_id)
            self._database.execute("UPDATE media SET packets = ? WHERE id = ?", packets, media_id)
            self._database.execute("UPDATE vectors SET is_whole = 1 WHERE media_id = ? AND pack = ?", media_id, pack)
            self._drop_coarse_index(media_id, pack)
            self._database.execute("DELETE FROM answered WHERE media_id = ?", media_id)
            quotes.store_text(self._database, media_id, TextKind.TRACK, cues)

    def renew_facts(self, source: Source, media: Media) -> None:
        """Replace what an older version read of a file's header; `media` was probed now. All else stays."""
        with self._database.transaction():
            media_id = self._stored_id(source)
            ((before,),) = self._database.rows("SELECT facts FROM media WHERE id = ?", media_id)
            self._database.execute("UPDATE media SET facts = ? WHERE id = ?", renewed(before, media), media_id)

    def discard(self, source: Source, pack: str) -> None:
        """Drop the vectors of a file that changed meanwhile."""
        with self._database.transaction():
            self._database.execute(
                "DELETE FROM vectors WHERE NOT is_whole AND pack = ? AND media_id IN"
                " (SELECT id FROM media WHERE digest = ? AND size_bytes = ?)",
                *(pack, source.digest, source.size_bytes),
            )
            if (media_id := self._media_id(source)) is not None:
                self._drop_coarse_index(media_id, pack)
            self._database.execute("DELETE FROM file WHERE path = ?", os.fsencode(source.path))

    # Paths

    def link(self, source: Source) -> list[Path]:
        """Link `source` to footage that is known already. Returns the other paths of that footage."""
        with self._database.transaction():
            media_id = self._stored_id(source)
            self._store_file(source, media_id)
        rows = self._database.rows(
            "SELECT path FROM file WHERE media_id = ? AND path <> ?", media_id, os.fsencode(source.path)
        )
        return [Path(os.fsdecode(row[0])) for row in rows]

    def add_skipped(self, path: Path, stat: os.stat_result, reason: str, decoder: str) -> None:
        """Remember why `path` can't be searched; it isn't opened again until it or the decoder changes."""
        with self._database.transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO file (path, size_bytes, mtime_ns, reason, decoder) VALUES (?, ?, ?, ?, ?)",
                *(os.fsencode(path), stat.st_size, stat.st_mtime_ns, reason, decoder),
            )

    def add_problem(self, path: Path, problem: str) -> None:
        """Remember why the footage of `path` has been read only in part; it holds until it is read on."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE media SET problems = ? WHERE NOT is_whole AND id = (SELECT media_id FROM file WHERE path = ?)",
                *(json.dumps([problem]), os.fsencode(path)),
            )

    def forget(self, path: Path) -> None:
        """Drop the old path of a moved file. Its footage stays as long as it has another path."""
        with self._database.transaction():
            self._database.execute("DELETE FROM file WHERE path = ?", os.fsencode(path))

    # Text

    def add_sidecar(self, path: Path, stat: os.stat_result, cues: Sequence[Cue], problem: str | None = None) -> None:
        """Replace the stored subtitles of a file. problem: why it has none that can be searched."""
        with self._database.transaction():
            quotes.store_sidecar(self._database, path, stat, cues, problem)

    def add_text(self, media_id: int, kind: TextKind, cues: Sequence[Cue], problem: str | None = None) -> None:
        """Replace the stored texts of one kind inside footage. problem: why it may not be all of them."""
        with self._database.transaction():
            quotes.store_text(self._database, media_id, kind, cues, problem)

    def _store_media(self, source: Source, footage: Footage, problems: Sequence[str], *, is_whole: bool) -> int:
        times = footage.times
        # Another pack's vectors refer to the times: they never get shorter, and those of whole media stay as they are.
        self._database.execute(
            "INSERT INTO media (digest, size_bytes, facts, ticks, end_tick, tick_s, start_pts, problems, is_whole)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET facts = excluded.facts,"
            " ticks = excluded.ticks, end_tick = excluded.end_tick, tick_s = excluded.tick_s,"
            " start_pts = excluded.start_pts, problems = excluded.problems, is_whole = excluded.is_whole"
            " WHERE NOT media.is_whole AND"
            " (excluded.is_whole OR excluded.tick_s <> media.tick_s OR excluded.end_tick >= media.end_tick)",
            *(source.digest, source.size_bytes, facts_of(footage.media), pack_ticks(times.ticks)),
            *(times.end_tick, str(times.tick_s), times.start_pts, json.dumps(list(problems)), is_whole),
        )
        return self._stored_id(source)

    def _media_id(self, source: Source) -> int | None:
        sql = "SELECT id FROM media WHERE digest = ? AND size_bytes = ?"
        return next((int(row[0]) for row in self._database.rows(sql, source.digest, source.size_bytes)), None)

    def _vectors_id(self, media_id: int, pack: str) -> int | None:
        sql = "SELECT id FROM vectors WHERE media_id = ? AND pack = ?"
        return next((int(row[0]) for row in self._database.rows(sql, media_id, pack)), None)

    def _drop_coarse_index(self, media_id: int, pack: str) -> None:
        self._database.execute("DELETE FROM vectors WHERE media_id = ? AND pack = ?", media_id, coarse_of(pack))

    def _stored_id(self, source: Source) -> int:
        if (media_id := self._media_id(source)) is None:
            raise KeyError(source.path)
        return media_id

    def _store_file(self, source: Source, media_id: int) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO file (path, size_bytes, mtime_ns, media_id) VALUES (?, ?, ?, ?)",
            *(os.fsencode(source.path), source.size_bytes, source.mtime_ns, media_id),
        )

    def _free_rows(self, pack: str) -> _FreeRows:
        if pack not in self._free:
            self._free[pack] = _FreeRows(nearest.spans_of(self._database, pack)[:, 1:])
        return self._free[pack]


class _FreeRows:
    """The unused rows of a vector file: gaps that changed files left, and everything after the last row.

    Only gaps from before this writer began are reused: searches that run meanwhile may still read the others.
    """

    def __init__(self, used: npt.NDArray[np.int64]) -> None:
        """used: [S, 2] of row number and count, in order."""
        self._gaps: list[list[int]] = []
        self._end = 0
        for at, count in used.tolist():
            if at > self._end:
                self._gaps.append([self._end, at])
            self._end = at + count

    def take(self, count: int) -> int:
        """Take `count` free rows in a line; the first of them."""
        for gap in self._gaps:
            if gap[1] - gap[0] >= count:
                gap[0] += count
                return gap[0] - count
        self._end += count
        return self._end - count
