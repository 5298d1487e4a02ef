"""Completes the index of a finished MOV or MP4 file with facts that FFmpeg's writer leaves out.

It links the names of chapters to sound but not to pictures that have timecode, so those of a silent clip are a loose
track of text. It writes no field order (`fiel`) for DNxHD, no partly known colour (`colr`), and into MOV few languages,
by numbers of the Macintosh; QuickTime also reads any ISO 639-2 code. QuickTime File Format, "Video Sample Description
Extensions" and "Language Code Values", "Track References" and "Chapter Lists"; ISO/IEC 14496-12, 12.1.5. A new atom
lies inside nested atoms, and each of them grows. The index must come after the media data: then nothing that it points
to moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from tr_desktop.moments import Colour, FieldOrder

_ENTRY_HEAD = 86  # size, kind and the fields of a video sample description, before its extensions
_DETAIL = {FieldOrder.UPPER_FIRST: 1, FieldOrder.LOWER_FIRST: 6}
_INSIDE = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}


def complete_index(path: Path, languages: Sequence[str], extensions: Sequence[bytes] = ()) -> None:
    """Set the languages of the tracks, in their order, and add atoms to the description of the first video track.

    languages: three letters each, anything else for a track to leave alone. Link the track of chapters, if there is one
    after these tracks, to the pictures. extensions: as `field_atom` and
    `colour_atom` give them. OSError; ValueError if the file isn't as expected.
    """
    with path.open("r+b") as file:
        start = _index_at(file)
        file.seek(start)
        index = bytearray(file.read())
        headers = [parents[-1] for parents in _atoms(index, b"mdhd")]
        for at, language in zip(headers, languages, strict=False):
            if len(language) == 3 and language.isascii() and language.islower():
                _set_language(index, at, language)
        _link_chapters(index, len(languages) + 1)
        if extensions:
            _extend_description(index, b"".join(extensions))
        file.seek(start)
        file.write(index)


def field_atom(fields: FieldOrder) -> bytes:
    """Both fields of a frame are stored, line by line, and this one comes first."""
    return bytes((0, 0, 0, 10)) + b"fiel" + bytes((2, _DETAIL[fields]))


def colour_atom(colour: Colour, *, is_mp4: bool) -> bytes:
    """MP4 has a form of its own, with the range."""
    points = b"".join(point.to_bytes(2, "big") for point in (colour.primaries, colour.transfer, colour.matrix))
    body = b"nclx" + points + bytes((0x80 if colour.is_full_range else 0,)) if is_mp4 else b"nclc" + points
    return (8 + len(body)).to_bytes(4, "big") + b"colr" + body


def _set_language(index: bytearray, header_at: int, language: str) -> None:
    """Five bits a letter, in a media header of either version."""
    at = header_at + (40 if index[header_at + 8] else 28)
    packed = 0
    for letter in language:
        packed = packed << 5 | ord(letter) - 0x60
    index[at : at + 2] = packed.to_bytes(2, "big")


def _link_chapters(index: bytearray, number: int) -> None:
    """Refer to the chapters from the first video track, whose only reference is to timecode. number: of their track."""
    tracks = _atoms(index, b"trak")
    references = [parents for parents in _atoms(index, b"tref") if parents[1] in _videos(index)]
    if number > len(tracks) or not references:
        return
    header = next(parents[-1] for parents in _atoms(index, b"hdlr") if parents[1] == tracks[number - 1][1])
    *_, at = references[0]
    end = at + _size(index, at)
    if index[header + 16 : header + 20] == b"text" and b"chap" not in index[at:end]:
        _insert(index, end, (12).to_bytes(4, "big") + b"chap" + number.to_bytes(4, "big"), references[0])


def _videos(index: bytearray) -> set[int]:
    return {parents[1] for parents in _atoms(index, b"vmhd")}


def _insert(index: bytearray, at: int, atoms: bytes, parents: Sequence[int]) -> None:
    """Put `atoms` into the last of `parents`, which all grow."""
    index[at:at] = atoms
    for parent in parents:
        index[parent : parent + 4] = (_size(index, parent) + len(atoms)).to_bytes(4, "big")


def _extend_description(index: bytearray, atoms: bytes) -> None:
    parents = next(parents for parents in _atoms(index, b"stsd") if parents[1] in _videos(index))
    entry_at = parents[-1] + 16
    _insert(index, entry_at + _ENTRY_HEAD, atoms, (*parents, entry_at))


def _atoms(index: bytearray, wanted: bytes) -> list[tuple[int, ...]]:
    """For each atom of this kind, the offsets of all atoms from the index down to it."""
    found: list[tuple[int, ...]] = []

    def walk(at: int, end: int, parents: tuple[int, ...]) -> None:
        while at + 8 <= end and (size := _size(index, at)) >= 8:
            kind = bytes(index[at + 4 : at + 8])
            if kind == wanted:
                found.append((*parents, at))
            elif kind in _INSIDE:
                walk(at + 8, at + size, (*parents, at))
            at += size

    walk(0, len(index), ())
    return found


def _index_at(file: BinaryIO) -> int:
    """The offset of the last atom, which must be the index."""
    start, kind = 0, b""
    end = file.seek(0, 2)
    at = 0
    while at < end:
        file.seek(at)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size < 8:
            raise ValueError("the file's atoms are damaged")
        start, kind, at = at, head[4:8], at + size
    if kind != b"moov":
        raise ValueError("the file's index isn't at its end")
    return start


def _size(index: bytearray, at: int) -> int:
    return int.from_bytes(index[at : at + 4], "big")
