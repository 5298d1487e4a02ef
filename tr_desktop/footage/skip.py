"""The frames that are due, without decoding those that neither are due nor are needed to decode one that is.

Two things are left out, both without changing any picture: what comes after the last due frame of a group of pictures
where the next group starts afresh, and pictures that no other refers to. The number and time of every frame come from
its packet instead. Everything that comes out of the decoder is checked against that; at the first surprise (damage, a
missing time stamp, a container that hides frames) `SkippingUnsafe` is raised, and the caller decodes every frame.
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

_HELD_BYTES = 64 << 20  # a group of pictures larger than this isn't waited for; up to four are held


class SkippingUnsafe(Exception):  # noqa: N818 (a signal to the sampler, not an error of the user's)
    """What to leave out can't be told from the packets of this file."""


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
    """The frames that are due, as `due.due_frames` yields them; the clock gets the time of every frame."""
    kind_of = kind_reader(stream)
    if kind_of is None:
        raise SkippingUnsafe
    decoder = _Decoder(stream, reading)
    groups = _groups(read_packets(container, stream, reading), kind_of)
    group, following = next(groups, None), next(groups, None)
    if group is None or _earliest(group) < group.key_pts:
        raise SkippingUnsafe  # frames at the start that may refer to what isn't in the file: only the decoder knows
    decoder.due.update(_plan(group, following, clock, grid))
    while group is not None:
        after = next(groups, None)
        if following is not None:  # nothing is handed out before the next group has shown that it really is later
            decoder.due.update(_plan(following, after, clock, grid))
        for packet in _needed(group, following, decoder.due):
            yield from decoder.feed(packet)
        group, following = following, after
    yield from decoder.finish()


def leave_out(
    packets: Iterable[Packet[VideoStream] | None], stream: VideoStream, wanted: Container[int]
) -> Iterator[Packet[VideoStream] | None]:
    """The packets without those that no other picture refers to, unless their time stamp is wanted; for random access.

    Unlike `sampled_by_skipping` it reads no packet ahead, so it serves streams of one temporal layer only.
    """
    kind_of = kind_reader(stream) if has_one_layer(stream) else None
    for packet in packets:
        if packet is not None and kind_of is not None and packet.pts is not None and packet.pts not in wanted:
            kind = kind_of(packet)
            if not (kind.is_reference or kind.changes_parameters):
                continue
        yield packet


class _Decoder:
    """Decodes, checks that each frame fed comes out whole and in order, and keeps those that are due."""

    def __init__(self, stream: VideoStream, reading: Reading) -> None:
        self._stream, self._reading = stream, reading
        self._expected: list[int] = []  # time stamps of what was fed, a heap
        self.due: dict[int, tuple[int, int, int]] = {}  # by time stamp: number, tick, repeat

    def feed(self, packet: Packet[VideoStream]) -> Iterator[CoveringFrame]:
        if not packet.is_discard:
            heapq.heappush(self._expected, _pts(packet))
        return self._checked(decode_packet(packet, self._stream, self._reading))

    def finish(self) -> Iterator[CoveringFrame]:
        yield from self._checked(decode_packet(None, self._stream, self._reading))
        if self._expected or self.due:
            raise SkippingUnsafe

    def _checked(self, frames: Iterable[VideoFrame]) -> Iterator[CoveringFrame]:
        if self._reading.is_damaged:
            raise SkippingUnsafe
        for frame in frames:
            if not self._expected or heapq.heappop(self._expected) != frame.pts:
                raise SkippingUnsafe
            if frame.pts in self.due:
                number, tick, repeat = self.due.pop(frame.pts)
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
    """Place the frames shown from this group's keyframe up to the next one's; (pts, (number, tick, repeat)) if due.

    Frames of the following group may be shown before its keyframe, so the two overlap in time (open groups).
    """
    start, end = group.key_pts, following.key_pts if following is not None else None
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
    group: _Group, following: _Group | None, due: dict[int, tuple[int, int, int]]
) -> Iterator[Packet[VideoStream]]:
    """The packets of `group` that have to be decoded, in order."""
    packets = group.packets
    if following is None or following.starts_afresh:
        last = max(
            (i for i, (packet, kind) in enumerate(packets) if packet.pts in due or kind.changes_parameters), default=-1
        )
        packets = packets[: last + 1]
    # Higher temporal layers, also of frames in the next group that are shown before its keyframe, may refer to any.
    others = following.packets if following is not None else []
    top_layer = max(kind.layer for _, kind in (*group.packets, *others))
    for packet, kind in packets:
        if packet.pts in due or kind.is_reference or kind.layer < top_layer or kind.changes_parameters:
            yield packet


def _earliest(group: _Group) -> int:
    return min(_pts(packet) for packet, _ in group.packets)


def _pts(packet: Packet[VideoStream]) -> int:
    if packet.pts is None:
        raise SkippingUnsafe
    return packet.pts
