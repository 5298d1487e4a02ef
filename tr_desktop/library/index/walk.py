"""The files under the paths that the user named, and the kinds of file that are never footage."""

from __future__ import annotations

import os
import stat as stat_flags
from collections.abc import Iterable
from pathlib import Path

# Never footage, so not worth opening. Anything else is judged by its content, whatever its name.
_NOT_FOOTAGE = {
    "a still picture": "bmp dng exr gif heic jpeg jpg png psd svg tif tiff webp",
    "a sound file": "aac aif aiff flac m4a mp3 ogg opus wav",
    "a document or data file": "aaf ale csv db doc docx edl fcpxml htm html json jsonl log md npy npz onnx otio otioz"
    " pdf prproj py rtf srt sqlite3 sqlite3-shm sqlite3-wal trpack trproj tsv txt vtt xls xlsx xml yaml yml zip gz tar",
}
NOT_FOOTAGE = frozenset(_NOT_FOOTAGE)
_REASON_BY_SUFFIX = {f".{suffix}": reason for reason, suffixes in _NOT_FOOTAGE.items() for suffix in suffixes.split()}


def absolute_path(path: Path) -> Path:
    """One spelling for one file: absolute and without "..", but a link stays the link that the user named."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100


def find_files(paths: Iterable[Path]) -> tuple[list[Path], list[tuple[Path, str]], list[Path]]:
    """(files under `paths`, folders not entered with the reason, those of `paths` that don't exist); in name order.

    paths: as `absolute_path` returns them.
    """
    files: dict[Path, None] = {}
    skipped: list[tuple[Path, str]] = []
    missing: list[Path] = []

    def not_entered(error: OSError) -> None:
        skipped.append((Path(error.filename), f"the folder can't be opened: {error.strerror}"))

    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path, onerror=not_entered):
                folders.sort()
                # Following them could loop for ever.
                links = [Path(folder, name) for name in folders if Path(folder, name).is_symlink()]
                skipped += [(link, "a link to a folder") for link in links]
                files |= dict.fromkeys(Path(folder, name) for name in sorted(names))
        elif os.path.lexists(path):
            files[path] = None
        else:
            missing.append(path)
    return list(files), skipped, missing


def never_footage(path: Path, stat: os.stat_result) -> str | None:
    """Why a file can't be searched, if that is clear without opening it; otherwise None."""
    if not stat_flags.S_ISREG(stat.st_mode):
        return "not a regular file"
    if stat.st_size == 0:
        return "an empty file"
    return _REASON_BY_SUFFIX.get(path.suffix.lower())


def is_out_of_reach(folder: Path) -> bool:
    """Whether a missing file of `folder` is probably on a missing drive, rather than deleted or moved.

    A drive that isn't mounted leaves no folder, or an empty one.
    """
    try:
        return next(folder.iterdir(), None) is None
    except OSError:
        return True
