"""The filmstrip's tiles, without Qt: which frame stands for which part of the strip.

A tile never shows a picture from the other side of an edge or of a shot change: there it is split.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tr_desktop.app.scrubber.geometry import View


@dataclass(frozen=True)
class Tile:
    """`frame` from pixel `x` on, `width_px` wide. is_first: a tile begins here; otherwise it is the rest of one."""

    x: float
    width_px: float
    frame: int
    is_first: bool


def tile_frames(view: View, wide_px: int) -> float:
    """How many frames of average length a tile of `wide_px` covers."""
    return float(len(view.times) * view.span * wide_px / (view.width_px * view.times.end_tick))


def tiles(view: View, wide_px: int, splits: Sequence[int]) -> Iterator[Tile]:
    """The tiles in view from left to right, `wide_px` wide. splits: frame boundaries, sorted, that no tile crosses."""
    times = view.times
    # Tiles move with the file, and similar zooms ask for the same frames.
    tile_ticks = view.span * wide_px / view.width_px
    grain = 1 << max(int(tile_frames(view, wide_px) / 4).bit_length() - 1, 0)
    for number in range(int(view.start / tile_ticks), int((view.start + view.span) / tile_ticks) + 1):
        first = times.frame_at(number * tile_ticks * times.tick_s)
        at = bisect.bisect_right(splits, first)
        frame = max(first // grain * grain, splits[at - 1] if at else 0)
        x, end_x = (_x(view, (number + step) * tile_ticks) for step in (0, 1))
        is_first = True
        for split in splits[at:]:
            split_x = view.x_of(split)
            if split_x >= end_x:
                break
            yield Tile(x, split_x - x, frame, is_first)
            x, frame, is_first = split_x, split, False
        yield Tile(x, end_x - x, min(frame, len(times) - 1), is_first)


def _x(view: View, tick: Fraction) -> float:
    return float((tick - view.start) * view.width_px / view.span)
