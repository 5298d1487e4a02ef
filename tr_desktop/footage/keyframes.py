"""The keyframes of a file: a picture every few seconds, and the time of every frame, of which hardly any is decoded.

Only keyframes are decoded, because they need no other picture. The packets tell when each frame is shown, as in
`skip.py`, but no decoded frame confirms it: `Sampler` may find other frames in a damaged file.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tr_desktop.errors import MediaError
from tr_desktop.footage.container import open_video
from tr_desktop.footage.decode import Reading, decode_packet, new_clock, read_packets
from tr_desktop.footage.frames import PictureMaker
from tr_desktop.footage.rate import measured
from tr_desktop.moments import Footage, Media
from tr_desktop.picture_shape import PictureShape


@dataclass(frozen=True)
class KeyPicture:
    """A keyframe. pts: its time stamp in the file. picture: uint8 RGB [S, S, 3], upright."""

    pts: int
    picture: NDArray[np.uint8]


class KeyframeSampler:
    """Reads a file once and yields its keyframes, those nearer than `step_s` seconds to the one before left out.

    After the loop, `footage` has the time of every frame; it isn't whole, because nothing confirmed them. `read_bytes`
    shows the progress. Iterating raises MediaError if the file can't be opened, if no keyframe can be decoded, or if
    the packets leave a doubt about the frames: without presentation times, or with a clock that starts again.
    """

    def __init__(self, media: Media, step_s: Fraction, shape: PictureShape | int) -> None:
        self._media, self._step_s, self._shape = media, step_s, shape
        self._reading = Reading()
        self._footage: Footage | None = None

    @property
    def read_bytes(self) -> int:
        """How far into the file the latest picture was, bytes."""
        return self._reading.bytes

    @property
    def decoded_packets(self) -> int:
        """How many coded pictures the decoder was given so far."""
        return self._reading.decoded

    @property
    def footage(self) -> Footage:
        """The file as it was read; ValueError before the loop has ended."""
        if self._footage is None:
            raise ValueError("the footage hasn't been read to its end yet")
        return self._footage

    def __iter__(self) -> Iterator[KeyPicture]:
        picture_of = PictureMaker(self._media, self._shape)
        with open_video(self._media.path) as (container, stream):
            step_ticks = self._step_s / (stream.time_base or 1)
            stamps, latest = array("q"), (0, 0)  # the time stamp that is shown last, and for how long
            last_key: int | None = None
            for packet, pts in self._stamped(container, stream):
                if packet.is_discard:
                    continue
                stamps.append(pts)
                latest = max(latest, (pts, packet.duration or 0)) if len(stamps) > 1 else (pts, packet.duration or 0)
                if packet.is_keyframe and (last_key is None or pts - last_key >= step_ticks):
                    frame = _decoded_alone(packet, stream, self._reading)
                    if frame is not None:
                        last_key = pts
                        yield KeyPicture(pts, picture_of(frame))
            if last_key is None or self._reading.is_damaged:
                raise self._doubt("its keyframes can't be decoded")
            clock = new_clock(self._media, container, stream)
            for pts in sorted(stamps):
                clock.place(pts)
            clock.finish(latest[1])
            if not clock.is_regular:
                raise self._doubt("its clock leaps or stands still")
            self._footage = Footage(measured(self._media, clock.times), clock.times, is_whole=False)

    def _stamped(self, container: InputContainer, stream: VideoStream) -> Iterator[tuple[Packet[VideoStream], int]]:
        """All packets, each with its presentation time. Raises MediaError if one has none, or they aren't in order."""
        first_pts: int | None = None
        last_dts: int | None = None
        for packet in read_packets(container, stream, self._reading):
            if packet is None:
                return
            pts, dts = packet.pts, packet.dts
            if pts is None:
                raise self._doubt("its frames have no time stamps")
            if first_pts is None:
                first_pts = pts
                if not packet.is_keyframe:
                    raise self._doubt("it doesn't begin with a keyframe")
            if pts < first_pts:  # it refers to pictures that aren't in the file
                raise self._doubt("it begins before its first keyframe")
            if dts is not None:
                if last_dts is not None and dts <= last_dts:
                    raise self._doubt("its clock starts again")
                last_dts = dts
            yield packet, pts

    def _doubt(self, what: str) -> MediaError:
        return MediaError(what, path=self._media.path)


def _decoded_alone(packet: Packet[VideoStream], stream: VideoStream, reading: Reading) -> VideoFrame | None:
    """The picture of a keyframe, None if the decoder returns none. The decoder then begins anew: in some streams a
    keyframe drops the pictures that are still waiting to be shown."""
    frames = [*decode_packet(packet, stream, reading), *decode_packet(None, stream, reading)]
    stream.codec_context.flush_buffers()
    return next((frame for frame in frames if frame.pts == packet.pts), None)
