"""Plain values that the store takes and returns, without a database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from tr_desktop.footage.captions import Cue
from tr_desktop.moments import TextKind


@dataclass(frozen=True)
class Source:
    """A file as it was found, and the digest of its content (`index/identity.py`)."""

    path: Path
    size_bytes: int
    mtime_ns: int
    digest: bytes


class Content(NamedTuple):
    """What a file contained when it was read. packets: their digest, None if it wasn't read to its end. mtime_ns: its
    date then. duration_s: of the footage read so far, seconds.
    """

    digest: bytes
    packets: bytes | None
    size_bytes: int
    mtime_ns: int
    duration_s: Fraction


class FileRecord(NamedTuple):
    """The library's record of one path.

    reason: why it can't be searched, or None; decoder: which one found it. media_id: the same for all copies. rows:
    vectors of the requested pack; is_whole: whether these are all. end_tick, tick_s: of the footage read so far.
    height: pixels as shown. has_old_facts: whether an older version read the header, and less of it. every_s: time
    between rows, or None without rows. is_coarse: whether keyframes are searched instead of the rows that lack.
    """

    size_bytes: int
    mtime_ns: int
    reason: str | None
    media_id: int | None
    rows: int
    is_whole: bool
    end_tick: int
    tick_s: str
    height: int
    problems_json: str
    decoder: str | None
    has_old_facts: bool
    every_s: str | None = None
    is_coarse: bool = False

    @property
    def problems(self) -> tuple[str, ...]:
        """Damage that was passed over, as sentences."""
        return () if self.problems_json == "[]" else tuple(json.loads(self.problems_json))

    @property
    def duration_s(self) -> Fraction:
        return self.end_tick * Fraction(self.tick_s)

    @property
    def read_s(self) -> Fraction:
        """How much of the footage the requested pack has read: another pack may have read more."""
        return self.duration_s if self.is_whole else min(self.duration_s, self.rows * Fraction(self.every_s or 0))


class KnownContent(NamedTuple):
    """Content that the library knows. packets: their digest, None if not read to the end. mtimes_ns: of its files."""

    digest: bytes
    packets: bytes | None
    mtimes_ns: tuple[int, ...]


class TextMatch(NamedTuple):
    """A text that was found. path: of its subtitle file, if any; media_id: of the footage that contains it, if any."""

    cue: Cue
    kind: TextKind
    path: Path | None
    media_id: int | None


class SidecarRecord(NamedTuple):
    """The library's record of a subtitle file. problem: why it can't be searched; None if its text is stored."""

    size_bytes: int
    mtime_ns: int
    problem: str | None


class ReadProgress(NamedTuple):
    """How far footage was read for a pack: the next row, how to continue, whether it is done, and `has_old_facts` as in
    `FileRecord`."""

    rows: int
    decode_all: bool
    is_whole: bool
    has_old_facts: bool = False
