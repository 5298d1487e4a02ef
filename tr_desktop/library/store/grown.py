"""Footage of a file that was read and then got longer, such as a recording that still runs."""

from __future__ import annotations

import bisect
import math
from fractions import Fraction

from tr_desktop.library.store.database import Database
from tr_desktop.library.store.media_row import pack_ticks, unpack_ticks
from tr_desktop.library.store.records import Source
from tr_desktop.moments import TextKind

_TAIL_S = 2  # its end is read again: the last pictures may have been written in part


def keep_beginning(database: Database, before: Source, now: Source) -> None:
    """Make the footage of `before` that of `now`, read in part; inside a transaction."""
    media_id, first_ticks, end_tick, tick_s = database.rows(
        "SELECT id, ticks, end_tick, tick_s FROM media WHERE digest = ? AND size_bytes = ?",
        *(before.digest, before.size_bytes),
    )[0]
    # The coarse index ended where the file did.
    database.execute("DELETE FROM vectors WHERE media_id = ? AND ticks NOTNULL", media_id)
    kept_s = Fraction(0)
    vectors = database.rows("SELECT id, rows, every_s FROM vectors WHERE media_id = ?", media_id)
    for vectors_id, rows, every_s in vectors:
        kept = max(rows - math.ceil(_TAIL_S / Fraction(every_s)), 0)
        kept_s = max(kept_s, kept * Fraction(every_s))
        database.execute("UPDATE vectors SET rows = ?, is_whole = 0 WHERE id = ?", kept, vectors_id)
        database.execute("DELETE FROM span WHERE vectors_id = ? AND first_row >= ?", vectors_id, kept)
        database.execute(
            "UPDATE span SET rows = ? - first_row WHERE vectors_id = ? AND first_row + rows > ?",
            *(kept, vectors_id, kept),
        )
    database.execute("DELETE FROM vectors WHERE media_id = ? AND rows = 0", media_id)
    database.execute("INSERT OR IGNORE INTO earlier_content VALUES (?, ?)", media_id, before.digest)
    ticks = unpack_ticks(first_ticks)
    for (more,) in database.rows("SELECT ticks FROM new_ticks WHERE media_id = ? ORDER BY first_frame", media_id):
        ticks.extend(unpack_ticks(more))
    frames = bisect.bisect_left(ticks, kept_s / Fraction(tick_s))
    database.execute("DELETE FROM new_ticks WHERE media_id = ?", media_id)
    database.execute("DELETE FROM text_source WHERE media_id = ? AND kind = ?", media_id, TextKind.SCREEN.value)
    database.execute(
        "UPDATE media SET digest = ?, size_bytes = ?, packets = NULL, problems = '[]', is_whole = 0, ticks = ?,"
        " end_tick = ? WHERE id = ?",
        *(now.digest, now.size_bytes, pack_ticks(ticks[:frames])),
        *(ticks[frames] if frames < len(ticks) else end_tick, media_id),
    )
