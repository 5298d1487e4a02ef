"""The common values: a file as the probe read it, and the moments that a search finds.

Everything here is frozen. Times are exact: `Fraction` seconds from the first frame, or integer frames counted from the
first frame (0) with exclusive ends. A `Moment` is what the command line prints, the scrubber draws, the project keeps
and an exporter writes; nothing downstream derives the probe's facts again.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tr_desktop.timecode import Timecode


class FieldOrder(Enum):
    """Whether each frame is one picture or two fields, and which field was taken first. Values as in xmeml."""

    UNKNOWN = ""
    PROGRESSIVE = "none"
    UPPER_FIRST = "upper"
    LOWER_FIRST = "lower"

    @property
    def is_interlaced(self) -> bool:
        return self in (FieldOrder.UPPER_FIRST, FieldOrder.LOWER_FIRST)


UNSPECIFIED = 2
"""A code point of ITU-T H.273: the file has none."""


@dataclass(frozen=True)
class Colour:
    """Colour as code points of ITU-T H.273, `UNSPECIFIED` if the file has none. is_full_range: None likewise."""

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED
    is_full_range: bool | None = None


class TrackKind(Enum):
    AUDIO = "audio"
    SUBTITLES = "subtitles"
    DATA = "data"
    VIDEO = "video"  # a second picture: a cover, a preview, another angle


@dataclass(frozen=True)
class AudioTrack:
    """One audio stream that can be decoded: its codec name, channel count and sample rate in Hz.

    index: the stream's number in the file, as the demuxer counts. language: as the file writes it ("eng", "deu"), or
    "". is_layout_known: whether the file says what the channels are. is_float: whether samples are floating-point.
    """

    codec: str
    channels: int
    rate_hz: int
    index: int = -1
    language: str = ""
    is_layout_known: bool = True
    is_float: bool = False


@dataclass(frozen=True)
class OtherTrack:
    """A stream beside the main picture and the audio that can be decoded. codec: "" if no decoder knows it."""

    kind: TrackKind
    codec: str
    index: int
    language: str = ""


@dataclass(frozen=True)
class Media:
    """A video file as the probe read it.

    rate: nominal frames a second, exact. width, height: pixels as shown (after rotation, with square pixels).
    stored_width, stored_height: pixels as the file stores them, before rotation; 0 if an older library lacks them.
    pixel_aspect: width of a stored pixel by its height. rotation: degrees clockwise to turn the stored picture upright
    (0, 90, 180, 270); mirrored: then left and right swap. codec_tag: the four characters by which the container names
    the kind of codec ("hvc1", "apcn"), or "". start_tc: source timecode of the first frame; the file's own, or zero if
    it has none (not `has_timecode`). reel: the tape name that the file carries, if any. duration_s: how long the
    pictures last by the file's header, or None; `FrameTimes` know it exactly if all of the file was read.
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
    duration_s: Fraction | None = None
    stored_width: int = 0
    stored_height: int = 0
    pixel_aspect: Fraction = Fraction(1)
    codec_tag: str = ""
    fields: FieldOrder = FieldOrder.UNKNOWN
    colour: Colour = Colour()
    has_alpha: bool = False
    other_tracks: tuple[OtherTrack, ...] = ()


def steady_frames(time_s: Fraction, rate: Fraction) -> int:
    """How many frames of a constant rate have their middle before `time_s`.

    A picture that begins just in the middle of a frame is on screen then, so that frame shows it. Rounding to even
    would give it to this frame or to the next one, by turns.
    """
    return ceil(time_s * rate - Fraction(1, 2))


