"""Sound of files whose time stamps contradict each other, such as segments joined end to end.

There a seek may land in another segment. The sound is read from the file's start instead, and each segment's sound
keeps its distance to that segment's pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from av.audio.stream import AudioStream
from av.packet import Packet

from tr_desktop.footage.clock import Clock
from tr_desktop.footage.container import open_video
from tr_desktop.footage.decode import Reading, new_clock, read_packets
from tr_desktop.moments import Footage

_DISORDER_S = Fraction(1, 5)  # a clock that steps back further has started again


@dataclass(frozen=True)
class Joints:
    """shifts_s: for each segment of the file, what turns its time stamps into seconds from the first frame."""

    shifts_s: Sequence[Fraction]
    clock: Clock
    tick_s: Fraction

    def is_between(self, step_s: Fraction) -> bool:
        """Whether the file's clock has started again, or jumped, between two packets."""
        return step_s < -_DISORDER_S or (step_s > 0 and not self.clock.is_believable(int(step_s / self.tick_s) or 1))


def find_joints(footage: Footage) -> Joints:
    """Reads the packets of the pictures, without decoding them. Raises MediaError if the file can't be read."""
    ticks, tick_s = footage.times.ticks, footage.times.tick_s
    segments: list[list[int]] = [[]]
    with open_video(footage.media.path) as (container, stream):
        joints = Joints([], new_clock(footage.media, container, stream), tick_s)
        last: int | None = None
        for packet in read_packets(container, stream, Reading()):
            if packet is None or packet.pts is None:
                continue
            stamp = packet.pts if packet.dts is None else packet.dts
            if last is not None and joints.is_between((stamp - last) * tick_s):
                segments.append([])
            segments[-1].append(packet.pts)
            last = stamp
    shifts_s, first = [], 0
    for stamps in segments:
        shifts = sorted(ticks[min(first + n, len(ticks) - 1)] - stamp for n, stamp in enumerate(sorted(stamps)))
        shifts_s.append(shifts[len(shifts) // 2] * tick_s if shifts else Fraction(0))
        first += len(stamps)
    return Joints(shifts_s, joints.clock, tick_s)


class JoinedSound:
    """Puts the packets of one audio track, read from the file's start, on the clock of the frames."""

    def __init__(self, joints: Joints) -> None:
        self._joints = joints
        self._segment = 0
        self._last_s: Fraction | None = None

    def place(self, packet: Packet[AudioStream]) -> None:
        """Move the packet's time stamps, if it has any."""
        if packet.pts is None or packet.time_base is None:
            return
        time_s = packet.pts * packet.time_base
        if self._last_s is not None and self._joints.is_between(time_s - self._last_s):
            self._segment += 1
        self._last_s = time_s
        shifts_s = self._joints.shifts_s
        shift = round(shifts_s[min(self._segment, len(shifts_s) - 1)] / packet.time_base)
        packet.pts += shift
        if packet.dts is not None:
            packet.dts += shift
