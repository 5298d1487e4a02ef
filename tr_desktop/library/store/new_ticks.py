"""The frame times of media that are read in part: each is written once, beside those of the batch before."""

from __future__ import annotations

import math

from tr_desktop.library.store.database import Database
from tr_desktop.library.store.media_row import pack_ticks
from tr_desktop.moments import FrameTimes


class TicksWriter:
    """Adds the new frames of the media that this writer has begun; inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._media_id, self._frames, self._last = -1, 0, 0
        self._start_pts: int | None = None
        self._further: float | None = None  # how far another pack has read, in ticks, if further than this writer

    def begin(self, media_id: int, times: FrameTimes) -> None:
        """The row of this media has just been written, with all of `times` unless it has more."""
        ((is_whole, end_tick),) = self._database.rows("SELECT is_whole, end_tick FROM media WHERE id = ?", media_id)
        self._further = math.inf if is_whole else end_tick if end_tick > times.end_tick else None
        if self._further is None:
            self._database.execute("DELETE FROM new_ticks WHERE media_id = ?", media_id)
        self._note(media_id, times)

    def follow(self, media_id: int, times: FrameTimes) -> bool:
        """Store the times that are new. False if `times` doesn't continue what this writer stored last."""
        same = self._media_id == media_id and self._start_pts == times.start_pts and self._frames <= len(times)
        if not same or (self._frames and times.ticks[self._frames - 1] != self._last):
            return False
        if self._further is not None:
            return times.end_tick <= self._further
        if new := times.ticks[self._frames :]:
            blob = pack_ticks(new)
            self._database.execute("INSERT INTO new_ticks VALUES (?, ?, ?)", media_id, self._frames, blob)
        sql = "UPDATE media SET end_tick = ? WHERE id = ?"
        self._database.execute(sql, times.end_tick, media_id)
        self._note(media_id, times)
        return True

    def end(self, media_id: int) -> None:
        """The row has all times now."""
        self._database.execute("DELETE FROM new_ticks WHERE media_id = ?", media_id)
        self._media_id = -1

    def _note(self, media_id: int, times: FrameTimes) -> None:
        self._media_id, self._frames, self._start_pts = media_id, len(times), times.start_pts
        self._last = times.ticks[-1] if self._frames else 0
