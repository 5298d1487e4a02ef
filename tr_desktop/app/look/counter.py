"""Positions in footage as text and back: source timecode, frames or seconds. Also counted things and durations."""

from __future__ import annotations

import re
from enum import Enum
from fractions import Fraction

from tr_desktop.app.look.translate import tr
from tr_desktop.errors import UserError
from tr_desktop.moments import Moment
from tr_desktop.timecode import Timecode

_COUNTED = {
    "clip": ("{count} clip", "{count} clips"),
    "file": ("{count} file", "{count} files"),
    "folder": ("{count} folder", "{count} folders"),
    "frame": ("{count} frame", "{count} frames"),
    "moment": ("{count} moment", "{count} moments"),
    "select": ("{count} select", "{count} selects"),
}


class Counting(Enum):
    TIMECODE = "timecode"
    FRAMES = "frames"
    SECONDS = "seconds"

    @property
    def next(self) -> Counting:
        order = list(Counting)
        return order[(order.index(self) + 1) % len(order)]


def label(moment: Moment, frame: int, counting: Counting) -> str:
    """The position of `frame`, which may also be the end of the moment's file."""
    if counting is Counting.FRAMES:
        return str(frame)
    if counting is Counting.SECONDS:
        return tr("{seconds:.3f} s", seconds=float(moment.times.time_s(frame)))
    return str(moment.footage.timecode_at(frame))


def length_label(moment: Moment, start_frame: int, end_frame: int, counting: Counting) -> str:
    """The length of frames [start, end)."""
    if counting is Counting.FRAMES:
        return tr("{count} f", count=end_frame - start_frame)
    return tr("{seconds:.2f} s", seconds=float(moment.times.time_s(end_frame) - moment.times.time_s(start_frame)))


def plural(count: int, one: str, many: str, /, **values: object) -> str:
    """`one` or `many`, as `count` requires, translated and filled in; both are literals with a {count} field."""
    return tr(one if count == 1 else many, count=count, **values)


def counted(number: int, noun: str) -> str:
    """A number of things: 1 file, 3 files. Raises KeyError for a noun that isn't in the table above."""
    one, many = _COUNTED[noun]
    return plural(number, one, many)


def percent(share: float) -> str:
    return tr("{percent} %", percent=round(100 * share))


def size_label(size_bytes: int) -> str:
    """A rounded size: 34 MB, 1.5 GB."""
    if size_bytes < 999.5e6:
        return tr("{size:.0f} MB", size=size_bytes / 1e6)
    return tr("{size:.1f} GB", size=size_bytes / 1e9)


def duration_label(seconds: float) -> str:
    """A rounded duration: 48 s, 12 min, 3 h 05 min."""
    if seconds < 90:
        return tr("{count} s", count=round(seconds))
    minutes = round(seconds / 60)
    if minutes < 90:
        return tr("{count} min", count=minutes)
    return tr("{hours} h {minutes:02d} min", hours=minutes // 60, minutes=minutes % 60)


def place(text: str, moment: Moment, counting: Counting, now: int) -> int:
    """The frame at the position that an editor typed, clamped to the file.

    text: source timecode with or without its punctuation (01000210 is 01:00:02:10; 210 is two seconds and ten frames of
    the same hour), +N or -N frames from `now`, or seconds such as 12.5s. A bare number is in the unit of `counting`.
    Raises UserError if `text` is none of these, or the position is in a part of the file that isn't read yet.
    """
    typed = text.strip().lower()
    frames = len(moment.times)
    try:
        if re.fullmatch(r"[+-]\d+", typed):
            frame = now + int(typed)
        elif re.fullmatch(r"\d+(\.\d+)?\s*s", typed) or (counting is Counting.SECONDS and ":" not in typed):
            wanted_s = Fraction(typed.rstrip("s "))
            frame = moment.times.frame_at(wanted_s) if wanted_s < moment.times.duration_s else frames
        elif counting is Counting.FRAMES and typed.isdecimal():
            frame = int(typed)
        else:
            frame = _at_timecode(typed, moment)
    except (ValueError, ZeroDivisionError) as error:
        raise UserError(
            tr("“{text}” isn't a position in the footage", text=text),
            remedy=tr("Type a timecode, +frames, -frames, or seconds such as 12.5s"),
        ) from error
    if frame >= frames and not moment.footage.is_whole:
        read_s = float(moment.times.duration_s)
        raise UserError(
            tr("Only the first {length} of this file are read so far", length=duration_label(read_s)),
            remedy=tr("Go there after the file has been indexed"),
        )
    return min(max(frame, 0), frames - 1)


def _at_timecode(typed: str, moment: Moment) -> int:
    start = moment.media.start_tc
    if typed.isdecimal():  # digits missing on the left are those of the file's start
        known = re.sub(r"\D", "", str(start))
        digits = known[: max(0, len(known) - len(typed))] + typed
        typed = ":".join(re.findall("..", digits[:6])) + ":" + digits[6:]
    wanted = Timecode.parse(typed, start.rate, start.drop)
    frames = (wanted.frame - start.frame) % wanted.frames_per_day
    if frames > wanted.frames_per_day // 2:  # before the file begins
        frames = 0
    is_read = frames < moment.footage.label_frames(len(moment.times))
    return moment.footage.frame_at(frames) if is_read else len(moment.times)
