"""Where an export may write. It never replaces what can't be exported again.

Whoever asks, an export never replaces a media file, a project, a file that the library searches, or anything in the
library's folder. Clips never replace anything: they get a free name. A list replaces another file only if this program
wrote it as the same export and it hasn't changed since (`ledger.py`), or if the user agreed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Protocol

from exporters import ledger
from exporters.ledger import Export
from tr_desktop.errors import ExportError
from tr_desktop.moments import Media

_VIDEO = (
    "264 265 3g2 3gp amv ari arx asf av1 avi avs braw cine crm dav divx dv evo f4v flv gifv gxf h264 h265 hevc ismv ivf"
    " kux lrf lrv lxf m1v m2p m2t m2ts m2v m4v mj2 mjpeg mjpg mkv mod mov mp2v mp4 mpe mpeg mpg mpv mts mxf nev nut obu"
    " ogm ogv qt r3d rm rmvb roq rsv tod ts vc1 vdr vob webm wmv wtv y4m yuv"
)
_SOUND = (
    "3ga aac ac3 aif aifc aiff alac amr ape au bwf caf dff dsf dts eac3 flac m4a m4b mka mp2 mp3 mpc oga ogg opus ra"
    " rf64 w64 wav wma wv"
)
_PICTURE = (
    "ai arw avif bmp cin cr2 cr3 crw dds dng dpx eps exr gif hdr heic heif ico j2k jfif jp2 jpe jpeg jpg jxl nef orf"
    " pbm pcx pgm png ppm psb psd raf raw rw2 sr2 svg tga tif tiff webp x3f xcf"
)
MEDIA_ENDINGS = frozenset(f".{ending}" for kind in (_VIDEO, _SOUND, _PICTURE) for ending in kind.split())
"""How the names of video, sound and picture files end, lower case."""

_PROJECT_ENDING = ".trproj"


class Library(Protocol):
    """The library as exports see it."""

    @property
    def folder(self) -> Path:
        """Where it is."""

    def indexed_paths(self) -> Iterable[Path]:
        """Every file that it knows, present or not."""

    def has_other_content(self, media: Media) -> bool:
        """Whether a file of the same size and date isn't what was searched. Raises OSError if it can't be read."""


@dataclass(frozen=True)
class Guard:
    """What protects existing files. library: whose files are never replaced, and which remembers exports, or None.

    overwrite: whether the user agreed to replace other files by lists.
    """

    library: Library | None = None
    overwrite: bool = False


class TargetExistsError(ExportError):
    """Files that an export may replace only if the user agrees. paths: these files."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)
        others = f" (and {len(paths) - 1} more)" if len(paths) > 1 else ""
        super().__init__(
            f"A file of this name exists already{others}, and it isn't an unchanged export of the same name and format",
            path=paths[0],
            remedy="Choose another name, or replace it with --overwrite",
        )


def check_targets(paths: Sequence[Path], export: Export, footage: Iterable[Path], guard: Guard) -> list[bool]:
    """For each path that a list goes to, whether nothing is there yet. footage: the source files.

    ExportError: a file that is never replaced. TargetExistsError: others, unless the user agreed.
    """
    footage = list(footage)
    are_new = [_is_free(path, footage, guard.library) for path in paths]
    if not guard.overwrite:
        kept = [
            path
            for path, is_new in zip(paths, are_new, strict=True)
            if not is_new and not (guard.library and ledger.is_own(guard.library.folder, real_path(path), export))
        ]
        if kept:
            raise TargetExistsError(kept)
    return are_new


def free_name(path: Path) -> Path:
    """`path`, or with a number if there is something already: `a 2.mov`."""
    names = chain([path], (path.with_stem(f"{path.stem} {number}") for number in count(2)))
    return next(name for name in names if not os.path.lexists(name))


def real_path(path: Path) -> Path:
    """The file that is written to if `path` is a link, which may lead to another."""
    return Path(os.path.realpath(path))


def _is_free(path: Path, footage: Iterable[Path], library: Library | None) -> bool:
    """Whether `path` is free. ExportError if no export may have this name, or replace the file there."""
    target = real_path(path)
    for name in (path.name, target.name):
        ending = Path(name.rstrip(" .").lower()).suffix  # Windows drops spaces and dots at the end
        if ending in MEDIA_ENDINGS:
            raise ExportError(
                f"A list can't be written to a name that ends with {ending}: footage ends so",
                path=path,
                remedy="Choose a name with the ending of the format",
            )
        if ending == _PROJECT_ENDING:
            raise ExportError("An export can't replace a project", path=path, remedy="Choose another name")
    try:
        found = target.stat()
    except OSError:  # nothing is there; for any other reason writing fails too, and gives it
        return True
    if stat.S_ISDIR(found.st_mode):
        raise ExportError("The export can't be written: it is a folder", path=path, remedy="Choose another name")
    if not stat.S_ISREG(found.st_mode):
        raise ExportError("The export can't be written: it isn't a file", path=path, remedy="Choose another name")
    if any(_is_file(source, found) for source in footage):
        raise ExportError("An export can't replace the footage itself", path=path, remedy="Choose another name")
    if library is not None:
        if any(_is_file(source, found) for source in library.indexed_paths()):
            raise ExportError(
                "An export can't replace a file that the library searches", path=path, remedy="Choose another name"
            )
        home = library.folder.stat()
        if any(_is_file(folder, home) for folder in target.parents):
            raise ExportError("An export can't replace a file of the library", path=path, remedy="Choose another place")
    return False


def _is_file(path: Path, found: os.stat_result) -> bool:
    """Whether `path` leads to the file with this status, under whatever name."""
    try:
        return os.path.samestat(path.stat(), found)
    except (OSError, ValueError):  # it isn't there
        return False
