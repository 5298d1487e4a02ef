"""The frames that are on screen at the times of a steady grid."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tr_desktop.footage.clock import Clock, LookAhead
from tr_desktop.footage.decode import Reading, decode_frames


class SamplingGrid:
    """The times k · `step_ticks` from k = `covered` on, each assigned once, to the frame that covers it."""

    def __init__(self, step_ticks: Fraction, covered: int = 0) -> None:
        self._step_ticks = step_ticks
        self.covered = covered

    def take(self, end_tick: int) -> int:
        """How many unassigned times are before `end_tick`: those of the frame that is shown until then."""
        taken = max(math.ceil(end_tick / self._step_ticks) - self.covered, 0)
        self.covered += taken
        return taken


@dataclass(frozen=True)
class CoveringFrame:
    """A decoded frame that covers `repeat` times of the grid; `number` counts from the file's first frame."""

    number: int
    tick: int
    repeat: int
    frame: VideoFrame


def sampled_by_decoding(
    container: InputContainer, stream: VideoStream, clock: Clock, grid: SamplingGrid, reading: Reading
) -> Iterator[CoveringFrame]:
    """The frames that cover the grid's times, by decoding every frame; the clock gets the time of each."""
    shown: VideoFrame | None = None
    shown_tick = 0
    frames = LookAhead(decode_frames(container, stream, reading))
    for frame in frames:
        tick = clock.place(frame.pts, frame.dts, frames.stamps())
        if shown is not None and (repeat := grid.take(tick)):
            yield CoveringFrame(len(clock) - 2, shown_tick, repeat, shown)
        shown, shown_tick = frame, tick
    if shown is not None and (repeat := grid.take(clock.finish(shown.duration))):
        yield CoveringFrame(len(clock) - 1, shown_tick, repeat, shown)
