"""The files under the paths that the user named, and the kinds of file that are never footage."""

from __future__ import annotations

import errno
import os
import stat as stat_flags
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tr_desktop.library.index.exclusions import NOT_THE_USERS, Exclusions, file_reason, folder_reason, hidden_reason

NO_EXCLUSIONS = Exclusions(())

# Never footage, so not worth opening. Anything else is judged by its content, whatever its name.
_NOT_FOOTAGE = {
    "a still picture": "bmp dng exr heic heif jfif jp2 jpe jpeg jpg psd svg tga tif tiff",
    "camera raw that this program can't read; search its proxy": "ari arx braw crm r3d",
    "a sound file": "aac aif aiff flac m4a mp3 ogg opus wav",
    "a document or data file": "aaf ale ass csv db doc docx edl fcpxml htm html json jsonl log md npy npz onnx otio"
    " otioz pdf prproj py rtf srt ssa sqlite3 sqlite3-shm sqlite3-wal trpack trproj tsv txt vtt xls xlsx xml yaml yml"
    " zip gz tar",
}
NOT_FOOTAGE = NOT_THE_USERS | set(_NOT_FOOTAGE)
_REASON_BY_SUFFIX = {f".{suffix}": reason for reason, suffixes in _NOT_FOOTAGE.items() for suffix in suffixes.split()}


def absolute_path(path: Path) -> Path:
    """One spelling for one file: absolute and without "..", but a link stays the link that the user named."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100


@dataclass
class Walk:
    """What is under some paths. files: in name order. left_out: what a rule leaves out, with the reason.

    unreachable: paths and folders that can't be opened now, with the reason. missing: paths that don't exist.
    """

    files: list[Path] = field(default_factory=list)
    left_out: dict[Path, str] = field(default_factory=dict)
    unreachable: dict[Path, str] = field(default_factory=dict)
    missing: list[Path] = field(default_factory=list)


def find_files(paths: Iterable[Path], exclusions: Exclusions = NO_EXCLUSIONS) -> Walk:
    """The files under `paths`. Whatever a drive or a share does is part of the answer; nothing is raised.

    paths: as `absolute_path` returns them; hidden files and folders, and folders of the system, are left out unless
    they are named.
    """
    walk = Walk()
    files: dict[Path, None] = {}
    for path in paths:
        try:
            is_folder = stat_flags.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116 (Path.is_dir hides the error)
        except (FileNotFoundError, NotADirectoryError):
            is_folder = False
            if not os.path.lexists(path):
                walk.missing.append(path)
                continue
        except OSError as error:
            if not (error.errno == errno.ELOOP and os.path.lexists(path)):
                walk.unreachable[path] = f"can't be opened: {error.strerror}"
                continue
            is_folder = False
        if is_folder:
            files |= dict.fromkeys(_under(path, exclusions, walk))
        else:
            files[path] = None
    walk.files = list(files)
    return walk


def _under(root: Path, exclusions: Exclusions, walk: Walk) -> Iterator[Path]:
    """The files under the folder `root`; what isn't entered is added to `walk`."""

    def not_entered(error: OSError) -> None:
        walk.unreachable[Path(error.filename or root)] = f"the folder can't be opened: {error.strerror}"

    for folder, folders, names in os.walk(root, onerror=not_entered):
        for name in sorted(folders):
            path = Path(folder, name)
            # Following links could loop for ever.
            is_link = os.path.islink(path)  # noqa: PTH114 (Path.is_symlink raises errors)
            reason = "a link to a folder" if is_link else folder_reason(name) or exclusions.reason(path)
            if reason:
                walk.left_out[path] = reason
        folders[:] = sorted(name for name in folders if Path(folder, name) not in walk.left_out)
        for name in sorted(names):
            path = Path(folder, name)
            if reason := hidden_reason(name):
                walk.left_out[path] = reason
            else:
                yield path


def never_footage(path: Path, stat: os.stat_result) -> str | None:
    """Why a file can't be searched, if that is clear without opening it; otherwise None."""
    if not stat_flags.S_ISREG(stat.st_mode):
        return "not a regular file"
    if reason := file_reason(path.name):
        return reason
    if stat.st_size == 0:
        return "an empty file"
    return _REASON_BY_SUFFIX.get(path.suffix.lower())


def is_never_footage(path: Path) -> bool:
    """Whether the name alone shows that a file isn't footage."""
    by_name = file_reason(path.name) or hidden_reason(path.name)
    return (by_name or _REASON_BY_SUFFIX.get(path.suffix.lower())) is not None
