"""Proxy in, original out: moments that were found in a proxy are exported as moments of its original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from tr_desktop.errors import MediaError
from tr_desktop.footage.original import Original, Originals
from tr_desktop.footage.read_on import read_whole
from tr_desktop.moments import Footage, Moment


class FindsOriginals(Protocol):
    def originals_of(self, footage: Footage) -> Originals:
        """The originals of a file that was searched, if it's a proxy."""


@dataclass(frozen=True)
class Exchange:
    """moments: with their originals, if these are known. proxies: {original: the proxy that was searched}."""

    moments: tuple[Moment, ...]
    proxies: dict[Path, Path]
    notes: tuple[str, ...]


def exchange(moments: Sequence[Moment], finder: FindsOriginals | None, *, are_cut: bool) -> Exchange:
    """`moments` of proxies as moments of their originals. are_cut: then only originals that can be decoded will do."""
    if finder is None:
        return Exchange(tuple(moments), {}, ())
    refers = "the clips are cut from" if are_cut else "the export refers to"
    to_searched = f"{refers.capitalize()} the file that was searched."
    footage: dict[Path, Footage] = {}
    proxies, notes = {}, []
    files = {part.footage.media.path: part.footage for moment in moments for part in moment.parts}
    for searched in files.values():
        path, found = searched.media.path, finder.originals_of(searched)
        if len(found.fitting) > 1:
            each_of = ", ".join(str(original.path) for original in found.fitting)
            notes.append(f"{path.name} may be a proxy of each of these: {each_of}. {to_searched}")
        elif found.fitting:
            [original] = found.fitting
            taken = _footage_to_cut(searched, original) if are_cut else _footage_to_list(searched, original)
            if taken is None:
                notes.append(
                    f"{path.name} is a proxy of {original.path}, which {_why_not_cut(original)}. "
                    "The clips are cut from the proxy."
                )
            else:
                footage[path], proxies[original.path] = taken, path
                notes.append(_note(path, original, refers))
        elif found.unlike:
            notes.append(
                f"{found.unlike[0]} is called like the original of {path.name}, but its timecode, rate or length "
                f"differs. {to_searched}"
            )
        elif found.is_missing:
            notes.append(f"No original of {path.name} was found. {to_searched}")
    return Exchange(tuple(_with_footage(moment, footage) for moment in moments), proxies, tuple(notes))


def _with_footage(moment: Moment, footage: Mapping[Path, Footage]) -> Moment:
    if not any(part.footage.media.path in footage for part in moment.parts):
        return moment
    first, *further = (
        replace(part, footage=footage.get(part.footage.media.path, part.footage)) for part in moment.parts
    )
    return replace(moment, footage=first.footage, continued=tuple(further))


def _footage_to_list(searched: Footage, original: Original) -> Footage:
    """The original with the frames of its proxy, which are the same."""
    return replace(searched, media=original.media or replace(searched.media, path=original.path))


def _footage_to_cut(searched: Footage, original: Original) -> Footage | None:
    if original.media is None or not original.is_there:
        return None
    try:
        footage = read_whole(original.media)
    except MediaError:
        return None
    return footage if len(footage) == len(searched) else None


def _why_not_cut(original: Original) -> str:
    return "can't be decoded frame for frame" if original.is_there else "isn't there now"


def _note(path: Path, original: Original, refers: str) -> str:
    note = f"{path.name} is a proxy: {refers} its original {original.path}"
    if original.media is None:
        note += ", found by its name alone, because this program can't read it"
    return f"{note}." if original.is_there else f"{note}. Its drive is away: connect it to conform."
