"""Source timecode and reel name, from wherever a file keeps them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from av.container import InputContainer
from av.video.stream import VideoStream

from tr_desktop.timecode import DROP_FRAME_RATES, Timecode, exact_rate

_REEL_KEYS = ("reel_name", "com.apple.proapps.reel", "com.apple.quicktime.reel")
_CONTAINERS = {
    b"moov",
    b"trak",
    b"mdia",
    b"minf",
    b"stbl",
}  # atoms on the way to a sample description
_NTSC = Fraction(1000, 1001)
_MXF_TIMECODE_BASE = re.compile(rb"\x15\x02\x00\x02(..)", re.DOTALL)  # local tag 1502, length 2
_MXF_HEADER_BYTES = 1 << 20


def source_timecode(
    path: Path, container: InputContainer, stream: VideoStream, rate: Fraction
) -> tuple[Timecode, bool]:
    """(timecode of the first frame counted at `rate`, whether the file carries one); zero where it carries none.

    A timecode track may count at another rate than the picture (29.97 drop-frame beside 59.94 footage, SMPTE ST 12-1):
    the label is read at the track's rate and carried over to the picture's.
    """
    for text in _labels(container, stream):
        tc_rate, drop = _track_rate(path, container.format.name)
        for label_rate in dict.fromkeys((_same_family(tc_rate, rate), rate)):
            try:
                drops = (";" in text if drop is None else drop) and label_rate in DROP_FRAME_RATES
                return Timecode.parse(text, label_rate, drops).at_rate(rate), True
            except ValueError:
                continue  # a label that can't exist at this rate
    return Timecode(0, rate), False


def reel_name(container: InputContainer, stream: VideoStream) -> str:
    """The tape or card name that the file carries, or "" if none."""
    for metadata in (stream.metadata, *(s.metadata for s in container.streams), container.metadata):
        for key in _REEL_KEYS:
            if reel := _value(metadata, key):
                return reel
    return ""


def _labels(container: InputContainer, stream: VideoStream) -> Iterator[str]:
    own = [stream.metadata, *(s.metadata for s in container.streams if s.type == "data"), container.metadata]
    yield from filter(None, (_value(metadata, "timecode") for metadata in own))


def _value(metadata: Mapping[str, str], key: str) -> str:
    """Matroska writes its keys in capitals."""
    return (metadata.get(key) or metadata.get(key.upper()) or "").strip()


def _same_family(tc_rate: Fraction | None, rate: Fraction) -> Fraction:
    """The timecode track's rate, in the picture's family: trackers write 30 for 29.97 beside 59.94 footage."""
    if tc_rate is None:
        return rate
    tc_rate = exact_rate(tc_rate)
    is_ntsc = rate.denominator == 1001
    if is_ntsc and tc_rate.denominator == 1:
        return tc_rate * _NTSC
    return tc_rate


def _track_rate(path: Path, format_name: str) -> tuple[Fraction | None, bool | None]:
    """(frames a second, drop-frame?) of the file's first timecode track; None for what it doesn't tell.

    FFmpeg gives the label but not the rate that it counts in. QuickTime File Format, "Timecode Media"; SMPTE ST 377-1,
    Timecode Component, Rounded Timecode Base.
    """
    try:
        with path.open("rb") as file:
            if format_name == "mxf":
                base = _MXF_TIMECODE_BASE.search(file.read(_MXF_HEADER_BYTES))
                return (Fraction(int.from_bytes(base[1], "big")) or None if base else None), None
            if format_name.startswith("mov"):
                for entry in _timecode_entries(file, 0, path.stat().st_size):
                    flags = int.from_bytes(entry[20:24], "big")
                    timescale, duration = int.from_bytes(entry[24:28], "big"), int.from_bytes(entry[28:32], "big")
                    if timescale and duration:
                        return Fraction(timescale, duration), bool(flags & 1)
    except OSError:
        pass
    return None, None


def _timecode_entries(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """Sample descriptions of format `tmcd` in the atoms between two offsets, each from its size field on."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        size, kind, body = int.from_bytes(head[:4], "big"), head[4:8], start + 8
        if size == 1:
            size, body = int.from_bytes(head[8:16], "big"), start + 16
        elif size == 0:
            size = end - start
        if size < body - start:
            return  # damaged: don't walk in circles
        if kind in _CONTAINERS:
            yield from _timecode_entries(file, body, min(start + size, end))
        elif kind == b"stsd":
            file.seek(body + 8)
            entry = file.read(34)
            if entry[4:8] == b"tmcd" and len(entry) == 34:
                yield entry
        start += size
