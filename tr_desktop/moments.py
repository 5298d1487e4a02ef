"""The common currency: what the probe knows of a file, and what a search answers.

Everything here is frozen. Times are exact: `Fraction` seconds from the first frame, or integer frames counted from the
first frame (0) with exclusive ends. A `Moment` is what the command line prints, the scrubber draws, the project keeps
and an exporter writes; nothing downstream derives again what the probe read once.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from tr_desktop.timecode import Timecode


@dataclass(frozen=True)
class AudioTrack:
    """One audio stream: its codec name, channel count and sample rate in Hz."""

    codec: str
    channels: int
    rate_hz: int


@dataclass(frozen=True)
class Media:
    """A video file as the probe read it.

    rate: nominal frames a second, exact. width, height: pixels as shown (after rotation). rotation: degrees clockwise
    to turn the stored picture upright (0, 90, 180, 270); mirrored: then left and right swap. start_tc: source timecode
    of the first frame; the file's own, or zero when it has none (`has_timecode` tells). reel: the tape name that the
    file carries, if any.
    """

    path: Path
    size_bytes: int
    mtime_ns: int
    width: int
    height: int
    rate: Fraction
    start_tc: Timecode
    has_timecode: bool = False
    rotation: int = 0
    mirrored: bool = False
    is_vfr: bool = False
    codec: str = ""
    reel: str = ""
    audio: tuple[AudioTrack, ...] = ()


@dataclass(frozen=True)
class FrameTimes:
    """Presentation time of every frame of a file, in integer ticks of `tick_s` seconds from the first frame.

    `ticks` is strictly increasing and starts at 0; `end_tick` is where the last frame stops being shown. `start_pts` is
    the first frame's own time stamp in the file, by which frames are found again without decoding from the start; None
    where the file's time stamps are missing or contradict each other.
    """

    ticks: Sequence[int]
    end_tick: int
    tick_s: Fraction
    start_pts: int | None = None

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def duration_s(self) -> Fraction:
        return self.end_tick * self.tick_s

    def time_s(self, frame: int) -> Fraction:
        """When `frame` starts to be shown; `frame == len(self)` is the end of the file."""
        tick = self.end_tick if frame >= len(self.ticks) else int(self.ticks[frame])
        return tick * self.tick_s

    def frame_at(self, time_s: Fraction) -> int:
        """The frame on screen at `time_s`, clamped to the file: the last frame whose time is not after it."""
        tick = time_s // self.tick_s  # whole, so that hours of ticks are searched by integers
        return min(max(bisect.bisect_right(self.ticks, tick) - 1, 0), len(self.ticks) - 1)

    def boundary_at(self, time_s: Fraction) -> int:
        """The frame boundary nearest to `time_s`: 0 … len(self), where len(self) is the end of the file."""
        frame = self.frame_at(time_s)
        return frame + 1 if time_s - self.time_s(frame) > self.time_s(frame + 1) - time_s else frame


@dataclass(frozen=True)
class Segment:
    """Frames [start_frame, end_frame) of one file."""

    start_frame: int
    end_frame: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_frame < self.end_frame:
            raise ValueError(f"not a segment: [{self.start_frame}, {self.end_frame})")


@dataclass(frozen=True)
class RefineStep:
    """Where one refinement step put the edges: step 0 is the rough answer.

    score: how well the step's segment answers the query, in [0, 1].
    start_confidence, end_confidence: trust in each edge, in [0, 1].
    looked_closer: frames around the edges were decoded for it, beyond those of the index.
    """

    step: int
    segment: Segment
    start_s: Fraction
    end_s: Fraction
    score: float
    start_confidence: float
    end_confidence: float
    looked_closer: bool = False


@dataclass(frozen=True)
class Refinement:
    """All steps from rough to final, and `stop`: the step that was kept."""

    steps: tuple[RefineStep, ...]
    stop: int

    @property
    def kept(self) -> RefineStep:
        return self.steps[self.stop]


@dataclass(frozen=True)
class Moment:
    """An answer: one segment of one file, with how it was found.

    score: calibrated, in [0, 1]: of the moments with score near 0.8 about eight in ten are right.
    confident: whether the score reaches the pack's threshold.
    subtitle: what is said there, where the moment was found in subtitles and not in the pictures. source: the file that
    they are in; text_from: 'file' for one beside the footage, 'track' for a track of the footage itself, 'screen' for
    text that was read off its pictures.
    """

    media: Media
    times: FrameTimes = field(repr=False)
    refinement: Refinement
    score: float
    confident: bool
    query: str
    subtitle: str = ""
    source: Path | None = None
    text_from: str = ""

    @property
    def segment(self) -> Segment:
        return self.refinement.kept.segment

    def source_timecode(self, frame: int) -> Timecode:
        """The file's own timecode at `frame`.

        Editors conform variable-rate footage by time, so there the label counts time at the nominal rate, not frames.
        """
        if self.media.is_vfr:
            frame = round(self.times.time_s(frame) * self.media.rate)
        return self.media.start_tc + frame
