"""A file's sound as samples: its first track from one time to another, with silence where it has none. No Qt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard

from tr_desktop.footage.audio_layout import ChannelLayout, channel_layout, usual_layout
from tr_desktop.footage.clips.joined_sound import JoinedSound, Joints, find_joints
from tr_desktop.footage.container import open_video
from tr_desktop.footage.tracks import can_be_decoded
from tr_desktop.moments import Footage, Media

RATE_HZ = 48_000
CHANNELS = 2
_SAMPLE_BYTES = 2 * CHANNELS
_BLOCK = RATE_HZ // 20
_EARLIER_S = 1  # how far before the start to seek: decoders need a little sound in advance
_JITTER = RATE_HZ // 50  # smaller jumps of time stamps are no gap: Matroska rounds to milliseconds


def samples(footage: Footage, start_s: Fraction, end_s: Fraction) -> Iterator[bytes]:
    """The first sound track from `start_s` to `end_s`, in blocks: interleaved stereo, 16 bits, RATE_HZ.

    start_s, end_s: seconds from the first frame. Yields exactly round((end_s - start_s) * RATE_HZ) samples: gaps are
    filled with silence. Raises MediaError if the file can't be opened.
    """
    missing = round((end_s - start_s) * RATE_HZ)
    times = footage.times
    joints = _joints_of(footage)
    origin_s = start_s + (times.start_pts or 0) * times.tick_s
    position = 0  # of the next sample to yield
    expected = None  # the position at which the track continues without a gap
    with open_video(footage.media.path) as (container, video):
        video.discard = Discard.all
        for at, data in _resampled(container, origin_s, joints):
            at = expected if expected is not None and abs(at - expected) < _JITTER else at
            expected = at + len(data) // _SAMPLE_BYTES
            silence = min(at - position, missing - position)
            for first in range(0, silence, _BLOCK):
                yield bytes(min(_BLOCK, silence - first) * _SAMPLE_BYTES)
            position = max(position, position + silence)
            heard = data[max(position - at, 0) * _SAMPLE_BYTES :][: (missing - position) * _SAMPLE_BYTES]
            if heard:
                yield heard
            position += len(heard) // _SAMPLE_BYTES
            if position >= missing:
                return
    for first in range(position, missing, _BLOCK):
        yield bytes(min(_BLOCK, missing - first) * _SAMPLE_BYTES)


_found_joints: dict[tuple[Media, int], Joints] = {}  # of the file heard last: to find them, all of it is read


def _joints_of(footage: Footage) -> Joints | None:
    """The joints of a file whose time stamps contradict each other, such as segments joined end to end."""
    if footage.times.start_pts is not None or not footage.media.audio:
        return None
    key = footage.media, len(footage)
    joints = _found_joints.get(key)
    if joints is None:
        joints = find_joints(footage)
        _found_joints.clear()  # perhaps also what another thread has just found
        _found_joints[key] = joints
    return joints


def _resampled(container: InputContainer, origin_s: Fraction, joints: Joints | None) -> Iterator[tuple[int, bytes]]:
    """(Sample number counted from `origin_s`, samples), in order; damaged parts are left out.

    With joints, the file is read from its start, since a seek may land in another segment.
    """
    stream = next(filter(can_be_decoded, container.streams.audio), None)
    if stream is None:
        return
    stream.discard = Discard.default
    channels = channel_layout(stream.codec_context)  # PyAV can't hold frames of an unusual order
    stream.codec_context.layout = channels.name or usual_layout(channels.channels) or f"{channels.channels} channels"
    resampler = AudioResampler(format="s16", layout="stereo", rate=RATE_HZ)
    joined = None if joints is None else JoinedSound(joints)
    if joined is None:
        with suppress(av.error.FFmpegError):  # a container that can't seek is read from its start
            container.seek(max(0, int((origin_s - _EARLIER_S) * 1_000_000)))
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            if joined is not None:
                joined.place(packet)
            frames = packet.decode() if packet.size and not _ends_before(packet, origin_s - _EARLIER_S) else []
        except (av.error.FFmpegError, OSError):
            continue
        for frame in frames:
            for heard in resampler.resample(_in_order(frame, channels)):
                if heard.pts is not None and heard.time_base is not None:
                    at = round((heard.pts * heard.time_base - origin_s) * RATE_HZ)
                    yield at, bytes(heard.planes[0])[: heard.samples * _SAMPLE_BYTES]


def _ends_before(packet: Packet[AudioStream], time_s: Fraction) -> bool:
    """Whether it needn't be decoded for sound from `time_s` on."""
    if packet.pts is None or packet.time_base is None:
        return False
    return (packet.pts + (packet.duration or 0)) * packet.time_base < time_s


def _in_order(frame: AudioFrame, channels: ChannelLayout) -> AudioFrame:
    """`frame` with its channels in the order that the name of its layout means."""
    if channels.order == tuple(range(channels.channels)):
        return frame
    data: Any = frame.to_ndarray()
    if frame.format.is_planar:
        data = data[list(channels.order)]
    else:
        data = data.reshape(-1, channels.channels)[:, list(channels.order)].reshape(1, -1)
    ordered = AudioFrame.from_ndarray(np.ascontiguousarray(data), format=frame.format.name, layout=channels.name)
    ordered.sample_rate, ordered.pts, ordered.time_base = frame.sample_rate, frame.pts, frame.time_base
    return ordered
