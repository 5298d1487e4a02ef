"""Frames as a user writes them, MEDIA@SECONDS: those of marked answers and of examples."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from tr_desktop.errors import UserError
from tr_desktop.library.index.walk import absolute_path
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Footage, Judgement
from tr_desktop.names import plain
from tr_desktop.timecode import Timecode


def judgement_of(what: str, is_right: bool, catalog: Catalog) -> Judgement:
    """The judgement that MEDIA@SECONDS names. MEDIA: a path, or the end of one in the library, such as a file name.
    SECONDS: as for `frame_at`. Raises UserError."""
    name, at, place = what.rpartition("@")
    if not (name and at and place):
        raise UserError(f"{what!r} isn't MEDIA@SECONDS", remedy="Write it as park.mov@12.5")
    footage = _footage(name, catalog)
    return Judgement(footage.media.path, frame_at(footage, place), is_right)


def is_place(text: str) -> bool:
    """Whether `text` is written as seconds or a timecode, in whatever file."""
    with suppress(ValueError, ZeroDivisionError):
        return ":" in text or _seconds(text) >= 0
    return False


def frame_at(footage: Footage, place: str) -> int:
    """The frame at `place`: seconds, or a source timecode. Raises UserError if there is none."""
    path, media, times = footage.media.path, footage.media, footage.times
    try:
        if ":" in place:
            label = Timecode.parse(place, media.rate, media.start_tc.drop)
            labels = (label.frame - media.start_tc.frame) % label.frames_per_day
            frame, is_inside = footage.frame_at(labels), labels < footage.label_frames(len(footage))
        else:
            time_s = _seconds(place)
            frame, is_inside = times.frame_at(time_s), 0 <= time_s < times.duration_s
    except (ValueError, ZeroDivisionError) as error:
        raise UserError(f"{place!r} is neither seconds nor a timecode", path=path) from error
    if not is_inside:
        lasts = f"The file lasts {float(times.duration_s):.2f} s"
        raise UserError(f"{lasts}; there is no picture at {place}", path=path)
    return frame


def _seconds(text: str) -> Fraction:
    if "e" in text.casefold():  # a number such as 1e999999999 would fill the memory
        raise ValueError(text)
    return Fraction(text)


def _footage(name: str, catalog: Catalog) -> Footage:
    path = absolute_path(Path(name))
    try:
        return catalog.footage(path)
    except KeyError:
        end = tuple(map(plain, Path(name).parts))
        found = [each for each in catalog.paths() if tuple(map(plain, each.parts[-len(end) :])) == end]
    known: dict[tuple[bytes, ...], Footage] = {}
    for each in found:
        with suppress(KeyError):  # a subtitle file
            footage = catalog.footage(each)
            known.setdefault(footage.contents, footage)
    if not known:
        raise UserError("The marked file isn't in the library", path=path, remedy="Index it, or correct its name")
    if len(known) > 1:
        raise UserError(f"{len(known)} files of the library are called {name}", remedy="Give the whole path")
    return next(iter(known.values()))
