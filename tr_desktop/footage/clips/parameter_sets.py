"""Parameter sets of H.264 and HEVC: read from a decoder configuration, given other ids, and added to one.

A picture names its picture set (PPS), which names a sequence set (SPS), which in HEVC names a video set (VPS). A second
encoder's pictures can stand among those of a first if their sets have ids of their own: then the sample entry holds the
sets of both (ISO/IEC 14496-15), and no decoder needs sets between the pictures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tr_desktop.footage.bitstream import NAL_START, nal_spans

H264_SEQUENCE, H264_PICTURE = 7, 8
HEVC_VIDEO, HEVC_SEQUENCE, HEVC_PICTURE = 32, 33, 34
_HEVC_HEADER = 2
# Ids of this range take nine bits in a slice's header (Exp-Golomb), those of x265 (0) one: the header grows by a byte.
_NINE_BITS = range(15, 31)


@dataclass(frozen=True)
class H264Sequence:
    """What a smart cut needs to know of an H.264 SPS (ITU-T H.264, 7.3.2.1.1). level: times ten, such as 41."""

    set_id: int
    profile: int
    level: int
    references: int
    is_frames_only: bool


@dataclass(frozen=True)
class Ids:
    """Ids that no set of a stream has. video: in HEVC alone."""

    sequence: int
    picture: int
    video: int = 0


class Bits:
    """Reads bits of a unit's payload, and rewrites them. ValueError past the end."""

    def __init__(self, payload: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in payload)
        self.at = 0

    def take(self, count: int) -> int:
        if self.at + count > len(self._bits):
            raise ValueError("a parameter set is cut off")
        self.at += count
        return int(self._bits[self.at - count : self.at] or "0", 2)

    def golomb(self) -> int:
        """ue(v): as many zeros as there are bits after the first one."""
        one = self._bits.find("1", self.at)
        if one < 0:
            raise ValueError("a parameter set is cut off")
        zeros, self.at = one - self.at, one
        return self.take(zeros + 1) - 1

    def signed(self) -> int:
        number = self.golomb()
        return (number + 1) // 2 if number % 2 else -(number // 2)

    def replace_golomb(self, number: int) -> None:
        """Replace the number at this place, and go on after it."""
        start = self.at
        self.golomb()
        code = f"{number + 1:b}"
        code = "0" * (len(code) - 1) + code
        self._bits = self._bits[:start] + code + self._bits[self.at :]
        self.at = start + len(code)

    def payload(self) -> bytes:
        """All bits, with the stop bit moved to the last byte's new end."""
        bits = self._bits.rstrip("0")
        bits += "0" * (-len(bits) % 8)
        return int(bits, 2).to_bytes(len(bits) // 8, "big")


def units_of(data: bytes, length_bytes: int) -> list[bytes]:
    """The NAL units of a packet or of sets with start codes; `length_bytes` as `nal_length_bytes` returns it."""
    units = [data[start:end] for start, end in nal_spans(data, length_bytes)]
    return units if length_bytes else [unit.rstrip(b"\0") for unit in units]  # a longer start code has zeros more


def packed(units: list[bytes], length_bytes: int) -> bytes:
    """The units as a packet's data."""
    start = b"\0" + NAL_START
    return b"".join((len(unit).to_bytes(length_bytes, "big") if length_bytes else start) + unit for unit in units)


def unit_kind(unit: bytes, codec: str) -> int:
    """nal_unit_type."""
    return unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63


def sets_of(extradata: bytes, codec: str) -> list[bytes]:
    """The parameter sets of a decoder configuration (avcC, hvcC, or units with start codes).

    ValueError if it is cut off.
    """
    try:
        if extradata[:1] != b"\1":
            units = units_of(extradata, 0)
        elif codec == "h264":
            sequences, at = _counted(extradata, 6, extradata[5] & 31)
            pictures, _ = _counted(extradata, at + 1, extradata[at])
            units = sequences + pictures
        else:
            units = [unit for _, array in _arrays(extradata) for unit in array]
    except IndexError as error:
        raise ValueError("its decoder configuration is cut off") from error
    return parameter_sets(units, codec)


def parameter_sets(units: list[bytes], codec: str) -> list[bytes]:
    """Those of the units that are parameter sets."""
    kinds = (H264_SEQUENCE, H264_PICTURE) if codec == "h264" else (HEVC_VIDEO, HEVC_SEQUENCE, HEVC_PICTURE)
    return [unit for unit in units if unit and unit_kind(unit, codec) in kinds]


def with_sets(extradata: bytes, codec: str, added: list[bytes]) -> bytes:
    """The decoder configuration with further sets; its level and flags then hold for all of them."""
    if extradata[:1] != b"\1":
        return packed(sets_of(extradata, codec) + added, 0)
    if codec == "h264":
        sequences, at = _counted(extradata, 6, extradata[5] & 31)
        pictures, end = _counted(extradata, at + 1, extradata[at])
        new = [unit for unit in added if unit_kind(unit, codec) == H264_SEQUENCE]
        compatible, level = extradata[2], extradata[3]
        for unit in new:
            compatible, level = compatible & unit[2], max(level, unit[3])
        sequences += new
        pictures += [unit for unit in added if unit_kind(unit, codec) == H264_PICTURE]
        head = bytes((1, extradata[1], compatible, level, extradata[4], 0xE0 | len(sequences)))
        return head + _lengths(sequences) + bytes((len(pictures),)) + _lengths(pictures) + extradata[end:]
    arrays = _arrays(extradata)
    level = extradata[12]
    for unit in added:
        kind = unit_kind(unit, codec)
        if kind == HEVC_SEQUENCE:
            level = max(level, _plain(unit[_HEVC_HEADER:])[12])
        array = next((units for first, units in arrays if first & 63 == kind), None)
        if array is None:
            arrays.append((kind | 0x80, array := []))
        array.append(unit)
    body = b"".join(bytes((first,)) + len(units).to_bytes(2, "big") + _lengths(units) for first, units in arrays)
    return extradata[:12] + bytes((level,)) + extradata[13:22] + bytes((len(arrays),)) + body


def read_h264_sequence(unit: bytes) -> H264Sequence:
    """ValueError if it is cut off."""
    bits = Bits(_plain(unit[1:]))
    profile, _, level = bits.take(8), bits.take(8), bits.take(8)
    set_id = bits.golomb()
    if profile in (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135):
        chroma = bits.golomb()
        bits.take(1 if chroma == 3 else 0)
        bits.golomb(), bits.golomb(), bits.take(1)
        if bits.take(1):
            for number in range(12 if chroma == 3 else 8):
                _skip_scaling_list(bits, 16 if number < 6 else 64)
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1), bits.signed(), bits.signed()
        for _ in range(bits.golomb()):
            bits.signed()
    references = bits.golomb()
    bits.take(1), bits.golomb(), bits.golomb()
    return H264Sequence(set_id, profile, level, references, is_frames_only=bool(bits.take(1)))


