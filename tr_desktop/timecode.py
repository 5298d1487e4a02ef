"""Frames to SMPTE labels and back, in integers and `Fraction` only.

A timecode label names a frame; it isn't a clock. At the NTSC rates (n·1000/1001) non-drop labels run 0.1 % slow.
Drop-frame (SMPTE ST 12-1) skips label numbers, never frames, to stay within a few frames a day of the clock. Therefore
a label is always computed from a frame count and the nominal integer rate, never from seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

_NTSC = Fraction(1000, 1001)
# SMPTE ST 12-1: https://doi.org/10.5594/SMPTE.ST12-1.2014
SMPTE_RATES: frozenset[Fraction] = frozenset(
    [Fraction(n) for n in (24, 25, 30, 48, 50, 60, 72, 96, 100, 120)]
    + [n * _NTSC for n in (24, 30, 48, 60, 72, 96, 120)]
)
"""Frame rates that SMPTE ST 12-1 and ST 12-3 label, frames a second."""

DROP_FRAME_RATES: frozenset[Fraction] = frozenset(n * _NTSC for n in (30, 60, 120))
"""The only rates that have drop-frame labels. 23.976 has none: it is always non-drop."""

_LABEL = re.compile(r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})([:;.,])([0-9]{2,3})")
# Half of the difference between a rate and its NTSC neighbour is 1/2000; a rounded rate such as 23.98 is within 1/5000.
_SAME_RATE = Fraction(1, 4000)


def exact_rate(rate: Fraction) -> Fraction:
    """The SMPTE rate that `rate` means: 30000/1001 for 2997/100. A rate that isn't near any is returned unchanged."""
    nearest = min(SMPTE_RATES, key=lambda smpte: abs(rate - smpte))
    return nearest if abs(rate - nearest) <= nearest * _SAME_RATE else rate


def is_smpte_rate(rate: Fraction) -> bool:
    """Whether editors label this exact rate."""
    return rate in SMPTE_RATES


def nominal_fps(rate: Fraction) -> int:
    """Labels a second: the integer nearest to the frame rate (24 for 24000/1001), at least 1."""
    return max(1, (2 * rate.numerator + rate.denominator) // (2 * rate.denominator))


@dataclass(frozen=True)
class Timecode:
    """A frame number on a timecode axis: `frame` real frames after 00:00:00:00 at `rate`, labelled drop-frame or not.

    `frame` isn't wrapped, so that it can be added and compared: it may be negative, or a day and more. The label wraps
    at 24 hours, as SMPTE ST 12-1 defines. Formats that write a label and its frame number side by side take both from
    `in_day`.
    A rate without SMPTE labels is counted at its nominal integer rate. ValueError: a rate that isn't positive, or
    drop-frame at a rate that has none.
    """

    frame: int
    rate: Fraction
    drop: bool = False

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise ValueError(f"A frame rate must be positive, not {self.rate}.")
        if self.drop and self.rate not in DROP_FRAME_RATES:
            raise ValueError(f"Drop-frame exists at 29.97, 59.94 and 119.88 only, not at {float(self.rate):g}.")

    @classmethod
    def parse(cls, text: str, rate: Fraction, drop: bool | None = None) -> Timecode:
        """Read `HH:MM:SS:FF`. A `;`, `.` or `,` before the frames means drop-frame unless `drop` says otherwise.

        Some writers mark drop-frame elsewhere and keep the colons: pass drop=True for their labels. ValueError: not a
        label, a part out of range, or a label that drop-frame skips.
        """
        match = _LABEL.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a timecode: write HH:MM:SS:FF, or HH:MM:SS;FF for drop-frame.")
        hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
        fps = nominal_fps(rate)
        if hours > 23 or minutes > 59 or seconds > 59 or frames >= fps:
            raise ValueError(f"{text!r} is not a timecode at {fps} fps: a part is out of range.")
        zero = cls(0, rate, match[4] != ":" if drop is None else drop)
        # ST 12-1: drop-frame skips the first labels of every minute but each tenth.
        if zero._dropped and minutes % 10 and seconds == 0 and frames < zero._dropped:
            raise ValueError(f"{text!r} is one of the labels that drop-frame timecode skips.")
        minute = 60 * hours + minutes
        return zero + ((60 * minute + seconds) * fps + frames - zero._dropped * (minute - minute // 10))

    def __str__(self) -> str:
        fps, dropped = nominal_fps(self.rate), self._dropped
        frame = self.frame % self.frames_per_day
        if dropped:  # add the skipped labels: each minute but every tenth has `dropped` fewer
            tens, rest = divmod(frame, 600 * fps - 9 * dropped)
            frame += 9 * dropped * tens + max(0, (rest - dropped) // (60 * fps - dropped)) * dropped
        seconds, frames = divmod(frame, fps)
        minutes, seconds = divmod(seconds, 60)
        width = max(2, len(str(fps - 1)))  # three digits above 100 frames a second
        return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{';' if self.drop else ':'}{frames:0{width}d}"

    def at_second(self, second: int) -> Timecode:
        """The first label of a second, counted from 00:00:00, on the same axis, for the marks of a ruler.

        In the minutes that drop-frame shortens, its frame number is 02 (04, 08), not 00.
        """
        minute = second // 60
        skips_here = second % 60 == 0 and minute % 10 != 0
        skipped = self._dropped * (minute - minute // 10 - skips_here)
        return replace(self, frame=second * nominal_fps(self.rate) - skipped)

    def __add__(self, frames: int) -> Timecode:
        return replace(self, frame=self.frame + frames)

    def __sub__(self, frames: int) -> Timecode:
        return self + -frames

    @property
    def frames_per_day(self) -> int:
        """The number of frames before labels repeat."""
        # ST 12-1: labels run from 00:00:00:00 to the last frame of 23:59:59
        return 86400 * nominal_fps(self.rate) - 1296 * self._dropped  # 24 h × 54 minutes in each that skip labels

    @property
    def in_day(self) -> Timecode:
        """The same label, with the frame number that it has within its day: 0 … `frames_per_day` - 1."""
        return replace(self, frame=self.frame % self.frames_per_day)

    def at_rate(self, rate: Fraction) -> Timecode:
        """The same position counted in frames of `rate`: in a 59.94 file, 29.97 labels count every other frame.

        Drop-frame is kept if `rate` has it. Between rates that share a nominal rate the frame count is the same.
        """
        frame = self.frame * nominal_fps(rate) // nominal_fps(self.rate)
        return Timecode(frame, rate, self.drop and rate in DROP_FRAME_RATES)

    @property
    def _dropped(self) -> int:
        """Label numbers skipped in each minute that skips: 2 at 29.97, 4 at 59.94, 8 at 119.88."""
        return nominal_fps(self.rate) // 15 if self.drop else 0
