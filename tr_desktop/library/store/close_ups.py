"""Vectors of frames that searches looked at beyond the index: a cache that every search may write."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import LibraryError
from tr_desktop.library.store.database import Database

MAX_CLOSE_UPS = 50_000  # 38 MB at 384 numbers each
_STORED = np.dtype("<f2")


def as_stored(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Vectors [n, width] in the precision that the store keeps: an answer is the same before and after storing."""
    return rows.astype(_STORED).astype(np.float32)


class CloseUps:
    """Reads and keeps close-ups. A cache, so any search may write it beside the library's one writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, path: Path, pack: str) -> dict[int, npt.NDArray[np.float32]]:
        """The known close-ups of a file, by frame number."""
        rows = self._database.rows(
            "SELECT frame, vector FROM close_up JOIN file USING (media_id) WHERE path = ? AND pack = ?",
            os.fsencode(path),
            pack,
        )
        return {frame: np.frombuffer(vector, _STORED).astype(np.float32) for frame, vector in rows}

    def keep(self, path: Path, pack: str, vectors: Mapping[int, npt.NDArray[np.float32]]) -> None:
        """Keep close-ups: only the latest MAX_CLOSE_UPS, since every search adds some.

        It isn't an error if the library can't be written or the file has left it: lost close-ups are made again.
        """
        if self._database.is_read_only:
            return
        with suppress(LibraryError), self._database.transaction():
            self._database.execute_many(
                "INSERT OR IGNORE INTO close_up (media_id, pack, frame, vector)"
                " SELECT media_id, ?, ?, ? FROM file WHERE path = ? AND media_id NOTNULL",
                [(pack, frame, row.astype(_STORED).tobytes(), os.fsencode(path)) for frame, row in vectors.items()],
            )
            self._database.execute("DELETE FROM close_up WHERE id <= (SELECT max(id) FROM close_up) - ?", MAX_CLOSE_UPS)
