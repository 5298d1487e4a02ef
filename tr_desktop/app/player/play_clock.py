"""Which frame to show at each moment of playing, by exact frame times."""

from __future__ import annotations

import time
from fractions import Fraction

from tr_desktop.moments import FrameTimes, Segment

_SHORTEST_S = Fraction(1, 120)  # no screen shows more


class PlayClock:
    """Plays [start, end) of `within` from `frame` on at `speed`: 1 is real time, negative is backwards.

    It waits at `frame` until `start` is called: the first picture has to be decoded before.
    """

    def __init__(self, times: FrameTimes, frame: int, speed: Fraction, within: Segment, loop: bool) -> None:
        self.speed = speed
        self.within = within
        self.loop = loop
        self._times = times
        self._from_s = times.time_s(frame)
        if speed < 0:  # it is on screen until the next one
            self._from_s = times.time_s(frame + 1)
        self._began_ns: int | None = None

    def start(self) -> None:
        self._began_ns = time.perf_counter_ns()

    @property
    def is_running(self) -> bool:
        return self._began_ns is not None

    @property
    def elapsed_s(self) -> Fraction:
        return Fraction(0) if self._began_ns is None else Fraction(time.perf_counter_ns() - self._began_ns, 10**9)

    def shift(self, by_s: float) -> None:
        """Move the clock forward, if the sound is ahead of the pictures; negative: back."""
        if self._began_ns is not None:
            self._began_ns -= round(by_s * 10**9)

    def due(self, elapsed_s: Fraction) -> tuple[int, Fraction]:
        """(The frame to show after `elapsed_s`, seconds until the next is due); (frame, 0) at the end of the range."""
        start_s, end_s = self._times.time_s(self.within.start_frame), self._times.time_s(self.within.end_frame)
        at_s = self._from_s + self.speed * elapsed_s
        if self.loop:
            at_s = start_s + (at_s - start_s) % (end_s - start_s)
        elif self.speed > 0 and at_s >= end_s:
            return self.within.end_frame - 1, Fraction(0)
        elif self.speed < 0 and at_s <= start_s:
            return self.within.start_frame, Fraction(0)
        frame = self._times.frame_at(at_s)
        if self.speed < 0 and frame > self.within.start_frame and at_s == self._times.time_s(frame):
            frame -= 1
        next_s = self._times.time_s(frame + 1) - at_s if self.speed > 0 else at_s - self._times.time_s(frame)
        return frame, max(next_s / abs(self.speed), _SHORTEST_S)
