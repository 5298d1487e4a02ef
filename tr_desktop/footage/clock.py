"""Frame times as the file gives them, made strictly increasing ticks from the first frame."""

from __future__ import annotations

from array import array
from fractions import Fraction

from tr_desktop.moments import FrameTimes


class Clock:
    """Collects the time of each decoded frame, in the order in which frames are shown; none is ever left out.

    tick_s: seconds per tick of the stream's time base. rate: nominal frames a second, used only if the file gives no
    time or contradicts itself. longest_s: the longest pause between two frames that is believed.

    Damage must not stretch a file, hence three repairs, each counted. A frame without a time is put one nominal frame
    after the one before it. So is a frame after a jump longer than `longest_s` either way; later frames keep their
    distance to it. A frame that isn't later than the one before it is shown one tick after it.
    """

    def __init__(self, tick_s: Fraction, rate: Fraction, longest_s: Fraction) -> None:
        self.untimed = 0
        self.backward = 0
        self.jumps = 0
        self._tick_s = tick_s
        self._frame_ticks = max(round(1 / (rate * tick_s)), 1)
        self._longest_ticks = max(int(longest_s / tick_s), 2 * self._frame_ticks)
        self._start_pts: int | None = None
        self._shift = 0  # tick = time stamp - shift
        self._ticks = array("q")
        self._end_tick = 0

    def __len__(self) -> int:
        return len(self._ticks)

    def place(self, pts: int | None, dts: int | None = None) -> int:
        """The tick at which the frame with this presentation time stamp starts to be shown.

        dts: the frame's decoding time stamp, for containers that store no presentation times (AVI). It differs from the
        presentation time by the same delay for all frames.
        """
        stamp = pts
        if pts is None:
            stamp = dts
            self.untimed += 1
        if not self._ticks:
            self._start_pts = pts
            self._shift = stamp or 0
            return self._keep(0)
        last = self._ticks[-1]
        if stamp is None:
            return self._keep(last + self._frame_ticks)
        step = stamp - self._shift - last
        if abs(step) > self._longest_ticks:
            self.jumps += 1
            step = self._frame_ticks
            self._shift = stamp - last - step
        elif step <= 0:
            self.backward += 1
            step = 1
        return self._keep(last + step)

    @property
    def first_s(self) -> Fraction:
        """When the first frame is shown on the file's own clock, in seconds; 0 if the file doesn't say."""
        return (self._start_pts or 0) * self._tick_s

    @property
    def is_regular(self) -> bool:
        """Whether every frame so far came with a time later than that of the one before it."""
        return not (self.untimed or self.backward or self.jumps)

    def is_believable(self, step_ticks: int) -> bool:
        """Whether a frame may follow another after so long."""
        return 0 < step_ticks <= self._longest_ticks

    def finish(self, last_duration_ticks: int) -> int:
        """Set and return the tick at which the last frame ends: one nominal frame later if its duration is absurd."""
        if not self.is_believable(last_duration_ticks):
            last_duration_ticks = self._frame_ticks
        self._end_tick = self._ticks[-1] + last_duration_ticks
        return self._end_tick

    @property
    def times(self) -> FrameTimes:
        """All frames, once finished."""
        return FrameTimes(self._ticks, self._end_tick, self._tick_s, self._start_pts if self.is_regular else None)

    @property
    def times_so_far(self) -> FrameTimes:
        """The frames whose end is known so far: until finished, all but the last (a single one has a guessed end)."""
        if self._end_tick or len(self._ticks) < 2:
            ticks = self._ticks[:]
            end_tick = self._end_tick or self._frame_ticks
        else:
            ticks = self._ticks[:-1]
            end_tick = self._ticks[-1]
        return FrameTimes(ticks, end_tick, self._tick_s, self._start_pts if self.is_regular else None)

    def _keep(self, tick: int) -> int:
        self._ticks.append(tick)
        return tick