def free_ids(sets: list[bytes], codec: str) -> Ids:
    """Ids that none of `sets` has. ValueError if all are taken."""
    used: dict[int, set[int]] = {}
    for unit in sets:
        used.setdefault(unit_kind(unit, codec), set()).add(_set_id(unit, codec))
    if codec == "h264":  # x264 gives both sets the same
        both = used.get(H264_SEQUENCE, set()) | used.get(H264_PICTURE, set())
        free = _first_free(range(1, 32), both)
        return Ids(free, free)
    return Ids(
        _first_free(range(16), used.get(HEVC_SEQUENCE, set())),
        _first_free(_NINE_BITS, used.get(HEVC_PICTURE, set())),
        _first_free(range(16), used.get(HEVC_VIDEO, set())),
    )


def with_ids(unit: bytes, ids: Ids) -> bytes:
    """A parameter set or slice of x265, whose ids are all 0, with these ids; other units as they are."""
    kind = unit_kind(unit, "hevc")
    header, plain = unit[:_HEVC_HEADER], _plain(unit[_HEVC_HEADER:])
    if kind == HEVC_VIDEO:
        return header + _escaped(bytes((plain[0] & 0x0F | ids.video << 4,)) + plain[1:])
    if kind == HEVC_SEQUENCE:
        bits = Bits(bytes((plain[0] & 0x0F | ids.video << 4,)) + plain[1:])
        _to_hevc_sequence_id(bits)
        bits.replace_golomb(ids.sequence)
        return header + _escaped(bits.payload())
    if kind == HEVC_PICTURE:
        bits = Bits(plain)
        bits.replace_golomb(ids.picture)
        bits.replace_golomb(ids.sequence)
        return header + _escaped(bits.payload())
    if kind < HEVC_VIDEO:
        before = 2 if 16 <= kind <= 23 else 1  # flags before the id
        after = 7 - before
        if not plain[0] >> after & 1:
            raise ValueError("the encoder has several picture sets")
        start = plain[0] >> (after + 1) << (after + 9) | (ids.picture + 1) << after | plain[0] & ((1 << after) - 1)
        return header + _escaped(start.to_bytes(2, "big") + plain[1:])
    return unit


def _set_id(unit: bytes, codec: str) -> int:
    kind = unit_kind(unit, codec)
    if codec == "h264":
        return read_h264_sequence(unit).set_id if kind == H264_SEQUENCE else Bits(_plain(unit[1:])).golomb()
    bits = Bits(_plain(unit[_HEVC_HEADER:]))
    if kind == HEVC_VIDEO:
        return bits.take(4)
    if kind == HEVC_SEQUENCE:
        _to_hevc_sequence_id(bits)
    return bits.golomb()


def _to_hevc_sequence_id(bits: Bits) -> None:
    """Over the profile, tier and level of the stream and of its temporal layers (ITU-T H.265, 7.3.3)."""
    bits.take(4)
    layers = bits.take(3)
    bits.take(1 + 96)
    has = [(bits.take(1), bits.take(1)) for _ in range(8 if layers else 0)]
    for has_profile, has_level in has[:layers]:
        bits.take(88 * has_profile + 8 * has_level)


def _skip_scaling_list(bits: Bits, size: int) -> None:
    if not bits.take(1):
        return
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _first_free(ids: range, used: set[int]) -> int:
    free = next((number for number in ids if number not in used), None)
    if free is None:
        raise ValueError("its parameter sets leave no id free")
    return free


def _plain(payload: bytes) -> bytes:
    """Without the bytes that keep start codes out of a unit."""
    return payload.replace(b"\0\0\3", b"\0\0")


def _escaped(payload: bytes) -> bytes:
    return re.sub(rb"\0\0(?=[\0-\3]|\Z)", b"\0\0\3", payload)


def _counted(data: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    """(`count` units with two bytes of length each, from `at` on; where they end)."""
    units = []
    for _ in range(count):
        size = int.from_bytes(data[at : at + 2], "big")
        units.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    return units, at


def _arrays(extradata: bytes) -> list[tuple[int, list[bytes]]]:
    """The arrays of an hvcC: (first byte, units) each."""
    arrays, at = [], 23
    for _ in range(extradata[22]):
        units, end = _counted(extradata, at + 3, int.from_bytes(extradata[at + 1 : at + 3], "big"))
        arrays.append((extradata[at], units))
        at = end
    return arrays


def _lengths(units: list[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
