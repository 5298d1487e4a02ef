"""The scrubber's geometry, without Qt: times to pixels and back, the ruler's marks, snapping, and the strips' heights.

Positions along a file are exact: ticks of the file's own clock. Pixels may be fractional; they become frames only
through `frame_at` and `boundary_at`, which compare fractions.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from tr_desktop.moments import Footage, FrameTimes, Segment
from tr_desktop.timecode import nominal_fps

FEWEST_FRAMES = 12  # in the closest view, at the file's average frame length
SNAP_PX = 8
_LABEL_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
_PARTS = 1 << 12  # of a tick
_FINE_PX = 7  # the least distance of marks without a label


class Edge(Enum):
    IN = "in"
    OUT = "out"


def frame_of(segment: Segment, edge: Edge) -> int:
    """The frame boundary of an edge; the out point is exclusive."""
    return segment.start_frame if edge is Edge.IN else segment.end_frame


def with_edge(segment: Segment, edge: Edge, boundary: int, frames: int) -> Segment:
    """`segment` with one edge moved to `boundary`, or to the nearest one that leaves a frame between in and out.

    frames: the length of the file.
    """
    if edge is Edge.IN:
        return Segment(min(max(boundary, 0), segment.end_frame - 1), segment.end_frame)
    return Segment(segment.start_frame, max(min(boundary, frames), segment.start_frame + 1))


@dataclass(frozen=True)
class View:
    """The part of a file that `width_px` pixels show: `span` ticks from tick `start` on, always inside the file."""

    times: FrameTimes
    width_px: int
    start: Fraction
    span: Fraction

    @classmethod
    def whole(cls, times: FrameTimes, width_px: int) -> View:
        return cls(times, max(width_px, 1), Fraction(0), Fraction(times.end_tick))

    def around(self, segment: Segment, share: Fraction) -> View:
        """The view in which `segment` takes `share` of the width, in the middle if the file allows."""
        start, end = self._tick(segment.start_frame), self._tick(segment.end_frame)
        span = self._allowed(Fraction(end - start) / share)
        return self._inside(start - (span - (end - start)) / 2, span)

    def resized(self, width_px: int) -> View:
        return replace(self, width_px=max(width_px, 1))

    def zoomed(self, factor: Fraction, at_px: float) -> View:
        """Closer by `factor`, or farther if it is less than 1; the time at `at_px` stays there."""
        fixed = self.tick_at(at_px)
        span = self._allowed(self.span / factor)
        return self._inside(fixed - (fixed - self.start) * span / self.span, span)

    def panned(self, px: float) -> View:
        """The view `px` pixels later; negative: earlier."""
        return self._inside(self.start + Fraction(px) * self.span / self.width_px, self.span)

    def containing(self, frame: int) -> View:
        """This view if it shows `frame`, else one of the same span with `frame` in the middle."""
        if 0 <= self.x_of(frame) <= self.width_px:
            return self
        return self._inside(self._tick(frame) - self.span / 2, self.span)

    def x_of(self, boundary: int) -> float:
        """The pixel at which a frame begins; for the number of frames: at which the file ends."""
        return float((self._tick(boundary) - self.start) * self.width_px / self.span)

    def x_at_s(self, time_s: Fraction) -> float:
        return float((time_s / self.times.tick_s - self.start) * self.width_px / self.span)

    def tick_at(self, x: float) -> Fraction:
        return self.start + Fraction(x) * self.span / self.width_px

    def frame_at(self, x: float) -> int:
        """The frame at `x`, clamped to the file."""
        return self.times.frame_at(self.tick_at(x) * self.times.tick_s)

    def boundary_at(self, x: float) -> int:
        """The frame boundary nearest to `x`: 0 … number of frames."""
        return self.times.boundary_at(self.tick_at(x) * self.times.tick_s)

    def snapped(self, x: float, targets: Sequence[int]) -> int:
        """The nearest of `targets`, sorted boundaries, within SNAP_PX of `x`; `boundary_at` if there is none."""
        free = self.boundary_at(x)
        at = bisect.bisect_left(targets, free)
        near = [target for target in targets[max(at - 1, 0) : at + 2] if abs(self.x_of(target) - x) <= SNAP_PX]
        return min(near, key=lambda target: abs(self.x_of(target) - x), default=free)

    @property
    def frame_px(self) -> float:
        """The width of a frame of average length, pixels."""
        return float(self.times.end_tick * self.width_px / (len(self.times) * self.span))

    def first_and_last(self) -> tuple[int, int]:
        """The first and the last frame in view."""
        return self.frame_at(0), self.frame_at(self.width_px)

    def _allowed(self, span: Fraction) -> Fraction:
        """The nearest span that a view may have."""
        least = Fraction(self.times.end_tick * FEWEST_FRAMES, len(self.times))
        return min(max(span, least), Fraction(self.times.end_tick))

    def _tick(self, boundary: int) -> int:
        return int(self.times.ticks[boundary]) if boundary < len(self.times) else self.times.end_tick

    def _inside(self, start: Fraction, span: Fraction) -> View:
        # Rounded: fractions would grow longer with every turn of the wheel.
        start, span = (Fraction(round(ticks * _PARTS), _PARTS) for ticks in (start, span))
        span = self._allowed(span)
        return replace(self, start=min(max(start, Fraction(0)), self.times.end_tick - span), span=span)


@dataclass(frozen=True)
class Mark:
    """A mark of the ruler at the start of `frame`. is_labelled: its time is written beside it."""

    frame: int
    is_labelled: bool


def ruler(view: View, footage: Footage, label_px: float) -> list[Mark]:
    """Marks at round labels of the source's timecode; labels are at least `label_px` apart."""
    fps = nominal_fps(footage.media.rate)
    second_px = float(1 / view.times.tick_s * view.width_px / view.span)
    within = [step for step in range(1, fps) if fps % step == 0]  # frames
    labelled = next((Fraction(step, fps) for step in within if step / fps * second_px >= label_px), None)
    steps = [*(Fraction(step, fps) for step in within), *map(Fraction, _LABEL_SECONDS)]
    if labelled is None:
        labelled = next(
            (Fraction(s) for s in _LABEL_SECONDS if s * second_px >= label_px), Fraction(_LABEL_SECONDS[-1])
        )
    fine = next(step for step in steps if step == labelled or (step * second_px >= _FINE_PX and _fits(step, labelled)))
    marks: list[Mark] = []
    for frame, place in _round_frames(view, footage, fine, fps):
        if not marks or marks[-1].frame != frame:
            marks.append(Mark(frame, place % labelled == 0))
    return marks


