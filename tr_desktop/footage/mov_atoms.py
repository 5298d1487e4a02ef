"""The atoms of MOV and MP4 files, and what Sony's cameras put into one of them: NonRealTimeMeta, an XML document."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_MAX_XML_BYTES = 1 << 20
_LTC = re.compile(
    rb'<LtcChangeTable[^>]*\btcFps="(\d+)"[^>]*>\s*<LtcChange[^>]*\bframeCount="0"[^>]*\bvalue="([0-9A-Fa-f]{8})"'
)


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
    for kind, body, body_end in atoms(file, start, end):
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


def atoms(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
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
