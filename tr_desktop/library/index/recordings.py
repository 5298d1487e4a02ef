"""Files that a camera split one recording into: names give candidates, and the facts of both files prove them.

GoPro: GX010042, GX020042, or GOPR0042, GP010042. XDCAM EX: 798_0001_01, 798_0001_02. Canon XF: AA000101, AA000102.
P2: the clip's document names the next clip. AVCHD, DJI, Sony and other cameras only count their files, so there the
first file must also be as large as a card's files can be: with timecode that runs on from take to take, the next take
would look the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

from tr_desktop.errors import MediaError
from tr_desktop.footage.container import open_video
from tr_desktop.moments import Media

_GOPRO = re.compile(r"(g[hxls])(\d\d)(\d{4})")
_OLD_GOPRO = re.compile(r"(gopr|gp(\d\d))(\d{4})")
_XDCAM_EX = re.compile(r"(.+_\d{4}_)(\d\d)")
_CANON_XF = re.compile(r"([a-z]{2}\d{4})(\d\d)")
_DJI_TIME = re.compile(r"^(dji_)\d{14}_")
_COUNTED = re.compile(r"(.*?)(\d{3,5})([a-z_]*)")
_CREATED_WITHIN_S = 1  # headers give whole seconds
# Cameras end a file at what a card's files can have, or with the last frames that fit.
_LIMITS_BYTES = (2 << 30, 4 * 10**9, 4 << 30)
_FULL = Fraction(98, 100)
_DOCUMENT_BYTES = 1 << 20


class Naming(Enum):
    """What a name says: that the file is the next chapter of a recording, or only the next that was recorded."""

    CHAPTER = "chapter"
    COUNT = "count"


_Key = tuple[str, str]


class Names:
    """The files of a library, to find those that may go on from another."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths: dict[_Key, Path] = {}
        self._p2: dict[str, list[Path]] = {}
        for path in paths:
            self._paths.setdefault((str(path.parent).lower(), _plain(path)), path)
            if _is_p2(path):
                self._p2.setdefault(path.stem.lower(), []).append(path)

    def beside(self, path: Path, step: int) -> list[tuple[Path, Naming]]:
        """The files that may be the next (step 1) or the previous (step -1) of the recording, with what says so."""
        found = [(each, Naming.CHAPTER) for each in self._p2.get(_named_in_document(path, step), ())]
        ending, folder, stem = path.suffix.lower(), path.parent, path.stem.lower()
        keys = [(str(folder), name, Naming.CHAPTER) for name in _chapter_names(stem, folder, step)]
        # XDCAM EX has a folder for each file, called like it.
        keys += [
            (str(folder.parent / name), name, Naming.CHAPTER) for _, name, _ in keys if folder.name.lower() == stem
        ]
        if not keys and (match := _COUNTED.fullmatch(_DJI_TIME.sub(r"\1", stem))):
            number = int(match[2]) + step
            if number >= 0:
                keys.append((str(folder), f"{match[1]}{number:0{len(match[2])}d}{match[3]}", Naming.COUNT))
        for place, name, naming in keys:
            other = self._paths.get((place.lower(), name + ending))
            if other is not None:
                found.append((other, naming))
        return found


def is_next(first: Media, duration_s: Fraction, second: Media, naming: Naming) -> bool:
    """Whether `second` goes on from `first`: the same kind of footage, and labels or clock run on without a gap.

    duration_s: of `first`. Reads the headers of both if neither has a timecode.
    """
    if first.is_vfr or second.is_vfr or _kind(first) != _kind(second):
        return False
    if naming is Naming.COUNT and not _is_full(first.size_bytes):
        return False
    if first.has_timecode != second.has_timecode:
        return False
    if first.has_timecode:
        gap = second.start_tc.frame - first.start_tc.frame - round(duration_s * first.rate)
        return gap % first.start_tc.frames_per_day == 0
    begins, follows = _created(first.path), _created(second.path)
    if begins is None or follows is None:
        return False
    return (
        abs((follows.replace(tzinfo=None) - begins.replace(tzinfo=None)).total_seconds() - float(duration_s))
        <= _CREATED_WITHIN_S
    )


def _kind(media: Media) -> tuple[object, ...]:
    audio = tuple((track.codec, track.channels, track.rate_hz) for track in media.audio)
    return media.codec, media.width, media.height, media.rate, media.start_tc.drop, media.rotation, audio


def _is_full(size_bytes: int) -> bool:
    return any(_FULL * limit <= size_bytes <= limit for limit in _LIMITS_BYTES)


def _chapter_names(stem: str, folder: Path, step: int) -> list[str]:
    """The names, without ending, of the next or previous chapter by the cameras' own rules."""
    if match := _GOPRO.fullmatch(stem):
        return [f"{match[1]}{int(match[2]) + step:02d}{match[3]}"]
    if match := _OLD_GOPRO.fullmatch(stem):
        chapter = int(match[2] or 0) + step
        return [f"gp{chapter:02d}{match[3]}" if chapter > 0 else f"gopr{match[3]}"] if chapter >= 0 else []
    if (match := _CANON_XF.fullmatch(stem)) and folder.name.lower() == match[1]:
        return [f"{match[1]}{int(match[2]) + step:02d}"]
    return []


def _plain(path: Path) -> str:
    return _DJI_TIME.sub(r"\1", path.name.lower())


def _is_p2(path: Path) -> bool:
    return path.parent.name.lower() == "video" and path.parent.parent.name.lower() == "contents"


def _named_in_document(path: Path, step: int) -> str:
    """The clip that a P2 clip's document names as the next or previous of the shot; "" if none."""
    if not _is_p2(path):
        return ""
    document = path.parent.parent / "CLIP" / f"{path.stem}.XML"
    try:
        with document.open("rb") as file:
            content = file.read(_DOCUMENT_BYTES)
        if b"<!DOCTYPE" in content:  # entities could fill the memory, and P2 has none
            return ""
        elements = ElementTree.fromstring(content).iter()
    except (OSError, ElementTree.ParseError):
        return ""
    wanted = "Next" if step > 0 else "Previous"
    for each in elements:
        if each.tag.rpartition("}")[2] == wanted:
            names = (child.text for child in each.iter() if child.tag.rpartition("}")[2] == "ClipName")
            return (next(names, "") or "").strip().lower()
    return ""


def _created(path: Path) -> datetime | None:
    """When the recording of a file began, by its header."""
    try:
        with open_video(path) as (container, stream):
            said = stream.metadata.get("creation_time") or container.metadata.get("creation_time") or ""
        return datetime.fromisoformat(said)
    except (MediaError, ValueError):
        return None
