"""From footage to pictures at a steady rate, with the exact time of every frame on the way."""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from tr_desktop.errors import MediaError
from tr_desktop.footage import sampling, skip
from tr_desktop.footage.captions import Captions, Cue
from tr_desktop.footage.clock import Clock
from tr_desktop.footage.container import open_video
from tr_desktop.footage.decode import Reading, new_clock
from tr_desktop.footage.orientation import Orientation
from tr_desktop.footage.rate import measured
from tr_desktop.footage.sampling import SamplingGrid
from tr_desktop.footage.square import Square
from tr_desktop.moments import Footage, FrameTimes, Media
from tr_desktop.picture_shape import PictureShape

_TO_THE_END = ("flv", "matroska")
_TAIL_BYTES = 1 << 14  # an index, at the end of a short file


@dataclass(frozen=True)
class SampledFrame:
    """One sampled picture.

    frame: counted from the file's first frame (0). tick: when it starts to be shown (`FrameTimes.ticks[frame]`).
    picture: uint8 RGB [S, S, 3], upright. repeat: how many grid times it covers; more than 1 only if one
    frame stays on screen for longer than the sampling step.
    """

    frame: int
    tick: int
    picture: NDArray[np.uint8]
    repeat: int = 1


class Sampler:
    """Decodes a file once, from its first frame to its last, and yields the frame on screen at every k · `every_s`.

    Times count from the file's first frame, which is always yielded. Each frame is yielded at most once, in order.
    Every frame is counted, and timed by the file's own presentation times. Both are therefore exact for variable rates,
    start offsets, edit lists and reordered frames. Leaving the loop early closes the file.

    After the loop has ended: `times` holds all frames, `problems` the damage found, a sentence each, `cues` the text of
    the file's subtitle tracks, and `media` the rate that the frames show if the header didn't give it. `read_bytes`
    shows the progress.

    media: as the probe read it. every_s: sampling step, seconds. shape: of the pictures; a number is the side of
    squashed ones. decode_all: also decode frames that are neither sampled nor needed by others; the samples are the
    same, only later (`skip.py`). It becomes true if damage makes that necessary: to resume later, pass it back in.
    first_row: k of the first sample, to resume; frames before it are counted, and decoded only if others need them.
    device: a graphics device to decode on (`hardware.py`). If the device fails, it becomes "" and the CPU continues
    from the next sample. Iterating raises MediaError if the file can't be opened or no frame can be decoded.
    """

    def __init__(
        self,
        media: Media,
        every_s: Fraction,
        shape: PictureShape | int,
        *,
        decode_all: bool = False,
        first_row: int = 0,
        device: str = "",
    ) -> None:
        if every_s <= 0 or first_row < 0:
            raise ValueError(f"nothing to sample every {every_s} s from {first_row}")
        self.media = media
        self.every_s = every_s
        self.shape = shape
        self.decode_all = decode_all
        self.device = "" if decode_all else device
        self.problems: list[str] = []
        self.cues: tuple[Cue, ...] = ()
        self._reading = Reading()
        self._clock: Clock | None = None
        self._covered = first_row  # grid times that have their frame
        self._times: FrameTimes | None = None

    @property
    def read_bytes(self) -> int:
        """How far into the file the latest picture was, bytes."""
        return self._reading.bytes

    @property
    def packets_digest(self) -> bytes:
        """blake2b of all packets of the pictures and subtitles, 16 bytes, once the loop has ended."""
        return b"" if self._reading.packets is None else self._reading.packets.digest()

    @property
    def decoded_packets(self) -> int:
        """How many coded pictures the decoder was given so far."""
        return self._reading.decoded

    @property
    def times(self) -> FrameTimes:
        """The time of every frame; ValueError before the loop has ended."""
        if self._times is None:
            raise ValueError("the footage hasn't been decoded to its end yet")
        return self._times

    @property
    def footage(self) -> Footage:
        """The file as it was read; ValueError before the loop has ended."""
        return Footage(self.media, self.times)

    @property
    def times_so_far(self) -> FrameTimes:
        """The time of every frame that the samples so far cover; ValueError before the first."""
        if not self._clock:
            raise ValueError("nothing has been decoded yet")
        times = self._clock.times_so_far
        frames = bisect.bisect_left(times.ticks, self._covered * self.every_s / times.tick_s)
        end_tick = times.ticks[frames] if frames < len(times) else times.end_tick
        return FrameTimes(times.ticks[:frames], end_tick, times.tick_s, times.start_pts)

    def __iter__(self) -> Iterator[SampledFrame]:
        picture_of = PictureMaker(self.media, self.shape)
        clock: Clock | None = None
        format_name = ""
        ways = [(self.device, skip.sampled_by_skipping)] if self.device else []
        ways += (
            [("", sampling.sampled_by_decoding)]
            if self.decode_all
            else [("", skip.sampled_by_skipping), ("", sampling.sampled_by_decoding)]
        )
        for device, sampled_frames in ways:
            self.device = device
            self.decode_all = sampled_frames is sampling.sampled_by_decoding
            with _forgiving(device), open_video(self.media.path, device) as (container, stream):
                self._reading = Reading(
                    promised_ticks=stream.duration or 0,
                    captions=Captions(container),
                    packets=hashlib.blake2b(digest_size=16),
                )
                format_name = container.format.name
                clock = self._clock = new_clock(self.media, container, stream)
                grid = SamplingGrid(self.every_s / (stream.time_base or 1), self._covered)
                for shown in sampled_frames(container, stream, clock, grid, self._reading):
                    picture = picture_of(shown.frame)  # first: copying it from the device may fail
                    self._covered += shown.repeat
                    yield SampledFrame(shown.number, shown.tick, picture, shown.repeat)
                break
        if not clock:
            raise MediaError("none of its frames can be decoded", path=self.media.path)
        self._times = clock.times
        self.media = measured(self.media, self._times)
        self.problems = self._reading.sentences(clock, self._times)
        self.problems += _unread(format_name, self._reading.bytes, self.media.size_bytes)
        if self._reading.captions is not None:
            self.cues = self._reading.captions.cues(clock.first_s)


def _unread(format_name: str, read_bytes: int, size_bytes: int) -> list[str]:
    """A sentence if reading ended long before the file: FFmpeg takes the header of a joined file for its end.

    Only for containers that hold pictures up to their end and don't promise a length.
    """
    left = size_bytes - read_bytes
    if not format_name.startswith(_TO_THE_END) or left < max(_TAIL_BYTES, size_bytes // 10):
        return []
    return [f"the last {100 * left // size_bytes} % of the file can't be read, or hold no pictures"]


@contextmanager
def _forgiving(device: str) -> Iterator[None]:
    """Lets the next way of decoding take over after `SkippingUnsafe`, and after any error on a device."""
    try:
        with suppress(skip.SkippingUnsafe):
            yield
    except (MediaError, FFmpegError):
        if not device:
            raise


class PictureMaker:
    """From decoded frames of one file to upright square RGB pictures."""

    def __init__(self, media: Media, shape: PictureShape | int) -> None:
        self._orientation = Orientation(media.rotation, media.mirrored)
        self._pixel_aspect = media.pixel_aspect
        self._square = Square(shape)

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """uint8 RGB [S, S, 3] of one frame."""
        return self._square(frame, self._orientation, self._pixel_aspect)