@dataclass(frozen=True)
class FrameTimes:
    """Presentation time of every frame of a file, in integer ticks of `tick_s` seconds from the first frame.

    `ticks` is strictly increasing and starts at 0; `end_tick` is where the last frame stops being shown. `start_pts` is
    the first frame's own time stamp in the file, by which frames are found again without decoding from the start; None
    if the file's time stamps are missing or contradict each other.
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
        tick = time_s // self.tick_s  # whole: hours of ticks are searched as integers
        return min(max(bisect.bisect_right(self.ticks, tick) - 1, 0), len(self.ticks) - 1)

    def first(self, frames: int) -> FrameTimes:
        """The times of the first `frames` frames."""
        return self if frames >= len(self) else replace(self, ticks=self.ticks[:frames], end_tick=self.ticks[frames])

    def boundary_at(self, time_s: Fraction) -> int:
        """The frame boundary nearest to `time_s`: 0 … len(self), where len(self) is the end of the file."""
        frame = self.frame_at(time_s)
        return frame + 1 if time_s - self.time_s(frame) > self.time_s(frame + 1) - time_s else frame


@dataclass(frozen=True)
class Footage:
    """A file that was read: its facts, and when each of its frames is shown.

    is_whole: whether the times are those of all frames; otherwise only a first part of the file has been read.
    contents: digests by which the library has known this file: its own first, and those before it got longer. Frames of
    each are where they were. Empty if the file isn't from a library.

    `timecode_at` and `frame_at` are the one place that turns frames into source timecode and back. Editors conform
    variable-rate footage by time, so there a label counts time at the nominal rate instead of frames.
    """

    media: Media
    times: FrameTimes = field(repr=False)
    is_whole: bool = True
    contents: tuple[bytes, ...] = field(default=(), repr=False, compare=False)

    def __len__(self) -> int:
        """The number of frames that were read."""
        return len(self.times)

    @property
    def label_length(self) -> int | None:
        """How many labels the whole file has; None if only a part was read and the header gives no duration."""
        read = self.label_frames(len(self.times))
        if self.is_whole:
            return read
        duration_s = self.media.duration_s
        return None if duration_s is None else max(read, steady_frames(duration_s, self.media.rate))

    def label_frames(self, frame: int) -> int:
        """How many labels `frame` is after the first frame's."""
        return steady_frames(self.times.time_s(frame), self.media.rate) if self.media.is_vfr else frame

    def timecode_at(self, frame: int) -> Timecode:
        """The source timecode of `frame`; its label wraps at 24 hours, the value does not."""
        return self.media.start_tc + self.label_frames(frame)

    def frame_at(self, label_frames: int) -> int:
        """The frame that is `label_frames` labels after the first; with a constant rate it may lie outside the file."""
        return self.times.frame_at(label_frames / self.media.rate) if self.media.is_vfr else label_frames


@dataclass(frozen=True)
class Segment:
    """Frames [start_frame, end_frame) of one file."""

    start_frame: int
    end_frame: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_frame < self.end_frame:
            raise ValueError(f"not a segment: [{self.start_frame}, {self.end_frame})")

    @property
    def frames(self) -> int:
        return self.end_frame - self.start_frame


@dataclass(frozen=True)
class Indexed:
    """One searchable file, or the part of it that has been read so far.

    vectors: [T, width], L2-normalised, fp16 as they are stored or fp32 to compute with; row k stands for the frame on
    screen at k * `every_s` seconds.
    problems: damage that was passed over, as sentences. is_coarse: whether only keyframes were read of it, or of a
    part of it: rows there repeat the nearest keyframe's.
    """

    footage: Footage
    every_s: Fraction
    vectors: npt.NDArray[np.float16] | npt.NDArray[np.float32]
    problems: tuple[str, ...] = ()
    is_coarse: bool = False

    @property
    def media(self) -> Media:
        return self.footage.media

    @property
    def times(self) -> FrameTimes:
        return self.footage.times

    def boundary_frame(self, row: int) -> int:
        """The frame boundary where row number `row` takes over from the one before.

        The change lies somewhere between the two sampled frames: half-way is the best guess. Rows 0 and T are the
        file's ends.
        """
        if row == 0:
            return 0
        if row == len(self.vectors):
            return len(self.times)
        return self.times.boundary_at((row - Fraction(1, 2)) * self.every_s)


class StepSource(Enum):
    """What a refinement step read: the index, frames decoded for it, words of the footage, or a video language model
    wrote it; or an editor set the edges."""

    INDEX = "index"
    FRAMES = "frames"
    WORDS = "words"
    MODEL = "grounder"
    HAND = "hand"


