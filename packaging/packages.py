"""Pack dist/TimeRefine for Linux: an archive (.tar.zst) and a Debian package: `python3 run.py freeze --packages`.

Needs tar, zstd and dpkg-deb. The same folder gives the same packages: names are in order, and times are those of the
commit (SOURCE_DATE_EPOCH). Links stay links: with copies instead, the folder would be half as large again.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINUX = ROOT / "packaging" / "linux"
ICONS = ROOT / "packaging" / "icons"
PROGRAMS = {"timerefine": "TimeRefine", "tr-desktop": "tr-desktop"}
OF_THE_SYSTEM = {"libstdc++.so.6": "libstdc++6", "libgcc_s.so.1": "libgcc-s1"}
"""Left out of the Debian package, which depends on them: a graphics driver may need a newer one than was built with."""
DEPENDS = ("libegl1", "libgl1", "fontconfig", *OF_THE_SYSTEM.values())
_FILES = {
    "usr/share/applications/timerefine.desktop": LINUX / "timerefine.desktop",
    "usr/share/mime/packages/timerefine.xml": LINUX / "timerefine.xml",
    "usr/share/doc/timerefine/copyright": LINUX / "copyright",
    "usr/share/icons/hicolor/scalable/apps/timerefine.svg": ICONS / "timerefine.svg",
    "usr/share/icons/hicolor/256x256/apps/timerefine.png": ICONS / "timerefine-256.png",
    "usr/share/icons/hicolor/48x48/apps/timerefine.png": ICONS / "timerefine-48.png",
}
_FIXED_S = 1_577_836_800  # 2020-01-01, if nobody says which commit it is


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "dist" / "TimeRefine")
    folder = parser.parse_args().folder.resolve()
    version, seconds = metadata("tr-desktop")["Version"], int(os.environ.get("SOURCE_DATE_EPOCH", _FIXED_S))
    for made in (archive(folder, version, seconds), debian_package(folder, version, seconds)):
        print(f"Made {made}, {made.stat().st_size / 1e6:.0f} MB")
    return 0


def archives(folder: Path, version: str) -> list[Path]:
    """The archives of this version that lie beside `folder`, for any machine."""
    return sorted(folder.parent.glob(f"timerefine-{version}-linux-*.tar.zst"))


def debian_packages(folder: Path, version: str) -> list[Path]:
    """The Debian packages of this version that lie beside `folder`, for any machine."""
    return sorted(folder.parent.glob(f"timerefine_{version}_*.deb"))


def archive(folder: Path, version: str, seconds: int) -> Path:
    """Pack `folder` into an archive beside it. Raises CalledProcessError, as `debian_package` does."""
    out = folder.parent / f"timerefine-{version}-linux-{platform.machine()}.tar.zst"
    fixed = ["--sort=name", f"--mtime=@{seconds}", "--owner=0", "--group=0", "--numeric-owner"]
    named = f"--transform=s,^{folder.name},timerefine-{version},S"  # not where links lead
    # The number of threads decides the bytes: it is always two.
    pack = ["tar", *fixed, named, "--use-compress-program=zstd -12 -T2", "-cf", str(out), folder.name]
    subprocess.run(pack, cwd=folder.parent, check=True)
    return out


def debian_package(folder: Path, version: str, seconds: int) -> Path:
    """Pack `folder` into a Debian package beside it, with an entry for the menu and a type for project files."""
    machine = subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    ).stdout.strip()
    out = folder.parent / f"timerefine_{version}_{machine}.deb"
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        root = Path(scratch) / "root"
        lay_out(folder, root)
        control = root / "DEBIAN" / "control"
        control.parent.mkdir()
        control.write_text(_control(version, machine, root), encoding="utf-8")
        _set_modes(root)
        build = ["dpkg-deb", "--root-owner-group", "-Zzstd", "-z12", "--build", str(root), str(out)]
        environment = os.environ | {"SOURCE_DATE_EPOCH": str(seconds)}
        subprocess.run(build, check=True, env=environment, stdout=subprocess.DEVNULL)
    return out


def lay_out(folder: Path, root: Path) -> None:
    """Copy `folder` and what belongs to it into `root` as they lie in the user's system."""
    home = root / "opt" / "timerefine"
    home.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", str(folder), str(home)], check=True)  # also keeps one file of two names as one
    for name in OF_THE_SYSTEM:
        (home / "_internal" / name).unlink(missing_ok=True)
    for place, source in _FILES.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, root / place)
    programs = root / "usr" / "bin"
    programs.mkdir()
    for name, program in PROGRAMS.items():
        (programs / name).symlink_to(f"/opt/timerefine/{program}")


def _control(version: str, machine: str, root: Path) -> str:
    about = metadata("tr-desktop")
    kib = sum(path.lstat().st_size for path in root.rglob("*") if not path.is_symlink()) >> 10
    # The libraries in the folder are linked with the C library of the system that builds: older ones don't do.
    needs = ", ".join([f"libc6 (>= {platform.libc_ver()[1]})", *DEPENDS])
    return f"""Package: timerefine
Version: {version}
Architecture: {machine}
Maintainer: TimeRefine Desktop maintainers <maintainers@timerefine.invalid>
Installed-Size: {kib}
Depends: {needs}
Section: video
Priority: optional
Description: find moments in your own footage
 {about["Summary"]}
 Works offline: nothing is uploaded.
"""


def _set_modes(root: Path) -> None:
    root.chmod(0o755)
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


if __name__ == "__main__":
    sys.exit(main())
