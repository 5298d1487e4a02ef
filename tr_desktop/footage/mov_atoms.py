"""Timecode of MOV and MP4 files, from atoms that FFmpeg doesn't expose completely.

QuickTime File Format, "Timecode Media"; Sony's NonRealTimeMeta, an XML document in a `meta` atom.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}  # on the way to a sample description
_MAX_XML_BYTES = 1 << 20
_LTC = re.compile(
    rb'<LtcChangeTable[^>]*\btcFps="(\d+)"[^>]*>\s*<LtcChange[^>]*\bframeCount="0"[^>]*\bvalue="([0-9A-Fa-f]{8})"'
)


@dataclass(frozen=True)
class TimecodeTrack:
    """A `tmcd` track: frames a second that it counts, its drop-frame flag, and the number of its first frame."""

    rate: Fraction
    drop: bool
    frame: int


def timecode_track(path: Path) -> TimecodeTrack | None:
    """The first usable timecode track, or None. Raises OSError. Editors go by its frame number, not by a label."""
    try:
        with path.open("rb") as file:
            for entry, sample_at in _timecode_tracks(file, 0, path.stat().st_size):
                flags = int.from_bytes(entry[20:24], "big")
                timescale = int.from_bytes(entry[24:28], "big")
                duration = int.from_bytes(entry[28:32], "big")
                file.seek(sample_at)
                frame = file.read(4)
                if timescale and duration and len(frame) == 4:
                    return TimecodeTrack(Fraction(timescale, duration), bool(flags & 1), int.from_bytes(frame, "big"))
    except OSError as error:
        if error.errno != errno.EINVAL:  # damage can ask for a place outside any file
            raise
    return None


def sony_label(path: Path) -> tuple[str, int] | None:
    """(label of the first frame, frames a second that it counts) in Sony's XML document, or None. Raises OSError."""
    try:
        with path.open("rb") as file:
            for start, end in _metas(file, 0, path.stat().st_size):
                file.seek(start)
                if found := _LTC.search(file.read(min(end - start, _MAX_XML_BYTES))):
                    return _unpacked(bytes.fromhex(found[2].decode())), int(found[1])
    except OSError as error:
        if error.errno != errno.EINVAL:  # damage can ask for a place outside any file
            raise
    return None


def _metas(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(start, end) of the content of each `meta` atom: of the file, the movie or a track."""
    for kind, body, body_end in _atoms(file, start, end):
        if kind == b"meta":
            yield body, body_end
        elif kind in (b"moov", b"trak", b"udta"):
            yield from _metas(file, body, body_end)


def _unpacked(packed: bytes) -> str:
    """The label of frames, seconds, minutes and hours as decimals in four bits, with flags above them (ST 331)."""
    tens = (3, 7, 7, 3)
    frames, seconds, minutes, hours = (
        (byte >> 4 & mask) * 10 + (byte & 15) for byte, mask in zip(packed, tens, strict=True)
    )
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if packed[0] & 0x40 else ':'}{frames:02d}"


def _atoms(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of the content of each atom between two offsets."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        kind = head[4:8]
        body = start + 8
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
            body = start + 16
        elif size == 0:
            size = end - start
        if size < body - start:
            return  # damaged: don't walk in circles
        yield kind, body, min(start + size, end)
        start += size


def _timecode_tracks(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int]]:
    """(sample description from its size field on, offset of the first sample) of tracks of format `tmcd`."""
    entry = b""
    sample_at = 0
    for kind, body, body_end in _atoms(file, start, end):
        if kind in _CONTAINERS:
            yield from _timecode_tracks(file, body, body_end)
        elif kind == b"stsd":
            file.seek(body + 8)
            entry = file.read(34)
        elif kind in (b"stco", b"co64"):
            file.seek(body + 8)
            sample_at = int.from_bytes(file.read(4 if kind == b"stco" else 8), "big")
    if entry[4:8] == b"tmcd" and len(entry) == 34 and sample_at:
        yield entry, sample_at
