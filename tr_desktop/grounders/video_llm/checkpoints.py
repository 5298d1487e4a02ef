"""A folder of weights that the worker loads: which files it had when it was added, and whether it still has them.

A checkpoint may come from anywhere and is treated as untrusted data. Nothing in it is executed: files that could be,
programs and pickles, are refused, and so are links, which could lead anywhere. A chat template is never read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tr_desktop.errors import PackError

FAMILIES = {"qwen2_5_vl": "Qwen2.5-VL", "qwen3_vl": "Qwen3-VL", "vtime": "VTimeLLM"}
"""Who can load a checkpoint, with its name for people: `model_type` of its config.json, or `vtime` for an imported
VTimeLLM or TimeRefine."""

REFUSED = (".py", ".pyc", ".so", ".dll", ".bin", ".pt", ".pth", ".ckpt", ".pkl")
"""Endings of programs and pickles."""
_WEIGHTS = ".safetensors"
_MAX_LISTED = 5
_READ = (_WEIGHTS, ".json", ".txt", ".model")
_PIECE_BYTES = 1 << 23
_ADD_AGAIN = "tr-desktop models remove NAME, then tr-desktop models add FOLDER"

OnBytes = Callable[[int, int], None]
"""Called with the bytes that were read and those of the whole folder."""


@dataclass(frozen=True)
class FileStamp:
    """A file as it was when its folder was added. mtime_ns: of its last change, None if that wasn't written down."""

    size_bytes: int
    sha256: str
    mtime_ns: int | None


@dataclass(frozen=True)
class Checkpoint:
    """Weights in a folder that stays where it is; they are many gigabytes.

    family: of FAMILIES. folder: absolute. files: those that the worker may read, by their path below the folder.
    """

    family: str
    folder: Path
    files: Mapping[str, FileStamp]

    @property
    def weights_bytes(self) -> int:
        return sum(stamp.size_bytes for name, stamp in self.files.items() if name.endswith(_WEIGHTS))

    def expect_unchanged(self) -> None:
        """Raises PackError if the folder has other files than when it was added, or some changed. Reads no content."""
        if not self.folder.is_dir():
            raise PackError(
                "The model's folder can't be read: it is gone, or its drive isn't connected",
                path=self.folder,
                remedy=f"Connect the drive. If the folder moved, add it again: {_ADD_AGAIN}",
            )
        names = files_in(self.folder)
        if differing := sorted(set(names) ^ set(self.files)):
            raise _changed(self.folder, differing[0], "is missing" if differing[0] in self.files else "is new")
        for name, stamp in self.files.items():
            found = _stat(self.folder, name)
            if found.st_size != stamp.size_bytes or stamp.mtime_ns not in (None, found.st_mtime_ns):
                raise _changed(self.folder, name, "changed")

    def verify(self, on_bytes: OnBytes = lambda _, __: None) -> None:
        """Compare the hash of every file. Raises PackError for the first that changed."""
        for name, (size_bytes, sha256) in _hashed(self.folder, list(self.files), on_bytes):
            if (size_bytes, sha256) != (self.files[name].size_bytes, self.files[name].sha256):
                raise _changed(self.folder, name, "changed")


def stamped(family: str, folder: Path, on_bytes: OnBytes = lambda _, __: None) -> Checkpoint:
    """The checkpoint in `folder` as it is now. Reads all of it, about a minute for 17 GB. Raises PackError."""
    folder = folder.resolve()
    names = files_in(folder)
    before = {name: _stat(folder, name).st_mtime_ns for name in names}
    files = {
        name: FileStamp(size_bytes, sha256, before[name])
        for name, (size_bytes, sha256) in _hashed(folder, names, on_bytes)
    }
    return Checkpoint(family, folder, files)


def files_in(folder: Path) -> list[str]:
    """The files that a worker may read, by their path below `folder`; without hidden ones.

    Raises PackError for a program, a pickle or a link.
    """
    paths = list(_walk(folder))
    if unsafe := sorted(path.name for path in paths if path.suffix.lower() in REFUSED):
        has_weights = any(path.suffix == _WEIGHTS for path in paths)
        listed = ", ".join(unsafe[:_MAX_LISTED]) + (" and more" if len(unsafe) > _MAX_LISTED else "")
        raise PackError(
            f"The folder has programs or pickles, which could run code, so it is refused: {listed}",
            path=folder,
            remedy="A model works without them if it is supported: delete them, and add the folder again"
            if has_weights
            else "Get the model with its weights as .safetensors",
        )
    return sorted(path.relative_to(folder).as_posix() for path in paths if path.suffix in _READ)


def _walk(folder: Path) -> Iterator[Path]:
    try:
        inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise PackError(
            f"The model's folder can't be read: {error.strerror or error}",
            path=folder,
            remedy="Check that you may read it",
        ) from error
    for path in inside:
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise PackError(
                f"{path.name} is a link, which isn't followed",
                path=folder,
                remedy="Give a folder with the files themselves: hf download REPOSITORY --local-dir FOLDER",
            )
        if path.is_dir():
            yield from _walk(path)
            continue
        yield path


def _hashed(folder: Path, names: list[str], on_bytes: OnBytes) -> Iterator[tuple[str, tuple[int, str]]]:
    """(name, (size in bytes, SHA-256)) of each file. Raises PackError."""
    total_bytes = sum(_stat(folder, name).st_size for name in names)
    done_bytes = 0
    for name in names:
        digest, size_bytes = hashlib.sha256(), 0
        try:
            with (folder / name).open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    digest.update(piece)
                    size_bytes += len(piece)
                    on_bytes(done_bytes + size_bytes, total_bytes)
        except OSError as error:
            raise PackError(f"{name} can't be read: {error.strerror or error}", path=folder) from error
        done_bytes += size_bytes
        yield name, (size_bytes, digest.hexdigest())


def _stat(folder: Path, name: str) -> os.stat_result:
    try:
        return (folder / name).stat()
    except OSError as error:
        raise PackError(f"{name} can't be read: {error.strerror or error}", path=folder) from error


def _changed(folder: Path, name: str, how: str) -> PackError:
    return PackError(
        f"{name} of the model {how} since it was added",
        path=folder,
        remedy=f"Add it again: {_ADD_AGAIN}",
    )
