"""Frame times as the file gives them, made strictly increasing ticks from the first frame."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import count, islice
from typing import Generic, Protocol, TypeVar

from tr_desktop.moments import FrameTimes

LOOK_AHEAD = 8  # frames; a longer run of other times is a clock that started again
_JITTER_S = Fraction(1, 5)  # a clock that steps back less, and is soon past it, is disorder of the writer


class Stamped(Protocol):
    """A frame with its time stamps, in ticks; None if the file gives none."""

    @property
    def pts(self) -> int | None: ...

    @property
    def dts(self) -> int | None: ...


_Frame = TypeVar("_Frame", bound=Stamped)


class LookAhead(Generic[_Frame]):
    """Iterates over frames; `stamps` are the times of those that follow the latest, decoded only if asked for."""

    def __init__(self, frames: Iterable[_Frame]) -> None:
        self._frames = iter(frames)
        self._held: deque[_Frame] = deque()

    def __iter__(self) -> Iterator[_Frame]:
        while self._held or self._hold():
            yield self._held.popleft()

    def stamps(self) -> Iterator[int]:
        """The time stamps of the frames that follow, in order. The frames are held until it is their turn."""
        for index in count():
            if index == len(self._held) and not self._hold():
                return
            frame = self._held[index]
            stamp = frame.dts if frame.pts is None else frame.pts
            if stamp is not None:
                yield stamp

    def _hold(self) -> bool:
        frame = next(self._frames, None)
        if frame is not None:
            self._held.append(frame)
        return frame is not None


class Clock:
    """Collects the time of each decoded frame, in the order in which frames are shown; none is ever left out.

    tick_s: seconds per tick of the stream's time base. rate: nominal frames a second, used only if the file gives no
    time or contradicts itself. longest_s: the longest pause between two frames that is believed.

    Damage must not stretch a file, and no part of it may be squeezed into nothing. Hence these repairs, each counted:

    - A frame without a time is put one nominal frame after the one before it.
    - A clock that starts again (files joined end to end) steps back for good. Its first frame is put one nominal frame
      after the one before it, and later frames keep their distance to it. The same holds after a jump longer than
      `longest_s` either way, and if the clock returns to where it would be without the step back.
    - A stray time, of one frame or a few, is ignored: the frame is shown one tick after the one before it, and nothing
      else moves.

    jumps: closed steps of both kinds, of which `restarts` are those of a clock that started again.

    Only what follows shows which it is. The clock looks at most LOOK_AHEAD frames ahead, and only at a step back or at
    a pause. A step back is stray if one of these frames is later than the last one placed, and if the old clock
    explains its time better than a clock that starts again. A step forward is stray if one of them goes on where the
    old clock was.
    """

    def __init__(self, tick_s: Fraction, rate: Fraction, longest_s: Fraction) -> None:
        self.untimed = 0
        self.backward = 0
        self.jumps = 0
        self.restarts = 0
        self._tick_s = tick_s
        self._frame_ticks = max(round(1 / (rate * tick_s)), 1)
        self._longest_ticks = max(int(longest_s / tick_s), 2 * self._frame_ticks)
        self._jitter_ticks = int(_JITTER_S / tick_s)
        self._pause_ticks = max(self._jitter_ticks, 2 * self._frame_ticks)
        self._start_pts: int | None = None
        self._shift = 0  # tick = time stamp - shift
        self._left_shift: int | None = None  # the shift before the clock last stepped back
        self._strays = 0  # frames in a row, up to the latest, whose times were ignored
        self._ticks = array("q")
        self._end_tick = 0

    def __len__(self) -> int:
        return len(self._ticks)

    def place(self, pts: int | None, dts: int | None = None, following: Iterable[int] = ()) -> int:
        """The tick at which the frame with this presentation time stamp starts to be shown.

        dts: the frame's decoding time stamp, for containers that store no presentation times (AVI). It differs from the
        presentation time by the same delay for all frames. following: the time stamps of the frames after this one,
        read only if needed, LOOK_AHEAD of them at most.
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
        if 0 < step <= self._pause_ticks:
            return self._keep(last + step)
        if abs(step) <= self._longest_ticks:
            after = [later - self._shift - last for later in islice(following, LOOK_AHEAD)]
            if (self._is_stray_pause if step > 0 else self._is_stray_step_back)(step, after):
                self.backward += 1
                self._strays += 1
                self._ticks.append(last + 1)
                return last + 1
            if step > 0 and not self._returns(stamp, last):
                return self._keep(last + step)
        self.jumps += 1
        self.restarts += step <= self._longest_ticks
        self._left_shift = self._shift if step <= 0 else None
        self._shift = stamp - last - self._frame_ticks
        return self._keep(last + self._frame_ticks)

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

    def _is_stray_step_back(self, step: int, after: list[int]) -> bool:
        """Whether the clock soon goes on as if it hadn't stepped back. after: the steps to the frames that follow."""
        for frames, later in enumerate(after, self._strays + 2):
            if 0 < later <= self._longest_ticks:
                started_again = later - step + self._frame_ticks
                expected = frames * self._frame_ticks
                return -step < self._jitter_ticks or abs(later - expected) < abs(started_again - expected)
        return False

    def _is_stray_pause(self, step: int, after: list[int]) -> bool:
        """Whether the clock soon goes on as if it hadn't leapt forward. after: the steps to the frames that follow."""
        return any(
            0 < later < step and abs(later - frames * self._frame_ticks) <= self._pause_ticks
            for frames, later in enumerate(after, self._strays + 2)
        )

    def _returns(self, stamp: int, last: int) -> bool:
        """Whether a pause isn't one: the clock is back where it was before it stepped back."""
        return self._left_shift is not None and 0 < stamp - self._left_shift - last <= 2 * self._frame_ticks

    def _keep(self, tick: int) -> int:
        self._strays = 0
        self._ticks.append(tick)
        return tick
