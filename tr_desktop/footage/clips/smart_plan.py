"""Which coded pictures of a range can be copied as they are, and which frames before and after them must be encoded.

A copy can begin at a picture that resets the decoder (an IDR picture; in HEVC also CRA and BLA), without the pictures
that are stored after it and shown before it. It can end after any picture if all those stored so far are shown before
all that follow: no picture needs one that is stored later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import av.error
from av.packet import Packet
from av.video.stream import VideoStream

from tr_desktop.footage.bitstream import nal_length_bytes
from tr_desktop.footage.clips.parameter_sets import unit_kind, units_of
from tr_desktop.footage.container import open_video
from tr_desktop.moments import Footage, Segment

_BACK_S = (1, 4, 16)  # a seek goes by decoding time, and in a transport stream lands anywhere near


class Join(Enum):
    """How a decoder can start at a picture. CRA: only after an end of sequence does it forget what came before."""

    NONE = 0
    IDR = 1
    CRA = 2


@dataclass(frozen=True)
class Picture:
    """One coded picture: the source frame that it shows, and a packet's data."""

    frame: int
    data: bytes
    is_keyframe: bool


@dataclass(frozen=True)
class Plan:
    """The coded pictures to copy, in stored order, and the source frames they hold: [copy_start, copy_end).

    The frames of the segment before and after these are encoded. join: how the first copied picture starts.
    has_unusable_keyframes: whether the range has keyframes, none of which a copy can begin at.
    """

    segment: Segment
    copied: list[Picture]
    copy_start: int
    copy_end: int
    join: Join
    has_unusable_keyframes: bool = False

    @property
    def parts(self) -> list[range]:
        """The runs of frames to encode."""
        runs = range(self.segment.start_frame, self.copy_start), range(self.copy_end, self.segment.end_frame)
        return [run for run in runs if run]

    @property
    def encoded_frames(self) -> int:
        return sum(map(len, self.parts))


class _Stored(NamedTuple):
    """A coded picture as it was read: its time stamp in ticks, its data, and how a decoder can start at it."""

    pts: int
    data: bytes
    is_keyframe: bool
    join: Join


def plan_cut(footage: Footage, start_pts: int, segment: Segment) -> Plan:
    """Reads the range's packets. ValueError if their time stamps are missing, or the stream has layers."""
    times = footage.times
    first_pts = start_pts + times.ticks[segment.start_frame]
    end_pts = start_pts + int(times.time_s(segment.end_frame) / times.tick_s)
    frame_of = {start_pts + times.ticks[n]: n for n in range(segment.start_frame, segment.end_frame)}
    for back_s in (*_BACK_S, None):  # None: read from the file's start
        with open_video(footage.media.path) as (reading, stream):
            if back_s is not None:
                try:
                    reading.seek(max(start_pts, first_pts - int(back_s / times.tick_s)), stream=stream)
                except av.error.FFmpegError:
                    continue
            codec, length_bytes = stream.codec_context.name, nal_length_bytes(stream)
            stored = _read(reading.demux(stream), first_pts, end_pts, codec, length_bytes)
            if stored is not None:
                return _plan(stored, segment, frame_of, end_pts, codec, length_bytes)
    raise ValueError("its pictures can't be found again")


def _read(
    packets: Iterator[Packet[VideoStream]], first_pts: int, end_pts: int, codec: str, length_bytes: int
) -> list[_Stored] | None:
    """The pictures shown at `first_pts` or later, until no further one is shown before `end_pts`.

    None if the first picture read is shown later than `first_pts`.
    """
    stored: list[_Stored] = []
    is_first, late_keyframes = True, 0
    for packet in packets:
        if not packet.size:
            continue
        if packet.pts is None:
            raise ValueError("a picture has no time stamp")
        if is_first and packet.pts > first_pts:
            return None
        is_first = False
        late_keyframes += packet.is_keyframe and packet.pts >= end_pts
        if (packet.dts is not None and packet.dts >= end_pts) or late_keyframes > 1:
            break
        if packet.pts >= first_pts:
            data, is_keyframe = bytes(packet), bool(packet.is_keyframe)
            join = _join(data, codec, length_bytes) if is_keyframe else Join.NONE
            stored.append(_Stored(packet.pts, data, is_keyframe, join))
    return None if is_first else stored


def _plan(
    stored: list[_Stored],
    segment: Segment,
    frame_of: dict[int, int],
    end_pts: int,
    codec: str,
    length_bytes: int,
) -> Plan:
    starts = ((at, each.join) for at, each in enumerate(stored) if each.pts in frame_of and each.join is not Join.NONE)
    at, join = next(starts, (0, Join.NONE))
    if join is Join.NONE:
        has_keyframes = any(each.is_keyframe and each.pts in frame_of for each in stored)
        return Plan(segment, [], segment.end_frame, segment.end_frame, join, has_keyframes)
    following = [each for each in stored[at:] if each.pts >= stored[at].pts]
    count = _closed([each.pts for each in following], end_pts)
    if not count:
        return Plan(segment, [], segment.end_frame, segment.end_frame, Join.NONE)
    copied = [Picture(frame_of.get(each.pts, -1), each.data, each.is_keyframe) for each in following[:count]]
    first = copied[0].frame
    if sorted(picture.frame for picture in copied) != list(range(first, first + count)):
        raise ValueError("a coded picture is never shown, or a frame is coded as two fields")
    for picture in copied:
        _check_layers(units_of(picture.data, length_bytes), codec)
    return Plan(segment, copied, first, first + count, join)


def _closed(stamps: list[int], end_pts: int) -> int:
    """How many of the first pictures are shown before `end_pts` and before all others: as many as possible.

    stamps: when each is shown, in stored order.
    """
    earliest = [end_pts]  # of the pictures after this one, from the last on
    for pts in reversed(stamps):
        earliest.append(min(earliest[-1], pts))
    earliest.reverse()
    count, latest = 0, -(1 << 63)
    for at, pts in enumerate(stamps, 1):
        latest = max(latest, pts)
        if latest >= end_pts:
            break
        if latest < earliest[at]:
            count = at
    return count


def _join(keyframe: bytes, codec: str, length_bytes: int) -> Join:
    kinds = {unit_kind(unit, codec) for unit in units_of(keyframe, length_bytes) if unit}
    if codec == "h264":  # ITU-T H.264, 7.4.1.2.1: only an IDR picture activates another sequence set
        return Join.IDR if 5 in kinds and 1 not in kinds else Join.NONE
    if kinds & {16, 17, 18, 19, 20}:  # ITU-T H.265, table 7-1: BLA and IDR
        return Join.IDR
    return Join.CRA if 21 in kinds else Join.NONE


def _check_layers(units: list[bytes], codec: str) -> None:
    """ValueError for what an encoded part would lack: scalable or 3D layers, alpha, Dolby Vision."""
    for unit in units:
        if codec == "h264" and unit and unit_kind(unit, codec) in (14, 15, 20, 21):
            raise ValueError("its pictures have several layers")
        if codec == "hevc" and len(unit) > 1:
            if unit_kind(unit, codec) >= 62:
                raise ValueError("its pictures have Dolby Vision metadata")
            if (unit[0] & 1) << 5 | unit[1] >> 3:
                raise ValueError("its pictures have several layers")
