"""Properties of a coded picture, read without decoding it: is it a fresh start, and does any other refer to it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from av.packet import Packet
from av.video.stream import VideoStream


@dataclass(frozen=True)
class PictureKind:
    """The kind of one packet.

    is_start: no later picture refers to anything before this one. is_reference: pictures of its own temporal layer may
    refer to it; pictures of higher layers always may. changes_parameters: it carries parameters that later packets need
    and that differ from those before.
    """

    is_start: bool
    is_reference: bool
    layer: int = 0
    changes_parameters: bool = False


KindOf: TypeAlias = "Callable[[Packet[VideoStream]], PictureKind]"

# Every packet is a whole picture of its own.
INTRA_CODECS = {"prores", "dnxhd", "mjpeg", "v210", "dvvideo"}
_INTRA = PictureKind(is_start=True, is_reference=False)
_REFERENCE = PictureKind(is_start=False, is_reference=True)

X264_NOTE = bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef")  # marks the user data that holds x264's version
NAL_START = b"\0\0\1"

_MPEG2_B_PICTURE = 3
_UNIT_BYTES = 4096  # parameters are shorter, and only the header of a picture is read


def kind_reader(stream: VideoStream) -> KindOf | None:
    """A function from this stream's packets, in order, to their kinds; None if not enough is known about its codec."""
    codec = stream.codec_context.codec.canonical_name
    if codec in INTRA_CODECS:
        return lambda packet: _INTRA
    if codec == "mpeg2video":
        return _mpeg2_kind
    if codec == "h264":
        return _NalReader(nal_length_bytes(stream), _h264_kind)
    if codec == "hevc":
        return _NalReader(nal_length_bytes(stream), _hevc_kind)
    return None


def has_one_layer(stream: VideoStream) -> bool:
    """Whether the stream has one temporal layer. If so, nothing at all refers to a non-reference picture.

    Only HEVC has such layers; MP4 and Matroska store their number (ISO/IEC 14496-15, numTemporalLayers).
    """
    extradata = stream.codec_context.extradata or b""
    if stream.codec_context.codec.canonical_name != "hevc":
        return True
    return extradata[:1] == b"\1" and len(extradata) > 21 and extradata[21] >> 3 & 7 == 1


def nal_length_bytes(stream: VideoStream) -> int:
    """How many bytes before each unit of an H.264 or HEVC stream hold its length; 0 if start codes separate the units.

    In MP4 and Matroska the decoder's configuration starts with 1 and has a byte for it (ISO/IEC 14496-15).
    """
    extradata = stream.codec_context.extradata or b""
    length_at = 4 if stream.codec_context.codec.canonical_name == "h264" else 21
    return (extradata[length_at] & 3) + 1 if extradata[:1] == b"\1" and len(extradata) > length_at else 0


class _NalReader:
    """From packets of H.264 or HEVC to their kinds. length_bytes: as `nal_length_bytes` returns it."""

    def __init__(self, length_bytes: int, kind_of: Callable[[list[bytes]], tuple[PictureKind, list[bytes]]]) -> None:
        self._length_bytes = length_bytes
        self._kind_of = kind_of
        self._parameters: list[bytes] = []

    def __call__(self, packet: Packet[VideoStream]) -> PictureKind:
        data = bytes(packet)
        units = [data[start : min(end, start + _UNIT_BYTES)] for start, end in nal_spans(data, self._length_bytes)]
        if any(len(unit) < 2 for unit in units):
            return _REFERENCE  # damaged: the decoder must see it
        kind, parameters = self._kind_of(units)
        if parameters and parameters != self._parameters:
            self._parameters = parameters
            return replace(kind, changes_parameters=True)
        return kind


def _h264_kind(units: list[bytes]) -> tuple[PictureKind, list[bytes]]:
    """ITU-T H.264, 7.4.1: nal_ref_idc is 0 in all slices of a picture that no other refers to; type 5 is IDR."""
    slices = [unit for unit in units if 1 <= unit[0] & 31 <= 5]
    # 6, 9, 12: supplemental information, delimiter, filler; from 24 on: not the standard's
    parameters = [
        unit
        for unit in units
        if unit[0] & 31 not in (1, 2, 3, 4, 5, 6, 9, 12, *range(24, 32)) or (unit[0] & 31 == 6 and X264_NOTE in unit)
    ]
    if not slices:
        return _REFERENCE, parameters
    is_start = all(unit[0] & 31 == 5 for unit in slices)
    return PictureKind(is_start, is_reference=any(unit[0] & 0x60 for unit in slices)), parameters


def _hevc_kind(units: list[bytes]) -> tuple[PictureKind, list[bytes]]:
    """ITU-T H.265, table 7-1: even types below 16 are sub-layer non-reference pictures; 19 and 20 are IDR."""
    types = [unit[0] >> 1 & 63 for unit in units]
    slices = [kind for kind in types if kind < 32]
    # 35, 38, 39, 40: delimiter, filler, supplemental information; from 48 on: not the standard's (Dolby Vision)
    parameters = [unit for unit, kind in zip(units, types, strict=True) if kind in (32, 33, 34, 36, 37, *range(41, 48))]
    if not slices:
        return _REFERENCE, parameters
    is_reference = any(kind >= 16 or kind & 1 for kind in slices)
    layer = max((unit[1] & 7) - 1 for unit, kind in zip(units, types, strict=True) if kind < 32)
    return PictureKind(all(kind in (19, 20) for kind in slices), is_reference, layer), parameters


def _mpeg2_kind(packet: Packet[VideoStream]) -> PictureKind:
    """ITU-T H.262, 6.2.3: picture_coding_type. Nothing refers to a B picture. The closed-GOP flag isn't relied on."""
    data = bytes(packet)
    header = data.find(b"\0\0\1\0")
    is_b = 0 <= header < len(data) - 5 and data[header + 5] >> 3 & 7 == _MPEG2_B_PICTURE
    return PictureKind(is_start=False, is_reference=not is_b)


def nal_spans(data: bytes, length_bytes: int) -> Iterator[tuple[int, int]]:
    """(start, end) of the NAL units in a packet, without lengths and start codes."""
    start = 0
    if length_bytes:
        while start + length_bytes + 2 <= len(data):
            size = int.from_bytes(data[start : start + length_bytes], "big")
            start += length_bytes
            yield start, min(start + size, len(data))
            start += size
        return
    start = data.find(NAL_START)
    while 0 <= start < len(data) - 4:
        following = data.find(NAL_START, start + 3)
        yield start + 3, following if following >= 0 else len(data)
        start = following
