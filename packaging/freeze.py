"""Freeze the app into dist/TimeRefine: `python3 run.py freeze`, with `--check` and `--packages` after it.

Runs in the environment of lock/freeze.txt. The project is installed there from a copy, as a user installs it: versions
and added formats are found through metadata, and a file that the package forgets is missing here, too. Two builds of
one commit, in one environment, give the same files.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "dist" / "TimeRefine"
_WORK = ROOT / "build" / "freeze"
_PARTS = ("tr_desktop", "exporters", "plugins", "pyproject.toml", "setup.py", "README.md", "LICENSE")
_REBUILT = shutil.ignore_patterns("__pycache__", "*.egg-info", "node_modules", "_build.py")


def main() -> int:
    parser = argparse.ArgumentParser(prog="run.py freeze", description="Freeze the app into dist/TimeRefine.")
    parser.add_argument("--check", action="store_true", help="then check what was made (Linux)")
    parser.add_argument("--packages", action="store_true", help="then make an archive and a Debian package (Linux)")
    arguments = parser.parse_args()
    commit, date, seconds = _commit()
    _install(commit, date)
    _build(seconds)
    _name_licences()
    print(f"Made {FOLDER}")
    scripts = [ROOT / "packaging" / name for name, is_wanted in _steps(arguments) if is_wanted]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(seconds)}
    statuses = [subprocess.run([sys.executable, str(script)], env=environment).returncode for script in scripts]
    return next((status for status in statuses if status), 0)


def _steps(arguments: argparse.Namespace) -> list[tuple[str, bool]]:
    return [("packages.py", arguments.packages), ("check_frozen.py", arguments.check)]


def _commit() -> tuple[str, str, int]:
    """The commit that is checked out, its day, and its time in seconds; of a source archive, none and a fixed day."""
    if (ROOT / ".git").exists():
        # Of another user's checkout, too, which is what a container often has.
        command = ["git", "-c", f"safe.directory={ROOT}", "log", "-1", "--format=%h %cs %ct"]
        name, date, seconds = subprocess.run(
            command, cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.split()
        return name, date, int(seconds)
    return "", "", 1_577_836_800  # 2020-01-01: ZIP files know no day before 1980


def _install(commit: str, date: str) -> None:
    source = _WORK / "source"
    shutil.rmtree(_WORK, ignore_errors=True)
    source.mkdir(parents=True)
    for part in _PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=_REBUILT)
        else:
            shutil.copy(ROOT / part, source / part)
    about = f'"""Which commit this program was built from, and its day."""\n\nCOMMIT, DATE = {commit!r}, {date!r}\n'
    (source / "tr_desktop" / "_build.py").write_text(about, encoding="utf-8")
    # The environment has the pinned setuptools, so nothing is fetched.
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--force-reinstall", str(source)], check=True)


def _build(seconds: int) -> None:
    command = [sys.executable, "-P", "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    command += ["--workpath", str(_WORK / "work"), "--distpath", str(FOLDER.parent), str(ROOT / "build.spec")]
    fixed = {"SOURCE_DATE_EPOCH": str(seconds), "PYTHONHASHSEED": "0"}
    # Not in the checkout, whose modules would be taken instead of the installed ones.
    subprocess.run(command, check=True, cwd=_WORK, env=os.environ | fixed)


def _name_licences() -> None:
    """Write the list of licences into what was built; it fails on a library that nobody named."""
    for made in (FOLDER, FOLDER.with_suffix(".app")):
        if made.exists():
            subprocess.run([sys.executable, "-P", "-m", "tr_desktop.licences", str(made)], check=True, cwd=_WORK)


if __name__ == "__main__":
    sys.exit(main())
