"""Packets and frames of an opened video. Parts that can't be read or decoded are counted, never fatal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tr_desktop.errors import DriveError
from tr_desktop.footage.captions import Captions
from tr_desktop.footage.clock import Clock
from tr_desktop.footage.drive import check_drive
from tr_desktop.footage.gaps import gaps_sentence
from tr_desktop.moments import FrameTimes, Media

_READ_ATTEMPTS = 10  # in a row; a demuxer that fails more often is stuck

# The longest believable pause between frames. In containers whose clock may restart, a longer one is a restart or
# damage. Others have an index, and a still picture (in a screen recording) can last.
_RESTARTING = {"mpegts", "mpeg", "wtv"}
_PAUSE_RESTARTING_S = 10
_PAUSE_S = 3600
_SWAPPED_S = Fraction(1, 5)  # further apart, the clock has restarted


@dataclass
class Reading:
    """How far a file has been read, and what went wrong on the way.

    bytes: read so far. decoded: packets given to the decoder. damaged_packets: packets that arrived damaged. undecoded:
    packets that the decoder refused. damaged_frames: frames that came out damaged. read_error: why reading stopped
    early. promised_ticks: the stream's duration by its header, 0 if unknown. captions: takes the packets of subtitle
    tracks. packets: takes all packets, if given. spanned_ticks: from the first time stamp to the latest one within the
    promised duration.
    """

    bytes: int = 0
    decoded: int = 0
    damaged_packets: int = 0
    undecoded: int = 0
    damaged_frames: int = 0
    read_error: str = ""
    promised_ticks: int = 0
    captions: Captions | None = None
    packets: hashlib.blake2b | None = None
    spanned_ticks: int = 0
    _first_stamp: int | None = None

    def note(self, packet: Packet[VideoStream]) -> None:
        """Count a packet of the pictures."""
        if packet.is_corrupt:
            self.damaged_packets += 1
        self.bytes = max(self.bytes, (packet.pos or 0) + packet.size)
        if packet.pts is not None:
            if self._first_stamp is None:
                self._first_stamp = packet.pts
            spanned = packet.pts - self._first_stamp + (packet.duration or 0)
            if self.spanned_ticks < spanned <= self.promised_ticks:
                self.spanned_ticks = spanned

    @property
    def is_damaged(self) -> bool:
        """Whether anything at all went wrong so far."""
        return bool(self.damaged_packets or self.undecoded or self.damaged_frames or self.read_error)

    def sentences(self, clock: Clock, times: FrameTimes) -> list[str]:
        """The damage found, one sentence for each kind."""
        found = [
            ("damaged parts of the stream", self.damaged_packets),
            ("parts of the stream that can't be decoded", self.undecoded),
            ("frames with damaged pictures", self.damaged_frames),
            ("frames with an earlier time than the frame before them", clock.backward),
            ("jumps of the file's clock, closed", clock.restarts),
        ]
        sentences = [f"{kind}: {count}" for kind, count in found if count]
        end_tick = times.end_tick
        if clock.jumps:
            end_tick = max(end_tick, self.spanned_ticks)
        if gaps := clock.jumps - clock.restarts:
            sentences.append(gaps_sentence("closed", gaps, (end_tick - times.end_tick) * times.tick_s))
        missing_s = (self.promised_ticks - end_tick) * times.tick_s
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
    """Packets from the container's position to the end of the file, then None, which flushes the decoder.

    Raises DriveError if the drive or the network fails, before anything that is cut off because of it.
    """
    captions = reading.captions
    failures = 0
    streams: list[Any] = [stream, *(captions.streams if captions is not None else ())]
    while failures < _READ_ATTEMPTS:
        try:
            packets: Iterator[Packet[Any]] = container.demux(streams)
            for packet in packets:
                check_drive(container)
                failures = 0
                if reading.packets is not None and packet.size:
                    reading.packets.update(packet)
                if captions is not None and packet.size and packet.stream_index != stream.index:
                    captions.take(packet)
                # An empty one is the demuxer's own flush or, in AVI, "the same picture again", which would flush too.
                if packet.size and packet.stream_index == stream.index:
                    reading.note(packet)
                    yield packet
            break
        except DriveError:
            raise
        except IndexError:  # PyAV's flush fails if damage looked like one more track
            break
        except (av.error.FFmpegError, OSError) as error:
            failures += 1
            if failures == _READ_ATTEMPTS:
                reading.read_error = str(getattr(error, "strerror", None) or error)
    check_drive(container)
    yield None


def decode_packet(packet: Packet[VideoStream] | None, stream: VideoStream, reading: Reading) -> list[VideoFrame]:
    """The frames that the decoder returns for this packet, in the order in which they are shown."""
    if packet is not None:
        reading.decoded += 1
    try:
        frames = stream.codec_context.decode(packet)
    except av.error.FFmpegError:
        reading.undecoded += 1
        return []
    reading.damaged_frames += sum(frame.is_corrupt for frame in frames)
    return frames


def decode_frames(container: InputContainer, stream: VideoStream, reading: Reading) -> Iterator[VideoFrame]:
    """Every frame from the container's position to the end of the file, in the order in which they are shown."""
    held: VideoFrame | None = None
    for packet in read_packets(container, stream, reading):
        for frame in decode_packet(packet, stream, reading):
            if held is not None and _belongs_before(frame, held):
                yield frame  # a faulty writer stored these two in the wrong order: the stamps decide
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
