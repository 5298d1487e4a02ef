"""The catalogue: what the library knows of every file, its frames' times and where its vectors are.

Notable choices: footage is known by its content, so a file that was moved, renamed or copied is never decoded again; a
batch of vectors is on the disk before the transaction that says so commits, so a kill costs a batch at most; nothing is
forgotten because its drive is missing; paths are stored as bytes, since a file name need not be text. A newer database
is refused; one that can't be written is opened to be searched.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tr_desktop.library.store import close_ups, nearest, quotes
from tr_desktop.library.store.database import FILE_NAME, Database
from tr_desktop.library.store.lock import LOCK_NAME, NotWritableError, sole_writer
from tr_desktop.library.store.media_row import media_of, unpack_ticks
from tr_desktop.library.store.records import FileRecord, ReadProgress, Source, TextMatch
from tr_desktop.library.store.vectors import VectorFiles
from tr_desktop.library.store.writer import Writer
from tr_desktop.moments import Footage, FrameTimes, Indexed, TextKind


class Catalog:
    """The reading side of the library in `folder`, which is created if it isn't there; `writing` hands out the other.

    Its methods may be called from any thread. is_read_only: whether the folder can't be written; such a library can
    still be searched.
    Raises LibraryError if the folder can't be made or read, the file is no database, or a newer version wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self._database = Database(folder)
        self._vectors = VectorFiles(self._database.folder)

    @property
    def folder(self) -> Path:
        return self._database.folder

    @property
    def is_read_only(self) -> bool:
        return self._database.is_read_only

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def owns(self, path: Path) -> bool:
        """Whether `path` is one of the library's own files."""
        own = ("vectors-", FILE_NAME, LOCK_NAME)
        return path.parent == self.folder and path.name.startswith(own)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """The library's one writer, while the block runs. Raises NotWritableError."""
        if self.is_read_only:
            raise NotWritableError(
                "not indexed: the library can't be written",
                path=self.folder,
                remedy="Choose another folder with --library, or make this one writable",
            )
        with sole_writer(self.folder):
            yield Writer(self._database, self._vectors)

    # Files

    def known(self, pack: str) -> dict[bytes, FileRecord]:
        """Everything that the library knows of files, by path as bytes."""
        rows = self._database.rows(
            "SELECT path, file.size_bytes, mtime_ns, reason, file.media_id, ifnull(vectors.rows, 0),"
            " ifnull(vectors.is_whole, 0), ifnull(end_tick, 0), ifnull(tick_s, '1'),"
            " ifnull(json_extract(facts, '$.height'), 0), ifnull(problems, '[]')"
            " FROM file LEFT JOIN media ON media.id = file.media_id"
            " LEFT JOIN vectors ON vectors.media_id = file.media_id AND pack = ?",
            pack,
        )
        return {row[0]: FileRecord(*row[1:]) for row in rows}

    def footage(self, path: Path) -> Footage:
        """What is known of a file but its vectors. Raises KeyError if it isn't in the library."""
        rows = self._database.rows(
            "SELECT file.size_bytes, mtime_ns, facts, ticks, end_tick, tick_s, start_pts"
            " FROM file JOIN media ON media.id = media_id WHERE path = ?",
            os.fsencode(path),
        )
        if not rows:
            raise KeyError(path)
        size_bytes, mtime_ns, facts, ticks, end_tick, tick_s, start_pts = rows[0]
        return Footage(
            media_of(path, size_bytes, mtime_ns, facts),
            FrameTimes(unpack_ticks(ticks), end_tick, Fraction(tick_s), start_pts),
        )

    def load(self, path: Path, pack: str) -> Indexed:
        """Everything known of an indexed file. Raises KeyError if it isn't in the library."""
        rows = self._database.rows(
            "SELECT vectors.id, problems, every_s, width FROM file JOIN media ON media.id = file.media_id"
            " JOIN vectors ON vectors.media_id = media.id WHERE path = ? AND pack = ?",
            os.fsencode(path),
            pack,
        )
        if not rows:
            raise KeyError(path)
        vectors_id, problems, every_s, width = rows[0]
        spans = self._database.rows("SELECT at, rows FROM span WHERE vectors_id = ? ORDER BY first_row", vectors_id)
        at = np.concatenate([np.arange(start, start + count) for start, count in spans])
        return Indexed(
            footage=self.footage(path),
            every_s=Fraction(every_s),
            vectors=self._vectors.of(pack, width).read(at),
            problems=tuple(json.loads(problems)),
        )

    def read_progress(self, source: Source, pack: str) -> ReadProgress:
        """How far the footage of `source`, whatever it was called then, has been read for `pack`."""
        rows = self._database.rows(
            "SELECT rows, decode_all, vectors.is_whole FROM media JOIN vectors ON media_id = media.id"
            " WHERE digest = ? AND size_bytes = ? AND pack = ?",
            source.digest,
            source.size_bytes,
            pack,
        )
        if not rows:
            return ReadProgress(0, decode_all=False, is_whole=False)
        count, decode_all, is_whole = rows[0]
        return ReadProgress(count, bool(decode_all), bool(is_whole))

    # Vectors

    def nearest(
        self, pack: str, query: npt.NDArray[np.float32], media_ids: Collection[int], limit: int
    ) -> list[tuple[int, float]]:
        """The `limit` of `media_ids` with the best frame, best first: (media id, similarity of that frame).

        query: [width], any length but zero. Similarity is the dot product with the vectors that `load` gives.
        """
        spans = nearest.spans_of(self._database, pack)
        return nearest.best_media(spans, self._vectors.of(pack, len(query)), query, media_ids, limit)

    def close_ups(self, path: Path, pack: str) -> dict[int, npt.NDArray[np.float32]]:
        """Vectors of frames that earlier searches looked at beyond the index, by frame number."""
        return close_ups.read(self._database, path, pack)

    def keep_close_ups(self, path: Path, pack: str, vectors: Mapping[int, npt.NDArray[np.float32]]) -> None:
        """Keep vectors for `close_ups`. A cache, so any search may write it beside the library's one writer."""
        close_ups.keep(self._database, path, pack, vectors)

    # Text

    def text_matches(self, sentence: str) -> list[TextMatch]:
        """The texts in which these words stand one after the other, whatever their case and accents."""
        return quotes.matches(self._database, sentence)

    def sidecars(self) -> dict[bytes, tuple[int, int]]:
        """Size and modification time of the subtitle files that are known, by path as bytes."""
        return quotes.sidecars(self._database)

    def without_text(self, media_ids: Iterable[int], kind: TextKind) -> list[int]:
        """Those of `media_ids` in which this kind of text hasn't been looked for."""
        return quotes.without_text(self._database, media_ids, kind)
