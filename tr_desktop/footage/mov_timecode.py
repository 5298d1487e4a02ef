"""The timecode track of MOV and MP4 files, which FFmpeg reads in part: without its edit list, sign and later samples.

QuickTime File Format, "Timecode Media" and "Edit Lists". Editors go by the frame number in the track, not by a label.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tr_desktop.footage.mov_atoms import atoms

_ON_THE_WAY = {b"edts", b"mdia", b"minf", b"stbl", b"tref"}  # atoms inside a track that hold the others
_MAX_TABLE_BYTES = 1 << 20
_EMPTY = -1  # the media time of an edit without media
_DROP_FRAME = 1  # flag


@dataclass(frozen=True)
class TimecodeTrack:
    """A `tmcd` track: frames a second that it counts, its drop-frame flag, and the number of the first picture's frame.

    frame: signed, and not wrapped at 24 hours.
    """

    rate: Fraction
    drop: bool
    frame: int


class _Edit(NamedTuple):
    """duration: in ticks of the movie. media_time: in ticks of the track, or `_EMPTY`."""

    duration: int
    media_time: int


class _Description(NamedTuple):
    rate: Fraction
    drop: bool


def timecode_track(path: Path, picture_id: int) -> TimecodeTrack | None:
    """The timecode track that the picture's track refers to, or else the first usable one; None if there is none.

    picture_id: the ID of the picture's track, FFmpeg's `Stream.id`. Raises OSError.
    """
    try:
        with path.open("rb") as file:
            movie_hz, tracks = _movie(file, path.stat().st_size)
            picture = next((track for track in tracks if track.id == picture_id), None)
            wanted = picture.references() if picture is not None else ()
            late_s = picture.empty_ticks / movie_hz if picture is not None else Fraction(0)
            for track in sorted(tracks, key=lambda track: track.id not in wanted):
                if found := track.first_frame(movie_hz, late_s):
                    return found
    except OSError as error:
        if error.errno != errno.EINVAL:  # damage can ask for a place outside any file
            raise
    return None


def _movie(file: BinaryIO, size_bytes: int) -> tuple[Fraction, list[_Track]]:
    """(ticks of the movie in a second, its tracks)."""
    movie_hz, tracks = Fraction(1), list[_Track]()
    for kind, start, end in atoms(file, 0, size_bytes):
        if kind != b"moov":
            continue
        for inner, body, body_end in atoms(file, start, end):
            if inner == b"mvhd":
                movie_hz = Fraction(_timescale(file, body) or 1)
            elif inner == b"trak":
                tracks.append(_Track(file, body, body_end))
    return movie_hz, tracks


def _timescale(file: BinaryIO, start: int) -> int:
    """Of `mvhd` and `mdhd`, whose version 1 has two longer dates before it."""
    file.seek(start)
    head = file.read(24)
    at = 20 if head[:1] == b"\x01" else 12
    return int.from_bytes(head[at : at + 4], "big")


class _Track:
    """A track of the movie; nothing but the places of its atoms is read in advance."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file = file
        self._places = dict(reversed(list(self._leaves(start, end))))  # the first of each kind
        head = self._read(b"tkhd", 24)
        at = 20 if head[:1] == b"\x01" else 12
        self.id = int.from_bytes(head[at : at + 4], "big")
        edits = self._edits()
        begins = next((n for n, edit in enumerate(edits) if edit.media_time != _EMPTY), len(edits))
        self.empty_ticks = sum(edit.duration for edit in edits[:begins])
        self._starts_at = edits[begins].media_time if begins < len(edits) else 0

    def references(self) -> tuple[int, ...]:
        """The IDs of the timecode tracks that this track refers to."""
        return tuple(number for (number,) in self._rows(b"tmcd", 0, (4,)))

    def first_frame(self, movie_hz: Fraction, late_s: Fraction) -> TimecodeTrack | None:
        """The frame number at the first picture, which is `late_s` seconds after the movie's start; None if this is no
        timecode track, or a damaged one.

        A late picture counts only against a late track: programs that write no edit list for the timecode give the
        label of the first picture, wherever that is.
        """
        track_hz = _timescale(self._file, self._places[b"mdhd"][0]) if b"mdhd" in self._places else 0
        descriptions = self._descriptions()
        if not track_hz or not any(descriptions):
            return None
        sample, sample_at = self._sample_at(self._starts_at)
        number, description_number = self._stored_number(sample)
        if number is None or not 0 < description_number <= len(descriptions):
            return None
        description = descriptions[description_number - 1]
        if description is None:
            return None
        a_tick = description.rate / track_hz  # in frames
        into = math.floor((self._starts_at - sample_at) * a_tick + min(a_tick, Fraction(1, 4)))  # ticks are rounded
        late = round((late_s - self.empty_ticks / movie_hz) * description.rate) if self.empty_ticks else 0
        return TimecodeTrack(description.rate, description.drop, number + into + late)

    def _leaves(self, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
        for kind, body, body_end in atoms(self._file, start, end):
            if kind in _ON_THE_WAY:
                yield from self._leaves(body, body_end)
            else:
                yield kind, (body, body_end)

    def _read(self, kind: bytes, size_bytes: int = _MAX_TABLE_BYTES) -> bytes:
        if kind not in self._places:
            return b""
        start, end = self._places[kind]
        self._file.seek(start)
        return self._file.read(min(end - start, size_bytes))

    def _rows(self, kind: bytes, head_bytes: int, widths: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The complete rows of a table after its head. widths: bytes of each column."""
        table, rows, at = self._read(kind), list[tuple[int, ...]](), head_bytes
        while at + sum(widths) <= len(table):
            row = []
            for width in widths:
                row.append(int.from_bytes(table[at : at + width], "big"))
                at += width
            rows.append(tuple(row))
        return rows

    def _edits(self) -> list[_Edit]:
        wide = self._read(b"elst", 1) == b"\x01"
        sizes, sign = ((8, 8, 4), 1 << 63) if wide else ((4, 4, 4), 1 << 31)
        return [_Edit(row[0], (row[1] ^ sign) - sign) for row in self._rows(b"elst", 8, sizes)]

    def _descriptions(self) -> list[_Description | None]:
        """The sample descriptions; None for those that aren't usable timecode."""
        table, at, found = self._read(b"stsd"), 8, list[_Description | None]()
        while at + 8 <= len(table):
            size = int.from_bytes(table[at : at + 4], "big")
            entry = table[at : at + max(size, 8)]
            flags, timescale, duration = (int.from_bytes(entry[n : n + 4], "big") for n in (20, 24, 28))
            is_usable = entry[4:8] == b"tmcd" and len(entry) >= 34 and timescale and duration
            found.append(_Description(Fraction(timescale, duration), bool(flags & _DROP_FRAME)) if is_usable else None)
            at += max(size, 8)
        return found

    def _sample_at(self, ticks: int) -> tuple[int, int]:
        """(number of the sample at this media time, when it starts); the last sample if there is none."""
        sample, start, last = 0, 0, (0, 0)
        for count, duration in self._rows(b"stts", 8, (4, 4)):
            steps = max(ticks - start, 0) // duration if duration else count
            if steps < count:
                return sample + steps, start + steps * duration
            sample, start = sample + count, start + count * duration
            last = sample - 1, start - duration
        return last

    def _stored_number(self, sample: int) -> tuple[int | None, int]:
        """(frame number that a sample stores, or None; number of its description, from 1).

        Numbers are signed: a track may start before zero ("negative times"), and none is so long that the sign matters.
        """
        runs = self._rows(b"stsc", 8, (4, 4, 4))
        before = 0  # samples in the runs so far
        for (first, per_chunk, description), following in zip(runs, [*runs[1:], None], strict=True):
            chunk, within = divmod(sample - before, max(per_chunk, 1))
            if following is None or first + chunk < following[0]:
                return self._number_in(first - 1 + chunk, within), description
            before += (following[0] - first) * per_chunk
        return None, 0

    def _number_in(self, chunk: int, within: int) -> int | None:
        wide = b"co64" in self._places
        start, end = self._places.get(b"co64" if wide else b"stco", (0, 0))
        size = 8 if wide else 4
        if start + 8 + (chunk + 1) * size > end:
            return None
        self._file.seek(start + 8 + chunk * size)
        self._file.seek(int.from_bytes(self._file.read(size), "big") + 4 * within)
        stored = self._file.read(4)
        return int.from_bytes(stored, "big", signed=True) if len(stored) == 4 else None