@dataclass(frozen=True)
class RefineStep:
    """Where one refinement step put the edges: step 0 is the rough answer.

    score: how well the step's segment answers the query, in [0, 1].
    start_confidence, end_confidence: trust in each edge, in [0, 1]; None if the grounder gives none, 1 for an edge that
    an editor set. start_is_exact, end_is_exact: whether the edge is on a hard cut that was found there on single
    frames, or at an end of its file. said: the words around it, if a video language model wrote it.
    """

    step: int
    segment: Segment
    start_s: Fraction
    end_s: Fraction
    score: float
    start_confidence: float | None
    end_confidence: float | None
    by: StepSource = StepSource.INDEX
    start_is_exact: bool = False
    end_is_exact: bool = False
    said: str = ""

    @property
    def looked_closer(self) -> bool:
        """Whether frames around the edges were decoded for it, beyond those of the index."""
        return self.by is StepSource.FRAMES


@dataclass(frozen=True)
class Refinement:
    """All steps from rough to final, and `stop`: the step that was kept."""

    steps: tuple[RefineStep, ...]
    stop: int

    @property
    def kept(self) -> RefineStep:
        return self.steps[self.stop]


class TextKind(Enum):
    """Where text of footage comes from: a file beside it, a track inside it, its pictures, or its own name."""

    FILE = "file"
    TRACK = "track"
    SCREEN = "screen"
    NAME = "name"


@dataclass(frozen=True)
class Quote:
    """The text in which a moment was found. source: the file that the text is in; the footage itself for its tracks,
    its pictures and its name."""

    text: str
    source: Path
    kind: TextKind

    @property
    def is_speech(self) -> bool:
        """Whether the moment has its times from subtitles, not from pictures."""
        return self.kind in (TextKind.FILE, TextKind.TRACK)

    @property
    def why(self) -> str:
        """Why the moment was found."""
        places = {TextKind.SCREEN: "on screen", TextKind.NAME: "file name"}
        return f"{places[self.kind]}: {self.text}" if self.kind in places else f"said: “{self.text}”"


MARKER_COLOURS = ("blue", "cyan", "green", "yellow", "red", "pink", "purple")
"""Those that editors have in common; the first stands for any other."""
MAX_RATING = 5


@dataclass(frozen=True)
class Mark:
    """A place to come back to. frame: counted from the file's first. colour: one of `MARKER_COLOURS`."""

    frame: int
    name: str = ""
    colour: str = MARKER_COLOURS[0]


@dataclass(frozen=True)
class Judgement:
    """An answer that the user marked right or wrong: the one that shows `frame` of the file at `path`."""

    path: Path
    frame: int
    is_right: bool

    def is_about(self, moment: Moment) -> bool:
        return any(
            part.footage.media.path == self.path and part.segment.start_frame <= self.frame < part.segment.end_frame
            for part in moment.parts
        )


@dataclass(frozen=True)
class Remarks:
    """An editor's words about a moment. rating: 1 to `MAX_RATING`, or 0 for none."""

    name: str = ""
    note: str = ""
    rating: int = 0
    marks: tuple[Mark, ...] = ()


NO_REMARKS = Remarks()


@dataclass(frozen=True)
class Part:
    """Frames of one file that belong to a moment over several, as cameras split a long recording."""

    footage: Footage
    segment: Segment


@dataclass(frozen=True)
class Moment:
    """An answer: one segment of one file, with how it was found.

    score: the chance, in [0, 1], that it is right (tIoU of at least 0.5 with a true one) among all that was searched.
    Of the moments with score near 0.8 about eight in ten are; in a larger library the same moment may score lower.
    confident: whether the score reaches the pack's threshold.
    quote: set if the moment was found in text, or by its file's name. remarks: what an editor added.
    continued: its frames in the files that go on from this one; `parts` has them while it reaches this one's end.
    is_coarse: whether it was found in keyframes, while its file was still being read.
    """

    footage: Footage
    refinement: Refinement
    score: float
    confident: bool
    query: str
    quote: Quote | None = None
    remarks: Remarks = NO_REMARKS
    continued: tuple[Part, ...] = ()
    is_coarse: bool = False

    @property
    def parts(self) -> tuple[Part, ...]:
        """All frames of the moment, file by file; more than one if it reaches its file's end and goes on."""
        first = Part(self.footage, self.segment)
        return (first, *self.continued) if self.segment.end_frame == len(self.footage) else (first,)

    @property
    def media(self) -> Media:
        return self.footage.media

    @property
    def times(self) -> FrameTimes:
        return self.footage.times

    @property
    def segment(self) -> Segment:
        return self.refinement.kept.segment
