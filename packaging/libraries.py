"""Whether the libraries of a frozen folder find each other (Linux)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

FROM_THE_SYSTEM = {"libGL.so.1", "libEGL.so.1", "libGLX.so.0", "libGLdispatch.so.0", "libOpenGL.so.0"}
"""The graphics driver's side, which no program brings along; a package depends on it."""
UNWANTED = ("torch", "torchvision", "transformers", "scipy", "PIL", "skimage", "tkinter", "_tkinter", "huggingface_hub")


def files(folder: Path) -> Iterator[Path]:
    """Every file in the folder, without links, in order of their names."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def size_bytes(folder: Path) -> int:
    """What the folder takes on a disk; a file of two names counts once."""
    return sum({path.stat().st_ino: path.stat().st_size for path in files(folder)}.values())


def problems(folder: Path) -> Iterator[str]:
    """Each library that lacks another, each link without a target, and what shouldn't be there, as sentences."""
    for path in files(folder):
        if ".so" not in path.suffixes and not path.stem.startswith("lib"):
            continue
        said = subprocess.run(["ldd", str(path)], capture_output=True, text=True).stdout
        lacks = {line.split()[0] for line in said.splitlines() if "not found" in line} - FROM_THE_SYSTEM
        if lacks:
            yield f"{path.relative_to(folder)} lacks {', '.join(sorted(lacks))}"
    for path in folder.rglob("*"):
        if path.is_symlink() and not path.exists():
            yield f"{path.relative_to(folder)} leads nowhere"
        if path.name.split(".")[0] in UNWANTED and path.name.split(".")[-1] != "txt":
            yield f"{path.relative_to(folder)} is of no use"
