"""Exact random access: each frame is found by its own time stamp."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain

import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tr_desktop.errors import MediaError
from tr_desktop.footage.container import open_video
from tr_desktop.footage.decode import Reading, decode_frames, decode_packet, read_packets
from tr_desktop.footage.encoder_note import encoder_note, with_note
from tr_desktop.footage.frames import PictureMaker
from tr_desktop.footage.skip import leave_out
from tr_desktop.moments import Footage, FrameTimes, Media
from tr_desktop.picture_shape import PictureShape

# How far before the wanted frame to seek, attempt by attempt. MP4 seeks by decoding time and may land on a keyframe
# that is shown after the wanted frame. A transport stream has no index and lands anywhere near.
_BACK_OFF_S = tuple(map(Fraction, (0, 0.5, 1, 2, 4, 8, 16, 32)))
READ_ON_S = Fraction(2)  # wanted frames closer than this are reached by decoding on


def read_frames(
    footage: Footage, frames: Sequence[int], shape: PictureShape | int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield (frame, picture) for each of `frames`, in rising order and once each.

    picture: uint8 RGB [S, S, 3], like the sampler's. Otherwise as `find_frames`.
    """
    picture_of = PictureMaker(footage.media, shape)
    for number, frame in find_frames(footage, frames):
        yield number, picture_of(frame)


def find_frames(footage: Footage, frames: Sequence[int]) -> Iterator[tuple[int, VideoFrame]]:
    """Yield (frame, decoded frame) for each of `frames`, in rising order and once each.

    footage: as a finished `Sampler` gave it. These are the frames that the sampler numbered, recognised by
    their time stamps. If these can't be trusted (`times.start_pts` is None), the file is decoded from its start.
    Raises IndexError for a frame outside the file, MediaError if the file can't be read or no longer has the frame.
    """
    media, times = footage.media, footage.times
    wanted = sorted(set(frames))
    if wanted and not 0 <= wanted[0] <= wanted[-1] < len(times):
        raise IndexError(f"frames {wanted[0]} … {wanted[-1]} of a file of {len(times)}")
    found = 0
    if times.start_pts is not None:
        for number, frame in _seek_each(footage, times.start_pts, wanted):
            yield number, frame
            found += 1
    if found < len(wanted):  # no trustworthy time stamps, or a seek that went astray
        for number, frame in _from_start(media, wanted[found:]):
            yield number, frame
            found += 1
    if found < len(wanted):
        raise MediaError(f"frame {wanted[found]} is missing: the file has changed", path=media.path)


def _seek_each(footage: Footage, start_pts: int, wanted: Sequence[int]) -> Iterator[tuple[int, VideoFrame]]:
    """Wanted frames, one seek for each run of near ones. Ends early at the first that isn't found."""
    media, times = footage.media, footage.times
    read_on_ticks = READ_ON_S / times.tick_s
    rest = [start_pts + int(times.ticks[frame]) for frame in reversed(wanted)]
    numbers = iter(wanted)
    while rest:
        asked = len(rest)
        with open_video(media.path) as (container, stream):
            while rest and (frames := land(container, stream, times, rest[-1], set(rest))) is not None:
                before = len(rest)
                for frame in _run(frames, rest, read_on_ticks):
                    yield next(numbers), frame
                if len(rest) == before:
                    return
        if rest:  # no seek lands before the frame, but a newly opened file is at its start
            with open_video(media.path) as (container, stream):
                for frame in _run(decode_frames(container, stream, Reading()), rest, read_on_ticks):
                    yield next(numbers), frame
        if len(rest) == asked:
            return


def _run(frames: Iterable[VideoFrame], rest: list[int], read_on_ticks: Fraction) -> Iterator[VideoFrame]:
    """Those of `frames` whose time stamps are at the end of `rest`, removed there, until the next one is too far."""
    for frame in frames:
        if frame.pts is None or frame.pts < rest[-1]:
            continue
        if frame.pts > rest[-1]:
            return
        found = rest.pop()
        yield frame
        if not rest or rest[-1] - found > read_on_ticks:
            return


def land(
    container: InputContainer, stream: VideoStream, times: FrameTimes, pts: int, wanted: Container[int]
) -> Iterator[VideoFrame] | None:
    """Frames from a keyframe on that is shown at or before time stamp `pts`; None if no seek finds one.

    wanted: time stamps. Of the frames that no other refers to, only these are decoded.
    """
    reading = Reading()
    note = encoder_note(container, stream)
    for back_off_s in _BACK_OFF_S:
        target = pts - int(back_off_s / times.tick_s)
        if times.start_pts is None or target < times.start_pts:
            return None
        try:
            container.seek(target, stream=stream)
        except av.error.FFmpegError:
            return None
        packets = read_packets(container, stream, reading)
        keyframe = next((packet for packet in packets if packet is not None and packet.is_keyframe), None)
        if keyframe is not None and keyframe.pts is not None and keyframe.pts <= pts:
            needed = leave_out(chain((with_note(keyframe, note, stream),), packets), stream, wanted)
            return _frames_shown_after(keyframe.pts, needed, stream, reading)
    return None


def _frames_shown_after(
    keyframe_pts: int, packets: Iterable[Packet[VideoStream] | None], stream: VideoStream, reading: Reading
) -> Iterator[VideoFrame]:
    """Frames without those stored after the keyframe but shown before it.

    In an open GOP these refer to pictures before the keyframe, which weren't decoded: some decoders return them,
    damaged.
    """
    for packet in packets:
        for frame in decode_packet(packet, stream, reading):
            if frame.pts is None or frame.pts >= keyframe_pts:
                yield frame


def _from_start(media: Media, wanted: Sequence[int]) -> Iterator[tuple[int, VideoFrame]]:
    rest = list(reversed(wanted))
    with open_video(media.path) as (container, stream):
        for number, frame in enumerate(decode_frames(container, stream, Reading())):
            if number == rest[-1]:
                yield rest.pop(), frame
                if not rest:
                    return
