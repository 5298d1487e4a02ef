"""Packets and frames of an opened video, past damage: what can't be read or decoded is counted, never fatal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tr_desktop.footage.captions import Captions
from tr_desktop.footage.clock import Clock
from tr_desktop.moments import FrameTimes, Media

_READ_ATTEMPTS = 10  # in a row; a demuxer that fails more often than this stands still

# A pause between frames longer than this is a damaged or restarted clock in containers whose clock may restart. Others
# have an index, and an honest still picture there (a screen recording) can last.
_RESTARTING = {"mpegts", "mpeg", "wtv"}
_PAUSE_RESTARTING_S = 10
_PAUSE_S = 3600
_SWAPPED_S = Fraction(1, 5)  # further apart, it's a clock that restarted


@dataclass
class Reading:
    """How far a file has been read, and what went wrong on the way.

    bytes: read so far. decoded: packets given to the decoder. damaged_packets, undecoded: packets that arrived damaged,
    that the decoder refused. damaged_frames: frames that came out damaged. read_error: why reading stopped early.
    promised_ticks: the stream's duration by its header, 0 where that doesn't tell. captions: takes the packets of
    subtitle tracks that come along.
    """

    bytes: int = 0
    decoded: int = 0
    damaged_packets: int = 0
    undecoded: int = 0
    damaged_frames: int = 0
    read_error: str = ""
    promised_ticks: int = 0
    captions: Captions | None = None

    @property
    def is_damaged(self) -> bool:
        """Whether anything at all went wrong so far."""
        return bool(self.damaged_packets or self.undecoded or self.damaged_frames or self.read_error)

    def sentences(self, clock: Clock, times: FrameTimes) -> list[str]:
        """What an editor should know of the damage, one sentence for each kind."""
        found = [
            ("damaged parts of the stream", self.damaged_packets),
            ("parts of the stream left out because they can't be decoded", self.undecoded),
            ("frames with damaged pictures", self.damaged_frames),
            ("frames with a time before that of the frame before them", clock.backward),
            ("jumps of the file's clock that were closed", clock.jumps),
        ]
        sentences = [f"{what}: {count}" for what, count in found if count]
        missing_s = (self.promised_ticks - times.end_tick) * times.tick_s
        if missing_s > 1 and missing_s > times.duration_s / 50:
            sentences.append(f"the file is cut off: the last {float(missing_s):.1f} s are missing")
        if self.read_error:
            sentences.append(f"reading stopped early: {self.read_error}")
        return sentences


def new_clock(media: Media, container: InputContainer, stream: VideoStream) -> Clock:
    """A clock for the frames of `stream`; the same file always gets the same one."""
    if stream.time_base is None:
        raise ValueError("the video stream has no time base")
    pause_s = _PAUSE_RESTARTING_S if container.format.name in _RESTARTING else _PAUSE_S
    return Clock(stream.time_base, media.rate, Fraction(pause_s))


def read_packets(
    container: InputContainer, stream: VideoStream, reading: Reading
) -> Iterator[Packet[VideoStream] | None]:
    """Packets from where the container stands to the end of the file, then None, which flushes the decoder."""
    failures, captions = 0, reading.captions
    streams: list[Any] = [stream, *(captions.streams if captions is not None else ())]
    while failures < _READ_ATTEMPTS:
        try:
            packets: Iterator[Packet[Any]] = container.demux(streams)
            for packet in packets:
                failures = 0
                if captions is not None and packet.size and packet.stream_index != stream.index:
                    captions.take(packet)
                # Empty ones are the demuxer's own flush, and "the same picture again" in AVI, which would flush too.
                if packet.size and packet.stream_index == stream.index:
                    reading.damaged_packets += packet.is_corrupt
                    reading.bytes = max(reading.bytes, (packet.pos or 0) + packet.size)
                    yield packet
            break
        except IndexError:  # PyAV's flush at the end of a stream whose damage looked like one more track
            break
        except (av.error.FFmpegError, OSError) as error:
            failures += 1
            if failures == _READ_ATTEMPTS:
                reading.read_error = str(getattr(error, "strerror", None) or error)
    yield None


def decode_packet(packet: Packet[VideoStream] | None, stream: VideoStream, reading: Reading) -> list[VideoFrame]:
    """The frames that this packet brings out of the decoder, in the order in which they are shown."""
    reading.decoded += packet is not None
    try:
        frames = stream.codec_context.decode(packet)
    except av.error.FFmpegError:
        reading.undecoded += 1
        return []
    reading.damaged_frames += sum(frame.is_corrupt for frame in frames)
    return frames


def decode_frames(container: InputContainer, stream: VideoStream, reading: Reading) -> Iterator[VideoFrame]:
    """Every frame from where the container stands to the end of the file, in the order in which they are shown."""
    held: VideoFrame | None = None
    for packet in read_packets(container, stream, reading):
        for frame in decode_packet(packet, stream, reading):
            if held is not None and _belongs_before(frame, held):
                yield frame  # a faulty writer stamped these two the other way round: the stamps decide
                continue
            if held is not None:
                yield held
            held = frame
    if held is not None:
        yield held


def _belongs_before(frame: VideoFrame, held: VideoFrame) -> bool:
    if frame.pts is None or held.pts is None or frame.time_base is None:
        return False
    return 0 < (held.pts - frame.pts) * frame.time_base < _SWAPPED_S
