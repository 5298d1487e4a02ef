"""A bare Debian, in which the frozen app and its package run without anything else installed.

`debootstrap` makes it, as root, in a minute. The programs run in it with `chroot`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from places import Place

_SUITE = "bookworm"
_PLACE = Path("/opt/checked")
PROGRAMS = {"timerefine": "/opt/timerefine/TimeRefine", "tr-desktop": "/opt/timerefine/tr-desktop"}


def why_not() -> str:
    """Why no bare Debian can be made here, or ""."""
    if os.getuid():
        return "only root can make a bare Debian"
    missing = [name for name in ("debootstrap", "chroot") if shutil.which(name) is None]
    return f"{', '.join(missing)} isn't installed" if missing else ""


@contextmanager
def debian(kept: str = "") -> Iterator[Path]:
    """A new root. kept: one that `debootstrap` made before, of which a copy is used. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="bare-", ignore_cleanup_errors=True) as name:
        root = Path(name, "root")
        if kept:
            subprocess.run(["cp", "-a", kept, str(root)], check=True)
        else:
            command = ["debootstrap", "--variant=minbase", _SUITE, str(root)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with _system_files(root):
            yield root


@contextmanager
def _system_files(root: Path) -> Iterator[None]:
    """What the kernel gives every system, and programs look up there: their own path, the processor."""
    mounted: list[Path] = []
    try:
        for kind, place in (("proc", root / "proc"), ("sysfs", root / "sys")):
            subprocess.run(["mount", "-t", kind, "-o", "ro", kind, str(place)], check=True)
            mounted.append(place)
        yield
    finally:
        for place in mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def unpacked(folder: Path, home: Path, root: Path) -> Place:
    """The frozen folder in that root, with a home at the same path as here, which holds the same sample clip."""
    place = Place(_PLACE, home, root)
    place.here(_PLACE).parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(folder), str(place.here(_PLACE))], check=True)
    place.here(home).mkdir(parents=True)
    shutil.copy2(home / "sample.mp4", place.here(home) / "sample.mp4")
    return place


def python(root: Path) -> Iterator[str]:
    yield from (str(path) for path in root.glob("usr/bin/python*"))


def install(root: Path, package: Path) -> Iterator[str]:
    """With what it depends on, from Debian's archive, as a user does it."""
    shutil.copy(package, root / "tmp" / package.name)
    yield from _run(root, "apt-get", "update", "-qq")
    yield from _run(root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", f"/tmp/{package.name}")
    for name, target in PROGRAMS.items():
        if not (root / "usr/bin" / name).is_symlink() or not (root / target.lstrip("/")).is_file():
            yield f"/usr/bin/{name} doesn't lead to {target}"


def menu(root: Path) -> Iterator[str]:
    """The entry in the menu is valid, its icon is there, and project files belong to it."""
    entry = root / "usr/share/applications/timerefine.desktop"
    yield from _here("desktop-file-validate", str(entry))
    text = entry.read_text(encoding="utf-8")
    if "MimeType=application/x-timerefine-project;" not in text:
        yield "the menu entry opens no projects"
    for size in ("256x256/apps/timerefine.png", "scalable/apps/timerefine.svg"):
        if not (root / "usr/share/icons/hicolor" / size).is_file():
            yield f"there is no icon {size}"
    (root / "tmp/cut.trproj").write_text('{"schema": 1, "selects": []}\n')
    yield from _run(root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "shared-mime-info")
    kinds = (root / "usr/share/mime/globs2").read_text(encoding="utf-8")
    if "application/x-timerefine-project:*.trproj" not in kinds:
        yield "the system doesn't know project files"


def remove(root: Path, home: Path) -> Iterator[str]:
    """Nothing stays but what the user made."""
    yield from _run(root, "apt-get", "purge", "-y", "-qq", "timerefine")
    find = ["find", str(root), "-xdev", "-iname", "*timerefine*"]
    left = subprocess.run(find, check=True, capture_output=True, text=True).stdout.splitlines()
    own = root / home.relative_to("/")
    given = [own, root / "tmp", root / _PLACE.relative_to("/")]  # what the user and this check put there
    for path in map(Path, left):
        if not any(path.is_relative_to(each) for each in given):
            yield f"{path.relative_to(root)} stays"
    if not any(own.rglob("library.sqlite3")):
        yield "the user's library is gone"


def _run(root: Path, *words: str) -> Iterator[str]:
    yield from _here("chroot", str(root), *words)


def _here(*words: str) -> Iterator[str]:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LANG": "C.UTF-8"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=600)
    if done.returncode:
        yield f"{' '.join(words)}: {(done.stderr or done.stdout).strip()[-400:]}"
