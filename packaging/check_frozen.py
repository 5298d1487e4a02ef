"""Whether the frozen app does what its source does: `python3 run.py freeze --check`, or this file with a folder.

What a frozen program lacks it lacks in silence: an optional import fails, a format isn't there. So each part is used,
and what it writes is compared with what the source writes. Nothing finds a Python: PATH leads nowhere. With `--bare`,
the programs also run in the root of a bare Debian, where they find no other library either.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import bare
import command_check
import libraries
import packages
import service_check
import window_check
from places import Place
from screen import missing

ROOT = Path(__file__).resolve().parents[1]
VERSION = version("tr-desktop")
"""Packages of other versions may lie beside the folder."""
QUERY, AROUND_S = "a cat", 12
"""What is searched in the sample clip, and a second of the shot that shows it."""
MAX_FOLDER_MB, MAX_ARCHIVE_MB = 400, 160
MAX_HELP_S, MAX_START_RATIO = 0.5, 1.3
_STARTS = 5


class Report:
    """Prints what holds and what doesn't, and counts."""

    def __init__(self) -> None:
        self.problems = 0
        self._last_s = time.monotonic()

    def part(self, name: str, problems: Iterator[str] | list[str]) -> None:
        found = list(problems)
        now_s = time.monotonic()
        print(f"{'FAILED' if found else 'OK':6} {name} ({now_s - self._last_s:.0f} s)", flush=True)
        for each in found:
            print(f"       {each}", flush=True)
        self.problems += len(found)
        self._last_s = now_s

    def figure(self, name: str, value: float, limit: float, unit: str) -> None:
        self.part(f"{name}: {value:.2f} {unit}", [] if value <= limit else [f"more than {limit} {unit}"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "dist" / "TimeRefine")
    parser.add_argument(
        "--source", type=Path, default=Path(sys.prefix, "bin", "tr-desktop"), help="the same, not frozen"
    )
    parser.add_argument("--footage", type=Path, help="a clip with a cat at its 12th second, instead of the sample's")
    parser.add_argument(
        "--bare",
        metavar="ROOT",
        nargs="?",
        const="",
        help="also check in a bare Debian, which debootstrap makes (as root), or in a copy of the one at ROOT",
    )
    parser.add_argument("--no-window", action="store_true", help="without the window, which needs Xvfb and xdotool")
    given = parser.parse_args()
    folder = given.folder.resolve()
    sample = given.footage or folder / "_internal" / "tr_desktop" / "footage" / "sample.mp4"
    report = Report()
    report.part("every library finds what it is linked with", libraries.problems(folder))
    with _home() as home:
        clip = Path(shutil.copy2(sample, home / "sample.mp4"))
        here = Place(folder, home)
        formats = _check(report, here, clip, given)
        if not given.no_window:
            _check_window(report, here, clip, given.source)
        if given.bare is not None:
            _check_bare(report, folder, home, formats, given)
    report.figure("the folder", libraries.size_bytes(folder) / 1e6, MAX_FOLDER_MB, "MB")
    for archive in packages.archives(folder, VERSION):
        report.figure(archive.name, archive.stat().st_size / 1e6, MAX_ARCHIVE_MB, "MB")
    print(f"{report.problems} problems")
    return 1 if report.problems else 0


def _check(report: Report, here: Place, clip: Path, given: argparse.Namespace) -> dict[str, bytes]:
    """All that the command line does, beside the source; the exports."""
    report.part("it says its version", command_check.version(here, given.source))
    report.part("doctor passes and says what works", command_check.doctor(here))
    report.part("the licences of all its parts are listed", command_check.licences(here))
    footage = [clip] if given.footage else []
    result = here.home / "result.json"
    report.part("a search finds the cat", command_check.find(here, QUERY, AROUND_S, footage, result))
    formats: dict[str, bytes] = {}
    report.part("every format is what the source writes", command_check.exports(here, given.source, result, formats))
    report.part("every way of cutting gives whole clips", command_check.clips(here, result))
    report.part("plugins are installed as by the source", command_check.plugins(here, given.source))
    report.part("the jobs in processes of their own run", command_check.own_processes(here))
    report.part("the local API answers", service_check.api(here, clip, QUERY, AROUND_S))
    report.part("agent programs get their tools", service_check.agents(here, clip))
    used_s = min(here.run("tr-desktop", "--help").used_s for _ in range(_STARTS))
    report.figure("--help, processor time", used_s, MAX_HELP_S, "s")
    return formats


def _check_window(report: Report, here: Place, clip: Path, source: Path) -> None:
    if lacking := missing():
        report.part("the window", [f"{', '.join(lacking)} isn't installed"])
        return
    report.part("the window", window_check.problems(here, "TimeRefine", clip, QUERY, AROUND_S))
    python = Place(source.parent, here.home)
    words = ["--library", here.home / "start-library", "--settings", here.home / "start-settings"]
    on_x = window_check.ONLY_X
    starts = {
        "source": lambda display: python.start(source.name, "app", *words, DISPLAY=display, **on_x),
        "frozen": lambda display: here.start("TimeRefine", *words, DISPLAY=display, **on_x),
    }
    try:
        times = window_check.start_times(starts, _STARTS)
    except TimeoutError as error:
        report.part("the start of the window", [str(error)])
        return
    for name, (shown_s, used_s) in times.items():
        print(f"       {name}: the window shows after {shown_s:.2f} s, {used_s:.2f} s of them of a processor")
    ratio = times["frozen"][0] / times["source"][0]
    report.figure("the start of the window, beside the source's", ratio, MAX_START_RATIO, "times")


def _check_bare(report: Report, folder: Path, home: Path, formats: dict[str, bytes], given: argparse.Namespace) -> None:
    if why := bare.why_not():
        report.part("bare Debian", [why])
        return
    with bare.debian(given.bare) as root:
        place = bare.unpacked(folder, home, root)
        clip = home / "sample.mp4"
        footage = [clip] if given.footage else []
        result = home / "result.json"
        report.part("bare Debian: there is no Python", bare.python(root))
        report.part("bare Debian: doctor passes", command_check.doctor(place, has_graphics=False))
        report.part("bare Debian: a search finds the cat", command_check.find(place, QUERY, AROUND_S, footage, result))
        report.part("bare Debian: every format is the same", command_check.same_exports(place, result, formats))
        report.part("bare Debian: every way of cutting gives whole clips", command_check.clips(place, result))
        for package in packages.debian_packages(folder, VERSION):
            report.part(f"bare Debian: {package.name} is installed", bare.install(root, package))
            installed = Place(Path("/usr/bin"), home, root)
            report.part("bare Debian: the menu knows the program and its files", bare.menu(root))
            report.part("bare Debian: it says its version", command_check.version(installed, given.source))
            report.part("bare Debian: doctor passes, with sound", command_check.doctor(installed))
            if not given.no_window:
                report.part(
                    "bare Debian: the window",
                    window_check.problems(installed, "timerefine", clip, QUERY, AROUND_S),
                )
            report.part("bare Debian: removal leaves the user's own data alone", bare.remove(root, home))


@contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="timerefine-") as name:
        yield Path(name).resolve()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        print(f"This failed: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        sys.exit(2)
