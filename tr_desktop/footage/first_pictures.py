"""The first pictures of a file, decoded, and the label that they carry: where cameras without a timecode track keep it.

MPEG-2 has a label before each group of pictures (HDV, transport and program streams: ISO/IEC 13818-2, 6.3.8), H.264 and
HEVC one with each picture (AVCHD: `pic_timing` and `time_code` messages). FFmpeg hands both out with the frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tr_desktop.errors import MediaError
from tr_desktop.footage.decode import Reading, decode_packet, read_packets

_FIRST_FRAME_PACKETS = 600  # how far to look for a frame that decodes
_RUNS_WITHIN = 64  # pictures; groups are shorter
_GROUP, _PICTURE = b"\0\0\1\xb8", b"\0\0\1\0"  # start codes of MPEG-1 and MPEG-2


@dataclass(frozen=True)
class CodedLabel:
    """A timecode label in the coded pictures. pictures: how many share a label, 1 or 2 (25 labels a second in 50p).
    late: the pictures from the label to the first one that is shown.
    """

    text: str
    pictures: int
    late: int


class FirstPictures:
    """The pictures of an opened file from its start; `first` is the first one that decodes.

    Raises MediaError if none does or the file is encrypted, and DriveError.
    """

    def __init__(self, path: Path, container: InputContainer, stream: VideoStream) -> None:
        self._leads: dict[int | None, int] = {}
        self._frames = self._decoded(path, container, stream)
        self.first = next(self._frames)

    def label(self) -> CodedLabel | None:
        """The label of the pictures, if it runs. Decodes some more pictures if the first one has a label.

        A label that stands still is no timecode: some encoders write the same one again and again.
        """
        text = _label(self.first)
        if not text:
            return None
        labels = [text, *map(_label, islice(self._frames, _RUNS_WITHIN))]
        runs = [label for label in labels if label]
        changes = [n for n, (before, after) in enumerate(pairwise(runs), 1) if before != after]
        if len(runs) > 1 and not changes:
            return None
        if len(runs) == len(labels) and len(changes) > 1 and changes[1] - changes[0] == 2:
            return CodedLabel(text, 2, 2 - min(changes[0], 2))
        leads = self._leads
        return CodedLabel(text, 1, leads.get(self.first.pts, next(iter(leads.values()), 0)))

    def _decoded(self, path: Path, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        reading, has_any = Reading(), False
        is_mpeg = stream.codec_context.codec.canonical_name in ("mpeg1video", "mpeg2video")
        for tried, packet in enumerate(read_packets(container, stream, reading)):
            if packet is not None and packet.has_sidedata("encryption_info"):
                raise MediaError("encrypted", path=path)
            if is_mpeg and packet is not None and (lead := _lead(packet)) is not None:
                self._leads.setdefault(packet.pts, lead)  # bare streams have no time stamps
            for frame in decode_packet(packet, stream, reading):
                has_any = True
                yield frame
            if tried >= _FIRST_FRAME_PACKETS and not has_any:
                break
        if not has_any:
            raise MediaError("the file is cut off or damaged: none of its frames can be decoded", path=path)


def _label(frame: VideoFrame) -> str:
    return frame.metadata.get("timecode", "")


def _lead(packet: Packet[VideoStream]) -> int | None:
    """How many pictures of a group are shown before its first coded one; None if no group starts here.

    The group's label is that of the first picture shown. If the file begins with this group, the pictures before the
    coded one refer to what isn't there and can't be decoded.
    """
    head = bytes(packet)[:4096]
    group = head.find(_GROUP)
    picture = head.find(_PICTURE, group) if group >= 0 else -1
    if picture < 0 or picture + 6 > len(head):
        return None
    return head[picture + 4] << 2 | head[picture + 5] >> 6  # temporal_reference
