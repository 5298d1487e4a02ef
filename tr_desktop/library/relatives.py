"""Which files belong together: a proxy and its original, and the files that one recording was split into."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from tr_desktop.errors import MediaError, UserError
from tr_desktop.footage.original import Original, Originals
from tr_desktop.footage.probe import probe
from tr_desktop.library.index.drives import Drives
from tr_desktop.library.index.proxies import Shape, common_name, is_called_proxy, is_place_of_original
from tr_desktop.library.index.recordings import Names, is_next
from tr_desktop.library.index.walk import absolute_path, find_files
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Footage, Media

_CAMERA_RAW = frozenset({".ari", ".arx", ".braw", ".crm", ".r3d"})
# Originals of which proxies are made; other files of the same name are sound, stills and notes.
_VIDEO = _CAMERA_RAW | {".avi", ".m2t", ".m2ts", ".mkv", ".mov", ".mp4", ".mpg", ".mts", ".mxf", ".ts", ".webm"}


class Relatives:
    """Looks in the library, beside the file, and in the folder `original_root` if the user named one.

    Raises UserError if there is no such folder.
    """

    def __init__(self, catalog: Catalog, original_root: Path | None = None) -> None:
        self._catalog = catalog
        self._root = None if original_root is None else absolute_path(original_root)
        if self._root is not None and not self._root.is_dir():
            raise UserError("There is no such folder of originals", path=self._root, remedy="Check the path")
        self._drives = Drives(catalog.places.drives())
        self._videos: dict[Path, dict[str, list[Path]]] = {}  # by folder, then by name

    def originals_of(self, footage: Footage) -> Originals:
        """The files of which `footage` is a proxy: same timecode, rate and length or, for camera raw, the same name."""
        path, name = footage.media.path, common_name(footage.media.path)
        found: list[tuple[int, Original]] = []
        unlike: list[Path] = []
        length = footage.label_length
        shape = None if length is None else Shape.of(footage.media, length / footage.media.rate)
        for candidate in self._candidates(path, name):
            is_there = candidate.is_file()
            if not is_there and not self._drives.is_away(candidate):
                continue
            media, other = self._facts(candidate, is_there)
            is_placed = is_place_of_original(path, candidate)
            if other is None:
                if candidate.suffix.lower() in _CAMERA_RAW or is_called_proxy(path) or self._is_outside(path):
                    found.append((1 if is_placed else 2, Original(candidate, None, is_there)))
            elif shape is not None and shape.recording == other.recording:
                is_larger = other.pixels > shape.pixels and shape.start_frame is not None
                if is_larger or is_called_proxy(path) or self._is_outside(path):
                    found.append((0 if is_placed else 1, Original(candidate, media, is_there)))
            elif is_placed or candidate in self._in_root.get(name, ()):
                unlike.append(candidate)
        best = min((rank for rank, _ in found), default=0)
        fitting = tuple(original for rank, original in found if rank == best)
        return Originals(fitting, tuple(unlike), is_missing=not fitting and self._is_outside(path))

    def after(self, footage: Footage) -> Footage | None:
        """The file in which the recording goes on, if it's proven. `footage` must have been read to its end."""
        return self._beside(footage, 1)

    def before(self, footage: Footage) -> Footage | None:
        """The file from which the recording goes on in `footage`, if it's proven and was read to its end."""
        return self._beside(footage, -1)

    def _beside(self, footage: Footage, step: int) -> Footage | None:
        media = footage.media
        proven = []
        for path, naming in self._names.beside(media.path, step):
            header = self._catalog.headers([path]).get(path)
            if header is None or not footage.is_whole:
                continue
            first, second = ((media, footage.times.duration_s), header)[::step]
            if is_next(*first, second[0], naming):
                proven.append(path)
        return self._catalog.footage(proven[0]) if len(proven) == 1 else None

    @cached_property
    def _names(self) -> Names:
        return Names(self._catalog.paths())

    def _is_outside(self, path: Path) -> bool:
        """Whether the user named a folder of originals, and `path` isn't in it."""
        return self._root is not None and not path.is_relative_to(self._root)

    def _candidates(self, path: Path, name: str) -> Iterator[Path]:
        places = (path.parent, path.parent.parent, *self._sonys(path))
        beside = (file for place in places for file in self._videos_in(place).get(name, ()))
        for candidate in dict.fromkeys((*self._in_root.get(name, ()), *self._known.get(name, ()), *beside)):
            if candidate != path and not is_called_proxy(candidate):
                yield candidate

    def _videos_in(self, folder: Path) -> dict[str, list[Path]]:
        """By name; each folder is listed once, though many of its files are exported."""
        if folder not in self._videos:
            self._videos[folder] = _by_name(_files_in(folder))
        return self._videos[folder]

    @staticmethod
    def _sonys(path: Path) -> list[Path]:
        if path.parent.name.lower() != "sub":
            return []
        return [path.parent.parent / name for name in ("CLIP", "Clip", "clip")]

    @cached_property
    def _known(self) -> dict[str, list[Path]]:
        return _by_name(self._catalog.paths())

    @cached_property
    def _in_root(self) -> dict[str, list[Path]]:
        return {} if self._root is None else _by_name(find_files([self._root]).files)

    def _facts(self, path: Path, is_there: bool) -> tuple[Media | None, Shape | None]:
        """As the library knows the file or, if it's new or has changed, as it is now; None if it can't be read."""
        header = self._catalog.headers([path]).get(path)
        if header is not None and (not is_there or _is_unchanged(path, header[0])):
            return header[0], Shape.of(*header)
        if not is_there or path.suffix.lower() in _CAMERA_RAW:
            return None, None
        try:
            media = probe(path)
        except MediaError:
            return None, None
        return media, None if media.duration_s is None else Shape.of(media, media.duration_s)


def _is_unchanged(path: Path, media: Media) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (media.size_bytes, media.mtime_ns)


def _by_name(paths: Iterable[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        if path.suffix.lower() in _VIDEO:
            found.setdefault(common_name(path), []).append(path)
    return found


def _files_in(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in sorted(os.listdir(folder))]  # noqa: PTH208 (names suffice)
    except OSError:
        return []
