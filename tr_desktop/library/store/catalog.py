"""The catalogue: one SQLite file that knows every file, what it holds, its frames' times and where its vectors are.

Notable choices: footage is known by its content, so a file that was moved, renamed or copied is never decoded again; a
batch of vectors is on the disk before the transaction that says so commits, so a kill costs a batch at most; nothing is
forgotten because its drive is missing; paths are stored as bytes, since a file name need not be text. A newer database
is refused; one that can't be written is opened to be searched.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import LibraryError
from tr_desktop.files import LOCK_NAME
from tr_desktop.footage.captions import Cue
from tr_desktop.library.store import schema
from tr_desktop.library.store.lock import NotWritableError, sole_writer
from tr_desktop.library.store.vectors import VectorFile
from tr_desktop.moments import AudioTrack, Footage, FrameTimes, Indexed, Media
from tr_desktop.timecode import Timecode

FILE_NAME = "library.sqlite3"
_STORED = np.dtype("<f2")  # of close-ups
MAX_CLOSE_UPS = 50_000  # 38 MB at 384 numbers each
_MAX_CUES = 10_000


@dataclass(frozen=True)
class Source:
    """A file as it was found, and the digest of its content (`identity.py`)."""

    path: Path
    size_bytes: int
    mtime_ns: int
    digest: bytes


class FileRecord(NamedTuple):
    """What the library knows of one path.

    reason: why it can't be searched, or None. media_id: the same for all copies. rows: vectors of the pack asked for;
    is_whole: whether these are all. end_tick, tick_s: of the footage read so far. height: pixels as shown.
    """

    size_bytes: int
    mtime_ns: int
    reason: str | None
    media_id: int | None
    rows: int
    is_whole: bool
    end_tick: int
    tick_s: str
    height: int

    @property
    def duration_s(self) -> Fraction:
        return self.end_tick * Fraction(self.tick_s)


class TextMatch(NamedTuple):
    """A text that was found. kind: 'file' of `path`, beside footage, or inside `media_id`: 'track', or 'screen'."""

    cue: Cue
    kind: str
    path: Path | None
    media_id: int | None


class ReadProgress(NamedTuple):
    """How far footage was read for a pack: the next row, how to read on, whether it is done."""

    rows: int
    decode_all: bool
    is_whole: bool


class Catalog:
    """The library's database in `folder`, created when it isn't there. Its methods may be called from any thread.

    is_read_only: whether the folder can't be written; such a library can still be searched.
    Raises LibraryError when the folder can't be made or read, the file is no database, or a newer version wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.path = self.folder / FILE_NAME
        self.is_read_only = False
        self._lock = threading.RLock()
        self._free: dict[str, _Free] = {}
        self._vector_files: dict[str, VectorFile] = {}
        try:
            self._db = self._open()
        except (OSError, sqlite3.Error) as error:
            raise LibraryError(
                f"The library can't be opened: {error}",
                path=self.path,
                remedy="Choose another folder with --library, or make this one writable",
            ) from error

    def _open(self) -> sqlite3.Connection:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            db = self._connect("")
            schema.check_not_newer(db, self.path)
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
        except (OSError, sqlite3.OperationalError):
            if not self.path.exists():
                raise
            self.is_read_only = True
            db = self._open_to_read()
        schema.migrate(db)
        return db

    def _open_to_read(self) -> sqlite3.Connection:
        try:
            db = self._connect("?mode=ro")
            schema.check_not_newer(db, self.path)
        except sqlite3.OperationalError:
            # Nobody can even make SQLite's files of who is reading: then nobody writes, and none are needed.
            db = self._connect("?mode=ro&immutable=1")
            schema.check_not_newer(db, self.path)
        return db

    def _connect(self, options: str) -> sqlite3.Connection:
        uri = self.path.absolute().as_uri() + options
        return sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None, check_same_thread=False)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def owns(self, path: Path) -> bool:
        """Whether `path` is one of the library's own files."""
        own = ("vectors-", "library.sqlite3", LOCK_NAME)
        return path.parent == self.folder and path.name.startswith(own)

    # Reading

    def known(self, pack: str) -> dict[bytes, FileRecord]:
        """Everything that the library knows of files, by path as bytes."""
        rows = self._rows(
            "SELECT path, file.size_bytes, mtime_ns, reason, file.media_id, ifnull(vectors.rows, 0),"
            " ifnull(vectors.is_whole, 0), ifnull(end_tick, 0), ifnull(tick_s, '1'),"
            " ifnull(json_extract(facts, '$.height'), 0)"
            " FROM file LEFT JOIN media ON media.id = file.media_id"
            " LEFT JOIN vectors ON vectors.media_id = file.media_id AND pack = ?",
            pack,
        )
        return {row[0]: FileRecord(*row[1:]) for row in rows}

    def footage(self, path: Path) -> Footage:
        """What is known of a file but its vectors. Raises KeyError when it isn't in the library."""
        rows = self._rows(
            "SELECT file.size_bytes, mtime_ns, facts, ticks, end_tick, tick_s, start_pts"
            " FROM file JOIN media ON media.id = media_id WHERE path = ?",
            os.fsencode(path),
        )
        if not rows:
            raise KeyError(path)
        size_bytes, mtime_ns, facts, ticks, end_tick, tick_s, start_pts = rows[0]
        return Footage(
            _media(path, size_bytes, mtime_ns, json.loads(facts)),
            FrameTimes(_unpack_ticks(ticks), end_tick, Fraction(tick_s), start_pts),
        )

    def load(self, path: Path, pack: str) -> Indexed:
        """Everything known of an indexed file. Raises KeyError when it isn't in the library."""
        rows = self._rows(
            "SELECT vectors.id, problems, every_s, width FROM file JOIN media ON media.id = file.media_id"
            " JOIN vectors ON vectors.media_id = media.id WHERE path = ? AND pack = ?",
            os.fsencode(path),
            pack,
        )
        if not rows:
            raise KeyError(path)
        vectors_id, problems, every_s, width = rows[0]
        spans = self._rows("SELECT at, rows FROM span WHERE vectors_id = ? ORDER BY first_row", vectors_id)
        at = np.concatenate([np.arange(start, start + count) for start, count in spans])
        return Indexed(
            footage=self.footage(path),
            every_s=Fraction(every_s),
            vectors=self.vector_file(pack, width).read(at),
            problems=tuple(json.loads(problems)),
        )

    def close_up(self, path: Path, pack: str) -> dict[int, npt.NDArray[np.float32]]:
        """Vectors of frames that earlier searches looked at beyond the index, by frame number."""
        rows = self._rows(
            "SELECT frame, vector FROM close_up JOIN file USING (media_id) WHERE path = ? AND pack = ?",
            os.fsencode(path),
            pack,
        )
        return {frame: np.frombuffer(vector, _STORED).astype(np.float32) for frame, vector in rows}

    def spans(self, pack: str) -> npt.NDArray[np.int64]:
        """Where the vectors of `pack` are: [S, 3] of media id, row number in the vector file, count; in file order."""
        rows = self._rows(
            "SELECT media_id, at, span.rows FROM span JOIN vectors ON vectors.id = vectors_id"
            " WHERE pack = ? ORDER BY at",
            pack,
        )
        return np.array(rows, np.int64).reshape(-1, 3)

    def vector_file(self, pack: str, width: int) -> VectorFile:
        with self._lock:
            return self._vector_files.setdefault(pack, VectorFile(self.folder, pack, width))

    def read_progress(self, source: Source, pack: str) -> ReadProgress:
        """How far the footage of `source`, whatever it was called then, has been read for `pack`."""
        rows = self._rows(
            "SELECT rows, decode_all, vectors.is_whole FROM media JOIN vectors ON media_id = media.id"
            " WHERE digest = ? AND size_bytes = ? AND pack = ?",
            source.digest,
            source.size_bytes,
            pack,
        )
        return ReadProgress(rows[0][0], bool(rows[0][1]), bool(rows[0][2])) if rows else ReadProgress(0, False, False)

    def sidecars(self) -> dict[bytes, tuple[int, int]]:
        """Size and modification time of the subtitle files that are known, by path as bytes."""
        rows = self._rows("SELECT path, size_bytes, mtime_ns FROM text_source WHERE path NOTNULL")
        return {row[0]: (row[1], row[2]) for row in rows}

    def without_text(self, media_ids: Iterable[int], kind: str) -> list[int]:
        """Those of `media_ids` in which this kind of text hasn't been looked for."""
        known = {row[0] for row in self._rows("SELECT media_id FROM text_source WHERE kind = ?", kind)}
        return [media_id for media_id in media_ids if media_id not in known]

    def text_matches(self, sentence: str) -> list[TextMatch]:
        """Where these words stand one after the other, whatever their case and accents.

        The shortest subtitles first, and not more than a search could use.
        """
        phrase = sentence.replace('"', " ")
        if not any(character.isalnum() for character in phrase):
            return []
        rows = self._rows(
            "SELECT kind, path, media_id, start_s, end_s, text FROM cue JOIN text_source ON text_source.id = source_id"
            " WHERE cue MATCH ? ORDER BY rank, path, cue.rowid LIMIT ?",
            f'"{phrase}"',
            _MAX_CUES,
        )
        return [
            TextMatch(
                Cue(Fraction(start_s), Fraction(end_s), text),
                kind,
                None if path is None else Path(os.fsdecode(path)),
                media_id,
            )
            for kind, path, media_id, start_s, end_s, text in rows
        ]

    # Writing

    def add_sidecar(self, path: Path, stat: os.stat_result, cues: Sequence[Cue]) -> None:
        """Store the subtitles of a file in the place of what was known of it."""
        key = os.fsencode(path)
        with self._transaction():
            self._db.execute("DELETE FROM text_source WHERE path = ?", (key,))
            self._store_cues(
                cues,
                "INSERT INTO text_source (kind, path, size_bytes, mtime_ns) VALUES ('file', ?, ?, ?)",
                key,
                stat.st_size,
                stat.st_mtime_ns,
            )

    def add_text(self, media_id: int, kind: str, cues: Sequence[Cue]) -> None:
        """Store the texts of one kind inside footage in the place of what was known of it."""
        with self._transaction():
            self._store_text(media_id, kind, cues)

    def _store_text(self, media_id: int, kind: str, cues: Sequence[Cue]) -> None:
        self._db.execute("DELETE FROM text_source WHERE media_id = ? AND kind = ?", (media_id, kind))
        self._store_cues(cues, "INSERT INTO text_source (media_id, kind) VALUES (?, ?)", media_id, kind)

    def _store_cues(self, cues: Sequence[Cue], sql: str, *values: object) -> None:
        """Store `cues` under the source that `sql` inserts."""
        source_id = self._db.execute(sql, values).lastrowid
        rows = [(cue.text, source_id, str(cue.start_s), str(cue.end_s)) for cue in cues]
        self._db.executemany("INSERT INTO cue (text, source_id, start_s, end_s) VALUES (?, ?, ?, ?)", rows)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the library's one writer while the block runs. Raises NotWritableError."""
        if self.is_read_only:
            raise NotWritableError(
                "not indexed: the library can't be written",
                path=self.folder,
                remedy="Choose another folder with --library, or make this one writable",
            )
        with sole_writer(self.folder):
            self._free.clear()
            with self._transaction():
                self._db.execute("DELETE FROM media WHERE id NOT IN (SELECT media_id FROM file WHERE media_id NOTNULL)")
            yield

    def append(
        self,
        source: Source,
        media: Media,
        times: FrameTimes,
        pack: str,
        every_s: Fraction,
        first_row: int,
        rows: npt.NDArray[np.float32],
        *,
        decode_all: bool,
    ) -> None:
        """Store one batch of vectors [n, width], from row `first_row` of its file on, and what else is known by now."""
        width = rows.shape[1]
        with self._transaction():
            media_id = self._store_media(source, media, times, (), is_whole=False)
            self._store_file(source, media_id)
            self._db.execute(
                "INSERT INTO vectors (media_id, pack, width, every_s, rows, decode_all, is_whole)"
                " VALUES (?, ?, ?, ?, 0, 0, 0) ON CONFLICT DO NOTHING",
                (media_id, pack, width, str(every_s)),
            )
            vectors_id = self._rows("SELECT id FROM vectors WHERE media_id = ? AND pack = ?", media_id, pack)[0][0]
            at = self._free_rows(pack).take(len(rows))
            self.vector_file(pack, width).write(at, rows)
            grown = self._db.execute(
                "UPDATE span SET rows = rows + ? WHERE vectors_id = ? AND at + rows = ? AND first_row + rows = ?",
                (len(rows), vectors_id, at, first_row),
            )
            if not grown.rowcount:
                self._db.execute("INSERT INTO span VALUES (?, ?, ?, ?)", (vectors_id, first_row, at, len(rows)))
            self._db.execute(
                "UPDATE vectors SET rows = ?, decode_all = ? WHERE id = ?",
                (first_row + len(rows), decode_all, vectors_id),
            )

    def finish(
        self,
        source: Source,
        media: Media,
        times: FrameTimes,
        problems: Sequence[str],
        pack: str,
        cues: Sequence[Cue] = (),
    ) -> None:
        """The footage of `source` was read to its end; its vectors are all stored. cues: of its subtitle tracks."""
        with self._transaction():
            media_id = self._store_media(source, media, times, problems, is_whole=True)
            self._store_file(source, media_id)
            self._db.execute("UPDATE vectors SET is_whole = 1 WHERE media_id = ? AND pack = ?", (media_id, pack))
            self._store_text(media_id, "track", cues)

    def keep_close_up(self, path: Path, pack: str, vectors: Mapping[int, npt.NDArray[np.float32]]) -> None:
        """Keep vectors for `close_up`: the latest MAX_CLOSE_UPS of them, since every search brings some.

        What can't be kept is looked at again: a library that can't be written, or a file that has left it, is no error.
        """
        if self.is_read_only:
            return
        with suppress(LibraryError), self._transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO close_up (media_id, pack, frame, vector)"
                " SELECT media_id, ?, ?, ? FROM file WHERE path = ? AND media_id NOTNULL",
                [(pack, frame, row.astype(_STORED).tobytes(), os.fsencode(path)) for frame, row in vectors.items()],
            )
            self._db.execute("DELETE FROM close_up WHERE id <= (SELECT max(id) FROM close_up) - ?", (MAX_CLOSE_UPS,))

    def link(self, source: Source) -> list[Path]:
        """`source` holds footage that is known already. The other paths that it was seen at."""
        with self._transaction():
            media_id = self._rows(
                "SELECT id FROM media WHERE digest = ? AND size_bytes = ?", source.digest, source.size_bytes
            )[0][0]
            self._store_file(source, media_id)
        rows = self._rows("SELECT path FROM file WHERE media_id = ? AND path <> ?", media_id, os.fsencode(source.path))
        return [Path(os.fsdecode(row[0])) for row in rows]

    def add_skipped(self, path: Path, stat: os.stat_result, reason: str) -> None:
        """Remember why `path` can't be searched, so that it isn't opened again while it stays the same."""
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO file (path, size_bytes, mtime_ns, reason) VALUES (?, ?, ?, ?)",
                (os.fsencode(path), stat.st_size, stat.st_mtime_ns, reason),
            )

    def forget(self, path: Path) -> None:
        """Drop a path that was moved away from. What it held stays as long as it is known by another path."""
        with self._transaction():
            self._db.execute("DELETE FROM file WHERE path = ?", (os.fsencode(path),))

    def discard(self, source: Source, pack: str) -> None:
        """Drop what was read of a file that changed meanwhile."""
        with self._transaction():
            self._db.execute(
                "DELETE FROM vectors WHERE NOT is_whole AND pack = ? AND media_id IN"
                " (SELECT id FROM media WHERE digest = ? AND size_bytes = ?)",
                (pack, source.digest, source.size_bytes),
            )
            self._db.execute("DELETE FROM file WHERE path = ?", (os.fsencode(source.path),))

    def _store_media(
        self, source: Source, media: Media, times: FrameTimes, problems: Sequence[str], *, is_whole: bool
    ) -> int:
        # What is whole stays as it is: another pack's vectors refer to it.
        self._db.execute(
            "INSERT INTO media (digest, size_bytes, facts, ticks, end_tick, tick_s, start_pts, problems, is_whole)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET facts = excluded.facts,"
            " ticks = excluded.ticks, end_tick = excluded.end_tick, tick_s = excluded.tick_s,"
            " start_pts = excluded.start_pts, problems = excluded.problems, is_whole = excluded.is_whole"
            " WHERE NOT media.is_whole",
            (
                source.digest,
                source.size_bytes,
                json.dumps(_facts(media)),
                _pack_ticks(times),
                times.end_tick,
                str(times.tick_s),
                times.start_pts,
                json.dumps(list(problems)),
                is_whole,
            ),
        )
        rows = self._rows("SELECT id FROM media WHERE digest = ? AND size_bytes = ?", source.digest, source.size_bytes)
        return int(rows[0][0])

    def _store_file(self, source: Source, media_id: int) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO file (path, size_bytes, mtime_ns, media_id) VALUES (?, ?, ?, ?)",
            (os.fsencode(source.path), source.size_bytes, source.mtime_ns, media_id),
        )

    def _free_rows(self, pack: str) -> _Free:
        if pack not in self._free:
            self._free[pack] = _Free(self.spans(pack)[:, 1:])
        return self._free[pack]

    def _rows(self, sql: str, *values: object) -> list[Any]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing. Raises LibraryError where the disk is full, was pulled out or can't be written."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except (OSError, sqlite3.OperationalError) as error:
                raise LibraryError(
                    f"The library can't be written: {getattr(error, 'strerror', None) or error}",
                    path=self.folder,
                    remedy="Make room on its disk, or choose another folder with --library; what is indexed is kept",
                ) from error
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")


