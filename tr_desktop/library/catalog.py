"""The catalogue: one SQLite file that knows every media file, its frames' times, its vectors, or why it was skipped.

Notable choices: a file is written in one transaction, so an interrupted index leaves whole files or nothing of them; a
file counts as unchanged while its size and modification time stay; vectors are little-endian fp16, frame times are
zlib-packed differences; paths are stored as bytes, since a file name need not be text. A newer database is refused.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import LibraryError
from tr_desktop.moments import AudioTrack, FrameTimes, Media
from tr_desktop.timecode import Timecode

SCHEMA = 1
FILE_NAME = "library.sqlite3"

_CREATE = """
CREATE TABLE media (
  id INTEGER PRIMARY KEY,
  path BLOB NOT NULL UNIQUE,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  facts TEXT NOT NULL,          -- what the probe read, JSON
  ticks BLOB NOT NULL,          -- presentation times of all frames
  end_tick INTEGER NOT NULL,
  tick_s TEXT NOT NULL,         -- seconds in a tick, 'n/d'
  start_pts INTEGER,            -- the first frame's time stamp, null where the file's stamps can't be trusted
  problems TEXT NOT NULL        -- what was damaged but survived, JSON list
);
CREATE TABLE vectors (
  media_id INTEGER NOT NULL REFERENCES media(id) ON DELETE CASCADE,
  pack TEXT NOT NULL,           -- sha256 of the model pack
  every_s TEXT NOT NULL,        -- row k stands for the frame on screen at k * every_s, 'n/d'
  rows BLOB NOT NULL,           -- fp16 [T, width]
  width INTEGER NOT NULL,
  PRIMARY KEY (media_id, pack)
);
CREATE TABLE skipped (
  path BLOB PRIMARY KEY,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  reason TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class Indexed:
    """One searchable file.

    vectors: fp16 [T, width], L2-normalised; row k stands for the frame on screen at k * `every_s` seconds.
    problems: damage that was passed over, as sentences.
    """

    media: Media
    times: FrameTimes
    every_s: Fraction
    vectors: npt.NDArray[np.float16]
    problems: tuple[str, ...] = ()

    def boundary_frame(self, row: int) -> int:
        """The frame boundary where row number `row` takes over from the one before.

        The change lies somewhere between the two sampled frames: half-way is the best guess. Rows 0 and T are the
        file's ends.
        """
        if row == 0:
            return 0
        return (
            len(self.times)
            if row == len(self.vectors)
            else self.times.boundary_at((row - Fraction(1, 2)) * self.every_s)
        )


class Catalog:
    """The library's database in `folder`, created when it isn't there.

    Raises LibraryError when the folder can't be written, the file is no database, or a newer version wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            with self._transaction():
                self._create_or_check()
        except (OSError, sqlite3.Error) as error:
            raise LibraryError(
                f"The library can't be opened: {error}",
                path=self.path,
                remedy="Choose another folder with --library, or make this one writable",
            ) from error

    def _create_or_check(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA:
            raise LibraryError(
                f"The library was written by a newer version (format {version}, this one knows {SCHEMA})",
                path=self.path,
                remedy="Update TimeRefine Desktop, or choose another folder with --library",
            )
        if version == 0:
            for statement in _CREATE.split(";\n"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {SCHEMA}")

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def is_indexed(self, path: Path, stat: os.stat_result, pack: str) -> bool:
        """Whether `path`, as it is now, has its vectors of `pack`."""
        row = self._db.execute(
            "SELECT 1 FROM media JOIN vectors ON media_id = id"
            " WHERE path = ? AND size_bytes = ? AND mtime_ns = ? AND pack = ?",
            (os.fsencode(path), stat.st_size, stat.st_mtime_ns, pack),
        ).fetchone()
        return row is not None

    def skip_reason(self, path: Path, stat: os.stat_result) -> str | None:
        """Why `path`, as it is now, was skipped before; None when it was not."""
        row = self._db.execute(
            "SELECT reason FROM skipped WHERE path = ? AND size_bytes = ? AND mtime_ns = ?",
            (os.fsencode(path), stat.st_size, stat.st_mtime_ns),
        ).fetchone()
        return None if row is None else str(row[0])

    def add(self, item: Indexed, pack: str) -> None:
        """Store one file whole; what was known of its path before is replaced."""
        media, key = item.media, os.fsencode(item.media.path)
        known = (media.size_bytes, media.mtime_ns)
        with self._transaction():
            self._db.execute("DELETE FROM skipped WHERE path = ?", (key,))
            # Vectors of other packs stay as long as the file itself is the same.
            self._db.execute("DELETE FROM media WHERE path = ? AND (size_bytes, mtime_ns) <> (?, ?)", (key, *known))
            self._db.execute(
                "INSERT OR IGNORE INTO media (path, size_bytes, mtime_ns, facts, ticks, end_tick, tick_s, start_pts,"
                " problems) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key,
                    *known,
                    json.dumps(_facts(media)),
                    _pack_ticks(item.times),
                    item.times.end_tick,
                    str(item.times.tick_s),
                    item.times.start_pts,
                    json.dumps(item.problems),
                ),
            )
            media_id = self._db.execute("SELECT id FROM media WHERE path = ?", (key,)).fetchone()[0]
            self._db.execute(
                "INSERT OR REPLACE INTO vectors (media_id, pack, every_s, rows, width) VALUES (?, ?, ?, ?, ?)",
                (
                    media_id,
                    pack,
                    str(item.every_s),
                    item.vectors.astype("<f2").tobytes(),
                    item.vectors.shape[1],
                ),
            )

    def add_skipped(self, path: Path, stat: os.stat_result, reason: str) -> None:
        """Remember why `path` can't be searched, so that it isn't opened again while it stays the same."""
        key = os.fsencode(path)
        with self._transaction():
            self._db.execute("DELETE FROM media WHERE path = ?", (key,))
            self._db.execute(
                "INSERT OR REPLACE INTO skipped (path, size_bytes, mtime_ns, reason) VALUES (?, ?, ?, ?)",
                (key, stat.st_size, stat.st_mtime_ns, reason),
            )

    def media(self, path: Path) -> tuple[Media, FrameTimes]:
        """What is known of a file but its vectors. Raises KeyError when it isn't in the library."""
        row = self._db.execute(
            "SELECT size_bytes, mtime_ns, facts, ticks, end_tick, tick_s, start_pts FROM media WHERE path = ?",
            (os.fsencode(path),),
        ).fetchone()
        if row is None:
            raise KeyError(path)
        size_bytes, mtime_ns, facts, ticks, end_tick, tick_s, start_pts = row
        return (
            _media(path, size_bytes, mtime_ns, json.loads(facts)),
            FrameTimes(_unpack_ticks(ticks), end_tick, Fraction(tick_s), start_pts),
        )

    def load(self, path: Path, pack: str) -> Indexed:
        """Everything known of an indexed file. Raises KeyError when it isn't in the library."""
        row = self._db.execute(
            "SELECT problems, every_s, rows, width FROM media JOIN vectors ON media_id = id"
            " WHERE path = ? AND pack = ?",
            (os.fsencode(path), pack),
        ).fetchone()
        if row is None:
            raise KeyError(path)
        problems, every_s, rows, width = row
        media, times = self.media(path)
        return Indexed(
            media=media,
            times=times,
            every_s=Fraction(every_s),
            vectors=np.frombuffer(rows, "<f2").reshape(-1, width),
            problems=tuple(json.loads(problems)),
        )


def _pack_ticks(times: FrameTimes) -> bytes:
    return zlib.compress(np.diff(np.asarray(times.ticks, "<i8"), prepend=np.int64(0)).tobytes())


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
