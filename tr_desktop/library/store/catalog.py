"""The catalog: the record of every file, the times of its frames and the place of its vectors.

Notable choices. Footage is identified by its content: a file that was moved, renamed or copied is never decoded again.
A batch of vectors is on disk before the transaction that records it commits, so a kill costs at most one batch. Files
on missing drives aren't forgotten. Paths are stored as bytes, since a file name need not be text. A newer database is
refused; one that can't be written can still be searched.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tr_desktop.library.store import files, health, nearest
from tr_desktop.library.store.answered import Answered
from tr_desktop.library.store.close_ups import CloseUps
from tr_desktop.library.store.coarse import coarse_of, filled_up
from tr_desktop.library.store.database import Database
from tr_desktop.library.store.health import damaged
from tr_desktop.library.store.lock import NotWritableError, sole_writer
from tr_desktop.library.store.media_row import media_of, unpack_ticks
from tr_desktop.library.store.places import Places
from tr_desktop.library.store.quotes import Quotes
from tr_desktop.library.store.records import Content, FileRecord, Source
from tr_desktop.library.store.vectors import Rows, VectorFiles
from tr_desktop.library.store.writer import Writer
from tr_desktop.moments import Footage, FrameTimes, Indexed, Media


class Catalog:
    """The reading side of the library in `folder`, which is created if missing. `writing` hands out the writer.

    Its methods may be called from any thread. is_read_only: whether the folder can't be written; such a library can
    still be searched. quotes: text in footage. close_ups: vectors of frames that searches looked at beyond the index.
    places: the drives of the footage, and the names that are left out. answered: files to read first.
    Raises LibraryError if the folder can't be made or read, the file isn't a database, or a newer version wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self._database = Database(folder)
        self._vectors = VectorFiles(self._database.folder)
        self.quotes = Quotes(self._database)
        self.close_ups = CloseUps(self._database)
        self.places = Places(self._database)
        self.answered = Answered(self._database)

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

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """The library's one writer, while the block runs. Raises NotWritableError."""
        if self.is_read_only:
            reason, remedy = self._database.because_of
            raise NotWritableError(f"not indexed: {reason}", path=self.folder, remedy=remedy)
        with sole_writer(self.folder):
            yield Writer(self._database, self._vectors)

    # Files

    def known(self, pack: str) -> dict[bytes, FileRecord]:
        """The records of all files, by path as bytes. pack: sha256 of a model pack.

        Raises LibraryError if the library is damaged, or vectors of the pack are missing.
        """
        health.require_vectors(self._database, self._vectors, pack)
        return files.known(self._database, pack)

    def source_of(self, path: Path) -> Source | None:
        """The file at `path` as it was when it was read, if its footage has no other path."""
        return files.source_of(self._database, path)

    def headers(self, paths: Iterable[Path]) -> dict[Path, tuple[Media, Fraction]]:
        """{path: (facts, duration in seconds)} of those files that were read to their end."""
        return files.headers(self._database, paths)

    def footage(self, path: Path) -> Footage:
        """A file without its vectors. Raises KeyError if it isn't in the library."""
        rows = self._database.rows(
            "SELECT new_ticks.ticks, file.size_bytes, mtime_ns, facts, media.ticks, end_tick, tick_s, start_pts,"
            " is_whole, media.id"
            " FROM file JOIN media ON media.id = file.media_id LEFT JOIN new_ticks ON new_ticks.media_id = media.id"
            " WHERE path = ? ORDER BY first_frame",
            os.fsencode(path),
        )
        if not rows:
            raise KeyError(path)
        _, size_bytes, mtime_ns, facts, first_ticks, end_tick, tick_s, start_pts, is_whole, media_id = rows[0]
        try:
            ticks = unpack_ticks(first_ticks)
            for row in rows:
                if row[0] is not None:
                    ticks.extend(unpack_ticks(row[0]))
            return Footage(
                media_of(path, size_bytes, mtime_ns, facts),
                FrameTimes(ticks, end_tick, Fraction(tick_s), start_pts),
                bool(is_whole),
                files.contents_of(self._database, media_id),
            )
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise damaged(self.folder, f"the record of {path.name} can't be read") from error

    def paths(self) -> list[Path]:
        """Every file that the library knows, subtitle files too, present or not."""
        sql = "SELECT path FROM file UNION SELECT path FROM text_source WHERE path IS NOT NULL"
        return [Path(os.fsdecode(row[0])) for row in self._database.rows(sql)]

    def content_of(self, path: Path) -> Content | None:
        """The content of a file as it was read last (`index/identity.py`); None if it isn't in the library."""
        rows = self._database.rows(
            "SELECT digest, packets, file.size_bytes, mtime_ns, end_tick, tick_s"
            " FROM file JOIN media ON media.id = media_id WHERE path = ?",
            os.fsencode(path),
        )
        if not rows:
            return None
        digest, packets, size_bytes, mtime_ns, end_tick, tick_s = rows[0]
        return Content(digest, packets, size_bytes, mtime_ns, end_tick * Fraction(tick_s))

    def media_id(self, path: Path) -> int | None:
        """The number of a file's footage, the same for all copies; None if it isn't in the library."""
        rows = self._database.rows("SELECT media_id FROM file WHERE path = ?", os.fsencode(path))
        return rows[0][0] if rows else None

    def copies_of(self, digest: bytes, size_bytes: int) -> list[Path]:
        """Every path that the library knows for this content, also on missing drives."""
        rows = self._database.rows(
            "SELECT path FROM file JOIN media ON media.id = media_id WHERE digest = ? AND media.size_bytes = ?",
            *(digest, size_bytes),
        )
        return sorted(Path(os.fsdecode(path)) for (path,) in rows)

    def load(self, path: Path, pack: str) -> Indexed:
        """A file with its vectors, as far as `pack` has indexed it; keyframes stand for the rest.

        Raises KeyError if it isn't in the library.
        """
        rows = self._database.rows(
            "SELECT pack, at, span.rows, width, vectors.is_whole, vectors.ticks, every_s, problems"
            " FROM file JOIN media ON media.id = file.media_id JOIN vectors ON vectors.media_id = media.id"
            " JOIN span ON vectors_id = vectors.id WHERE path = ? AND pack IN (?, ?) ORDER BY first_row",
            *(os.fsencode(path), pack, coarse_of(pack)),
        )
        if not rows:
            raise KeyError(path)
        indexed, coarse = ([row for row in rows if row[0] == name] for name in (pack, coarse_of(pack)))
        footage, (every_s, problems) = self.footage(path), rows[0][-2:]
        step_s = Fraction(every_s)
        vectors = self._vectors_at(indexed or coarse)
        if coarse:
            before = vectors if indexed else vectors[:0]
            ticks = unpack_ticks(coarse[0][5])
            vectors = filled_up(before, self._vectors_at(coarse), ticks, footage.times, step_s)
        elif not indexed[0][4]:  # another pack may have read more
            read_s = len(vectors) * step_s
            last = footage.times.frame_at(read_s)
            frames = last + (footage.times.time_s(last) < read_s)
            footage = replace(footage, times=footage.times.first(frames), is_whole=False)
        return Indexed(
            footage=footage,
            every_s=step_s,
            vectors=vectors,
            problems=tuple(json.loads(problems)),
            is_coarse=bool(coarse),
        )

    # Vectors

    def _vectors_at(self, spans: Sequence[Sequence[Any]]) -> Rows:
        """The vectors of some rows of `load`, all of one pack."""
        pack, width = spans[0][0], spans[0][3]
        at = np.concatenate([np.arange(start, start + count) for _, start, count, *_ in spans])
        return self._vectors.of(pack, width).read(at)

    def nearest(
        self, pack: str, query: npt.NDArray[np.float32], media_ids: Collection[int], limit: int
    ) -> list[tuple[int, float]]:
        """The `limit` of `media_ids` with the best frame, best first: (media id, similarity of that frame).

        query: [width], any length but zero. Similarity is the dot product with the vectors that `load` returns.
        """
        best: dict[int, float] = {}
        for name in (pack, coarse_of(pack)):
            spans, vectors = nearest.spans_of(self._database, name), self._vectors.of(name, len(query))
            for media_id, similarity in nearest.best_media(spans, vectors, query, media_ids, limit):
                best[media_id] = max(best.get(media_id, similarity), similarity)
        return sorted(best.items(), key=lambda each: -each[1])[:limit]

    def best_files(
        self, pack: str, query: npt.NDArray[np.float32], media: Mapping[int, Path], limit: int
    ) -> tuple[Iterator[Indexed], tuple[float, ...]]:
        """The `limit` files of `media` {media id: path} with the best frame, best first, each loaded on demand; and the
        similarity of each one's best frame. query: as for `nearest`."""
        found = self.nearest(pack, query, media, limit)
        files = (self.load(media[media_id], pack) for media_id, _ in found)
        return files, tuple(similarity for _, similarity in found)
