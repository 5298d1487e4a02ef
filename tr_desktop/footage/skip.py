"""The sampled frames, without decoding frames that are neither sampled nor needed to decode one that is.

Two kinds of pictures are left out, which changes no other picture: pictures that no other refers to, and pictures after
the last sampled frame of a group if the next group is a fresh start. The number and time of every frame come from its
packet instead. All frames that the decoder returns are checked against that. At the first surprise (damage, a missing
time stamp, a container that hides frames) `SkippingUnsafe` is raised, and the caller decodes every frame.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tr_desktop.footage.bitstream import KindOf, PictureKind, has_one_layer, kind_reader
from tr_desktop.footage.clock import Clock
from tr_desktop.footage.decode import Reading, decode_packet, read_packets
from tr_desktop.footage.sampling import CoveringFrame, SamplingGrid

_HELD_BYTES = 64 << 20  # the limit for one group of pictures; up to four are in memory


class SkippingUnsafe(Exception):  # noqa: N818 (a signal to the sampler, not an error of the user's)
    """The packets of this file don't show which of them can be left out."""


@dataclass
class _Group:
    """Packets from one keyframe up to the next, in decoding order. key_pts: when the keyframe is shown."""

    packets: list[tuple[Packet[VideoStream], PictureKind]] = field(default_factory=list)
    size_bytes: int = 0

    @property
    def key_pts(self) -> int:
        return _pts(self.packets[0][0])

    @property
    def starts_afresh(self) -> bool:
        return self.packets[0][1].is_start


def sampled_by_skipping(
    container: InputContainer, stream: VideoStream, clock: Clock, grid: SamplingGrid, reading: Reading
) -> Iterator[CoveringFrame]:
    """The same frames as `sampled_by_decoding` yields; the clock gets the time of every frame."""
    kind_of = kind_reader(stream)
    if kind_of is None:
        raise SkippingUnsafe
    decoder = _Decoder(stream, reading)
    groups = _groups(read_packets(container, stream, reading), kind_of)
    group = next(groups, None)
    following = next(groups, None)
    if group is None or _earliest(group) < group.key_pts:
        raise SkippingUnsafe  # the first frames may refer to pictures that aren't in the file
    decoder.sampled.update(_plan(group, following, clock, grid))
    while group is not None:
        after = next(groups, None)
        if following is not None:  # yield nothing before the next group has proved to be later
            decoder.sampled.update(_plan(following, after, clock, grid))
        for packet in _needed(group, following, decoder.sampled):
            yield from decoder.feed(packet)
        group, following = following, after
    yield from decoder.finish()


def leave_out(
    packets: Iterable[Packet[VideoStream] | None], stream: VideoStream, wanted: Container[int]
) -> Iterator[Packet[VideoStream] | None]:
    """For random access: the packets without those that no other picture refers to, unless their time stamp is wanted.

    Unlike `sampled_by_skipping` it reads no packet ahead. In streams of several temporal layers it leaves out nothing.
    """
    kind_of = kind_reader(stream) if has_one_layer(stream) else None
    for packet in packets:
        if packet is not None and kind_of is not None and packet.pts is not None and packet.pts not in wanted:
            kind = kind_of(packet)
            if not (kind.is_reference or kind.changes_parameters):
                continue
        yield packet


