"""How a place in footage is written: source timecode, frames or seconds; and how what was typed is read."""

from __future__ import annotations

import re
from enum import Enum
from fractions import Fraction

from tr_desktop.errors import UserError
from tr_desktop.moments import Moment
from tr_desktop.timecode import Timecode


class Counting(Enum):
    TIMECODE = "timecode"
    FRAMES = "frames"
    SECONDS = "seconds"

    @property
    def next(self) -> Counting:
        order = list(Counting)
        return order[(order.index(self) + 1) % len(order)]


def label(moment: Moment, frame: int, counting: Counting) -> str:
    """`frame` of a moment's file; its end is a place as well."""
    if counting is Counting.FRAMES:
        return str(frame)
    if counting is Counting.SECONDS:
        return f"{float(moment.times.time_s(frame)):.3f} s"
    return str(moment.footage.timecode_at(frame))


def length_label(moment: Moment, start_frame: int, end_frame: int, counting: Counting) -> str:
    """How long frames [start, end) are."""
    if counting is Counting.FRAMES:
        return f"{end_frame - start_frame} f"
    return f"{float(moment.times.time_s(end_frame) - moment.times.time_s(start_frame)):.2f} s"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def duration_label(seconds: float) -> str:
    """For people: 48 s, 12 min, 3 h 05 min."""
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def place(text: str, moment: Moment, counting: Counting, now: int) -> int:
    """The frame that an editor typed, within the file.

    Source timecode with or without its punctuation (01000210 is 01:00:02:10, 210 is two seconds and ten frames of the
    same hour), +N and -N frames from `now`, 12.5s in seconds; a bare number is what is being counted.
    Raises UserError for what is no place.
    """
    typed, last = text.strip().lower(), len(moment.times) - 1
    try:
        if re.fullmatch(r"[+-]\d+", typed):
            frame = now + int(typed)
        elif re.fullmatch(r"\d+(\.\d+)?\s*s", typed) or (counting is Counting.SECONDS and ":" not in typed):
            frame = moment.times.frame_at(Fraction(typed.rstrip("s ")))
        elif counting is Counting.FRAMES and typed.isdecimal():
            frame = int(typed)
        else:
            frame = _at_timecode(typed, moment)
    except (ValueError, ZeroDivisionError) as error:
        raise UserError(
            f"“{text}” is no place in the footage", remedy="Type a timecode, +frames, -frames, or seconds such as 12.5s"
        ) from error
    return min(max(frame, 0), last)


def _at_timecode(typed: str, moment: Moment) -> int:
    start = moment.media.start_tc
    if typed.isdecimal():  # the parts left out on the left are those of the file's start
        known = re.sub(r"\D", "", str(start))
        digits = (known[: max(0, len(known) - len(typed))] + "0" * len(known))[
            : max(0, len(known) - len(typed))
        ] + typed
        typed = ":".join(re.findall("..", digits[:6])) + ":" + digits[6:]
    wanted = Timecode.parse(typed, start.rate, start.drop)
    frames = (wanted.frame - start.frame) % wanted.frames_per_day
    if frames > wanted.frames_per_day // 2:  # before the file begins
        frames = 0
    return moment.footage.frame_at(frames)