def _fits(step: Fraction, into: Fraction) -> bool:
    return into % step == 0


def _round_frames(view: View, footage: Footage, step: Fraction, fps: int) -> Iterator[tuple[int, Fraction]]:
    """(Frame, its label in seconds) for the labels in view that are multiples of `step` seconds."""
    first, last = view.first_and_last()
    zero = footage.media.start_tc
    low, high = (footage.label_frames(frame) for frame in (first, last))
    whole = max(int(step), 1)
    second = bisect.bisect_left(range(10**7), zero.frame + low, key=lambda s: zero.at_second(s).frame) - 1
    second = max(second - second % whole, 0)
    while (begins := zero.at_second(second)).frame - zero.frame <= high:
        skipped = fps - (zero.at_second(second + 1).frame - begins.frame)  # labels that drop-frame leaves out
        for part in range(0, fps, int(step * fps)) if step < 1 else (0,):
            at = begins.frame - zero.frame + max(part - skipped, 0)
            if low <= at <= high:
                yield footage.frame_at(at), second + Fraction(part, fps)
        second += whole


@dataclass(frozen=True)
class Strip:
    """A horizontal strip, pixels."""

    top: int
    height: int

    @property
    def bottom(self) -> int:
        return self.top + self.height


@dataclass(frozen=True)
class Strips:
    """The strips of the scrubber from top to bottom; `steps` from rough to final."""

    overview: Strip
    ruler: Strip
    film: Strip
    curve: Strip
    steps: tuple[Strip, ...]


OVERVIEW_PX, RULER_PX, FILM_PX, CURVE_PX, STEP_PX = 22, 20, 34, 22, 17  # least heights
MAX_FILM_PX, MAX_CURVE_PX, MAX_STEP_PX = 64, 56, 26
GAP_PX = 6


def least_height(steps: int) -> int:
    return OVERVIEW_PX + RULER_PX + FILM_PX + CURVE_PX + 3 * GAP_PX + steps * STEP_PX


def make_strips(height_px: int, steps: int) -> Strips:
    """The strips in a widget of `height_px`: spare height goes to the steps, then the film, then the curve."""
    spare = max(height_px - least_height(steps), 0)
    step_px = min(STEP_PX + (spare // steps if steps else 0), MAX_STEP_PX)
    spare -= steps * (step_px - STEP_PX)
    film_px = min(FILM_PX + spare * 2 // 3, MAX_FILM_PX)
    curve_px = min(CURVE_PX + spare - (film_px - FILM_PX), MAX_CURVE_PX)
    overview = Strip(0, OVERVIEW_PX)
    marks = Strip(overview.bottom + GAP_PX, RULER_PX)
    film = Strip(marks.bottom, film_px)
    curve = Strip(film.bottom, curve_px)
    top = curve.bottom + GAP_PX
    return Strips(overview, marks, film, curve, tuple(Strip(top + step * step_px, step_px) for step in range(steps)))
