"""Frames to SMPTE labels and back, in integers and `Fraction` only."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Timecode:
    """A frame number on a timecode axis: `frame` real frames after 00:00:00:00 at `rate`, labelled with drop-frame or not."""

    frame: int
    rate: Fraction
    drop: bool = False