def as_stored(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Close-ups [n, width] as `Catalog.close_up` will give them back: an answer is the same before and after."""
    return rows.astype(_STORED).astype(np.float32)


class _Free:
    """Which rows of a vector file are nobody's: the gaps that changed files left, and everything after the last row.

    Only gaps from before this writer began are used again: whoever searches meanwhile may still read the others.
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
        """The first of `count` rows in a line that are free until now."""
        for gap in self._gaps:
            if gap[1] - gap[0] >= count:
                gap[0] += count
                return gap[0] - count
        self._end += count
        return self._end - count


def _pack_ticks(times: FrameTimes) -> bytes:
    return zlib.compress(np.diff(np.asarray(times.ticks, "<i8"), prepend=np.int64(0)).tobytes(), level=1)


def _unpack_ticks(blob: bytes) -> array[int]:
    return array("q", np.cumsum(np.frombuffer(zlib.decompress(blob), "<i8")).tobytes())


def _facts(media: Media) -> dict[str, Any]:
    return {
        "width": media.width,
        "height": media.height,
        "rate": str(media.rate),
        "start_tc": {"frame": media.start_tc.frame, "rate": str(media.start_tc.rate), "drop": media.start_tc.drop},
        "has_timecode": media.has_timecode,
        "rotation": media.rotation,
        "mirrored": media.mirrored,
        "is_vfr": media.is_vfr,
        "codec": media.codec,
        "reel": media.reel,
        "audio": [[a.codec, a.channels, a.rate_hz] for a in media.audio],
    }


def _media(path: Path, size_bytes: int, mtime_ns: int, facts: dict[str, Any]) -> Media:
    start = facts.pop("start_tc")
    return Media(
        path=path,
        size_bytes=size_bytes,
        mtime_ns=mtime_ns,
        rate=Fraction(facts.pop("rate")),
        start_tc=Timecode(start["frame"], Fraction(start["rate"]), start["drop"]),
        audio=tuple(AudioTrack(*a) for a in facts.pop("audio")),
        **facts,
    )
