"""Types and helpers that all ways of cutting share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer

from tr_desktop.moments import FrameTimes, Segment
from tr_desktop.timecode import Timecode

FrameProgress = Callable[[int, int], None]
"""Called with (frames done, frames in all); an exception raised in it stops the cut."""


@dataclass(frozen=True)
class Cut:
    """A finished, verified clip.

    segment: the source frames that it holds; start_tc: the label of the first. notes: sentences on what the clip can't
    hold.
    """

    path: Path
    segment: Segment
    start_tc: Timecode
    notes: tuple[str, ...] = ()


def open_clip(out: Path) -> OutputContainer:
    """Open `out` for writing; the suffix decides the container. MOV and MP4 keep metadata of any name."""
    options = {"movflags": "use_metadata_tags"} if out.suffix in {".mov", ".mp4"} else {}
    return av.open(str(out), "w", container_options=options)


def on_own_clock(times: FrameTimes, time_s: Fraction) -> Fraction:
    """The time `time_s` after the first frame, in seconds on the file's own clock."""
    return (times.start_pts or 0) * times.tick_s + time_s
