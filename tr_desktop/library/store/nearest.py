"""The footage closest to a query: an exact search over every indexed frame.

A first scan reads one byte a number and bounds its error (`vectors.py`). Only frames that could still be in the answer
are then compared in full, so the answer is the same as from comparing all of them.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from tr_desktop.library.store.database import Database
from tr_desktop.library.store.vectors import VectorFile

_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]

_ROWS_AT_ONCE = 1 << 14  # compared in full; bounds the memory if nearly all frames are alike


def spans_of(database: Database, pack: str) -> _Ints:
    """Where the vectors of `pack` are: [S, 3] of media id, row number in the vector file, count; in file order."""
    rows = database.rows(
        "SELECT media_id, at, span.rows FROM span JOIN vectors ON vectors.id = vectors_id WHERE pack = ? ORDER BY at",
        pack,
    )
    return np.array(rows, np.int64).reshape(-1, 3)


def best_media(
    spans: _Ints, vectors: VectorFile, query: _Floats, media_ids: Collection[int], limit: int
) -> list[tuple[int, float]]:
    """The `limit` of `media_ids` with the best frame, best first: (media id, similarity of that frame).

    spans: as from `spans_of`. query: [width], any length but zero. Similarity is the dot product with the stored rows.
    """
    spans = spans[np.isin(spans[:, 0], np.fromiter(media_ids, np.int64))]
    limit = min(limit, len(np.unique(spans[:, 0])))
    if not limit:
        return []
    frames = _Frames(spans)
    similarity, bound = vectors.scan(query, frames.runs)

    # Compare the likely answers in full: the true answer's last place is at least as good as theirs.
    likely = np.flatnonzero(similarity >= _kth_best(frames.best_by_media(similarity), limit))
    floor = _kth_best(_best_of(frames, likely, vectors, query), limit)
    possible = np.flatnonzero(similarity + bound >= floor)
    best = _best_of(frames, possible, vectors, query)
    order = np.argsort(-best, kind="stable")[:limit]
    return [(int(frames.media_ids[index]), float(best[index])) for index in order]


class _Frames:
    """The rows of some spans, numbered from 0, with their rows in the vector file and their media."""

    def __init__(self, spans: _Ints) -> None:
        """spans: [S, 3] of media id, row in the vector file, count; in file order."""
        self._at, counts = spans[:, 1], spans[:, 2]
        self._first = np.cumsum(counts) - counts
        self.media_ids, self._media_of = np.unique(spans[:, 0], return_inverse=True)
        joined = np.flatnonzero(np.diff(self._at) != counts[:-1]) + 1
        ends = self._at + counts
        starts_at, ends_at = self._at[np.r_[0, joined]], ends[np.r_[joined - 1, len(spans) - 1]]
        self.runs: list[tuple[int, int]] = list(zip(starts_at.tolist(), ends_at.tolist(), strict=True))

    def best_by_media(self, values: _Floats) -> _Floats:
        """The best of `values` [rows] by media: [media]."""
        best = np.full(len(self.media_ids), -np.inf, np.float32)
        np.maximum.at(best, self._media_of, np.maximum.reduceat(values, self._first))
        return best

    def locate(self, rows: _Ints) -> tuple[_Ints, _Ints]:
        """(row in the vector file, place in `media_ids`) of `rows`."""
        span = np.searchsorted(self._first, rows, side="right") - 1
        return self._at[span] + rows - self._first[span], self._media_of[span]


def _best_of(frames: _Frames, rows: _Ints, vectors: VectorFile, query: _Floats) -> _Floats:
    """The best similarity among `rows`, by media; -inf if there is none."""
    best = np.full(len(frames.media_ids), -np.inf, np.float32)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        at, media = frames.locate(rows[start : start + _ROWS_AT_ONCE])
        np.maximum.at(best, media, vectors.read(at).astype(np.float32) @ query)
    return best


def _kth_best(values: _Floats, k: int) -> float:
    return float(np.partition(values, -k)[-k])
