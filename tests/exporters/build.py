"""Moments made by hand, for the exporters' tests."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from exporters.timeline import Timeline, timeline_from_moments
from tr_desktop.moments import (
    AudioTrack,
    Colour,
    FieldOrder,
    Footage,
    FrameTimes,
    Media,
    Moment,
    Refinement,
    RefineStep,
    Segment,
)
from tr_desktop.timecode import Timecode

NTSC_24, NTSC_30, NTSC_60 = (Fraction(n * 1000, 1001) for n in (24, 30, 60))

AXES = [
    (NTSC_24, False),
    (Fraction(24), False),
    (Fraction(25), False),
    (NTSC_30, True),
    (NTSC_30, False),
    (Fraction(30), False),
    (Fraction(50), False),
    (NTSC_60, True),
    (NTSC_60, False),
    (Fraction(60), False),
]
STARTS = ["00:00:00:00", "01:00:00:00", "10:00:00:00", "23:59:58:00"]
AWKWARD_NAMES = [
    "plain.mov",
    "with space & 'quotes' \"double\" #1 100%.mov",
    "a+b,c;d=[e]{f}(g)!@$^~`.mov",
    "ünï 日本 🚴‍♀️ clip.mov",
    "עברית العربية.mov",
    "line\nbreak\r\n002  FORGED   V     C        00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n.mov",
    "tab\tseparated\u2028and\u0085more\x1e.mov",
    "=HYPERLINK(1)|C:x|D:5.mov",
    "]]><evil>&amp;%41.mov",
    "-leading dash.mov",
    "bl.mov",
]


def media(
    name: str = "clip.mov",
    rate: Fraction = Fraction(25),
    start: str | Timecode = "00:00:00:00",
    drop: bool = False,
    channels: tuple[int, ...] = (),
    folder: Path = Path("/footage"),
    reel: str = "",
    is_vfr: bool = False,
    size: tuple[int, int] = (1920, 1080),
    **facts: Any,
) -> Media:
    """facts: further fields of `Media`."""
    made = Media(
        path=folder / name,
        size_bytes=1,
        mtime_ns=1,
        width=size[0],
        height=size[1],
        rate=rate,
        start_tc=start if isinstance(start, Timecode) else Timecode.parse(start, rate, drop),
        has_timecode=True,
        is_vfr=is_vfr,
        codec="h264",
        reel=reel,
        audio=tuple(AudioTrack("pcm_s16le", count, 48000) for count in channels),
    )
    return replace(made, **facts)


def moment(
    source: Media,
    start_frame: int = 10,
    end_frame: int = 60,
    frames: int = 1000,
    query: str = "a dog catches a frisbee",
    times: FrameTimes | None = None,
) -> Moment:
    times = times or FrameTimes(range(frames), frames, 1 / source.rate)
    step = RefineStep(
        step=0,
        segment=Segment(start_frame, end_frame),
        start_s=times.time_s(start_frame),
        end_s=times.time_s(end_frame),
        score=0.8,
        start_confidence=0.9,
        end_confidence=0.7,
    )
    return Moment(Footage(source, times), Refinement((step,), 0), score=0.82, confident=True, query=query)


PAL_WIDE: dict[str, Any] = {
    "size": (1024, 576),
    "stored_width": 720,
    "stored_height": 576,
    "pixel_aspect": Fraction(64, 45),
    "fields": FieldOrder.UPPER_FIRST,
    "colour": Colour(5, 1, 6, False),
}
"""Interlaced anamorphic standard definition, as `probe` describes it."""

LAYOUTS: list[tuple[int, ...]] = [(), (1,), (1, 1), (2,), (1,) * 8, (1, 2, 6)]
FOUND = [(0, 1), (3, 50), (17, 1800), (1798, 3601), (17980, 17985)]


def matrix_timeline(rate: Fraction, drop: bool, start: str, channels: tuple[int, ...] = (2,)) -> Timeline:
    """Moments at places where labels skip, with handles; source and timeline both start at `start`."""
    source = media("clip ü & 1.mov", rate=rate, start=start, drop=drop, channels=channels, reel="A001C003_210101_R2EC")
    moments = [moment(source, *found, frames=20000) for found in FOUND]
    return timeline_from_moments(moments, handles_s=Fraction(1, 5), start_tc=start)


over_the_matrix = pytest.mark.parametrize(
    ("rate", "drop", "start"),
    [(rate, drop, start) for rate, drop in AXES for start in STARTS],
    ids=lambda value: value if isinstance(value, str) else f"{float(value):g}",
)