class _Decoder:
    """Decodes, checks that each frame comes out complete and in order, and keeps the sampled ones."""

    def __init__(self, stream: VideoStream, reading: Reading) -> None:
        self._stream = stream
        self._reading = reading
        self._expected: list[int] = []  # time stamps of the packets fed, a heap
        self.sampled: dict[int, tuple[int, int, int]] = {}  # by time stamp: number, tick, repeat

    def feed(self, packet: Packet[VideoStream]) -> Iterator[CoveringFrame]:
        if not packet.is_discard:
            heapq.heappush(self._expected, _pts(packet))
        return self._checked(decode_packet(packet, self._stream, self._reading))

    def finish(self) -> Iterator[CoveringFrame]:
        yield from self._checked(decode_packet(None, self._stream, self._reading))
        if self._expected or self.sampled:
            raise SkippingUnsafe

    def _checked(self, frames: Iterable[VideoFrame]) -> Iterator[CoveringFrame]:
        if self._reading.is_damaged:
            raise SkippingUnsafe
        for frame in frames:
            if not self._expected or heapq.heappop(self._expected) != frame.pts:
                raise SkippingUnsafe
            if frame.pts in self.sampled:
                number, tick, repeat = self.sampled.pop(frame.pts)
                yield CoveringFrame(number, tick, repeat, frame)


def _groups(packets: Iterable[Packet[VideoStream] | None], kind_of: KindOf) -> Iterator[_Group]:
    group = _Group()
    for packet in packets:
        if packet is None:
            break
        if packet.is_keyframe and group.packets:
            yield group
            group = _Group()
        group.packets.append((packet, kind_of(packet)))
        group.size_bytes += packet.size
        if group.size_bytes > _HELD_BYTES or not (group.packets[0][0].is_keyframe):
            raise SkippingUnsafe
    if group.packets:
        yield group


def _plan(
    group: _Group, following: _Group | None, clock: Clock, grid: SamplingGrid
) -> Iterator[tuple[int, tuple[int, int, int]]]:
    """Place the frames shown from this group's keyframe up to the next one's; (pts, (number, tick, repeat)) if sampled.

    Frames of the following group may be shown before its keyframe: open groups overlap in time.
    """
    start = group.key_pts
    end = following.key_pts if following is not None else None
    packets = [packet for packet, _ in group.packets if _pts(packet) >= start]
    if end is not None and following is not None:
        if max(map(_pts, packets)) >= end:
            raise SkippingUnsafe
        packets += [packet for packet, _ in following.packets if _pts(packet) < end]
    packets = sorted((packet for packet in packets if not packet.is_discard), key=_pts)
    if not packets:
        if len(clock):
            raise SkippingUnsafe  # hidden frames after shown ones: when the last shown one ends isn't known yet
        return
    if following is not None and following.packets[0][0].is_discard:
        raise SkippingUnsafe
    number = len(clock)
    ticks = [clock.place(_pts(packet)) for packet in packets]
    if not clock.is_regular:
        raise SkippingUnsafe
    if end is None:
        ticks.append(clock.finish(packets[-1].duration or 0))
    else:
        step = end - _pts(packets[-1])
        if not clock.is_believable(step):
            raise SkippingUnsafe
        ticks.append(ticks[-1] + step)
    for index, packet in enumerate(packets):
        if repeat := grid.take(ticks[index + 1]):
            yield _pts(packet), (number + index, ticks[index], repeat)


def _needed(
    group: _Group, following: _Group | None, sampled: dict[int, tuple[int, int, int]]
) -> Iterator[Packet[VideoStream]]:
    """The packets of `group` that must be decoded, in order."""
    packets = group.packets
    if following is None or following.starts_afresh:
        last = max(
            (i for i, (packet, kind) in enumerate(packets) if packet.pts in sampled or kind.changes_parameters),
            default=-1,
        )
        packets = packets[: last + 1]
    # Higher temporal layers, also of frames in the next group that are shown before its keyframe, may refer to any.
    others = following.packets if following is not None else []
    top_layer = max(kind.layer for _, kind in (*group.packets, *others))
    for packet, kind in packets:
        if packet.pts in sampled or kind.is_reference or kind.layer < top_layer or kind.changes_parameters:
            yield packet


def _earliest(group: _Group) -> int:
    return min(_pts(packet) for packet, _ in group.packets)


def _pts(packet: Packet[VideoStream]) -> int:
    if packet.pts is None:
        raise SkippingUnsafe
    return packet.pts
