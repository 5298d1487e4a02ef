"""The time to start the program and to search indexed footage, this checkout beside another one of it.

    python -m benchmarks.startup --before DIR [--runs 15]

Prints a Markdown table: medians of the wall time, and the ratios of this checkout to DIR in wall and processor time
(medians over the runs). Each run starts both checkouts, in alternating order, so that both meet the same machine; one
run before is not counted. Both use this Python and its packages. The footage is the sample clip; each
checkout has a library of its own, indexed before.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tr_desktop.footage.sample import copy_sample

ROOT = Path(__file__).resolve().parents[1]
QUERY = "a cat"
DEFAULT_RUNS = 15
Seconds = tuple[float, float]  # wall, processor


@dataclass(frozen=True)
class Checkout:
    """A checkout of the program. module: what `python -m` runs; command: the module that parses the command line."""

    folder: Path
    module: str
    command: str

    def run(self, *words: str, cwd: Path) -> Seconds:
        """Run Python with `words` on this checkout's code. Exit status 1 is a search without a confident moment."""
        began_s, used_s = time.perf_counter(), _children_s()
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        done = subprocess.run([sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{self.folder}: {' '.join(words)}\n{done.stderr}")
        return time.perf_counter() - began_s, _children_s() - used_s


def checkout(folder: Path) -> Checkout:
    """The checkout in `folder`. Older ones have their commands in `tr_desktop/cli.py`."""
    package = folder / "tr_desktop"
    if (package / "__main__.py").is_file():
        return Checkout(folder.resolve(), "tr_desktop", "tr_desktop.commands.main")
    if (package / "cli.py").is_file():
        return Checkout(folder.resolve(), "tr_desktop.cli", "tr_desktop.cli")
    raise SystemExit(f"{folder} is not a checkout of TimeRefine Desktop")


def measure(name: str, work: Callable[[Checkout], Seconds], before: Checkout, after: Checkout, runs: int) -> str:
    """One row of the table."""
    pairs: list[tuple[Seconds, Seconds]] = []
    for run in range(runs + 1):
        first, second = (before, after) if run % 2 else (after, before)
        spent = {first: work(first), second: work(second)}
        if run:
            pairs.append((spent[before], spent[after]))
    clock = [statistics.median(pair[which][0] for pair in pairs) for which in (0, 1)]
    ratios = [statistics.median(new[kind] / max(old[kind], 1e-9) for old, new in pairs) for kind in (0, 1)]
    return f"| {name} | {clock[0]:.2f} s | {clock[1]:.2f} s | **{ratios[0]:.2f}** | {ratios[1]:.2f} |"


def _children_s() -> float:
    """Processor seconds of the child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", metavar="DIR", type=Path, required=True, help="the checkout to compare with")
    parser.add_argument(
        "--runs", metavar="N", type=int, default=DEFAULT_RUNS, help=f"runs of each command (default {DEFAULT_RUNS})"
    )
    given = parser.parse_args()
    before, after = checkout(given.before), checkout(ROOT)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "sample.mp4"
        copy_sample(clip)
        libraries = {before: str(folder / "library-before"), after: str(folder / "library-after")}
        for each, library in libraries.items():
            each.run("-m", each.module, "index", str(clip), "--library", library, cwd=folder)
        rows: dict[str, Callable[[Checkout], Seconds]] = {
            "starting Python": lambda each: each.run("-c", "pass", cwd=folder),
            "importing the commands": lambda each: each.run("-c", f"import {each.command}", cwd=folder),
            "`tr-desktop --help`": lambda each: each.run("-m", each.module, "--help", cwd=folder),
            "`find` on indexed footage": lambda each: each.run(
                "-m", each.module, "find", QUERY, str(clip), "--library", libraries[each], cwd=folder
            ),
        }
        print(f"{os.cpu_count()} cores; medians of {given.runs} runs\n")
        print("| | before | this checkout | ratio | ratio, processor |\n|---|---|---|---|---|")
        for title, work in rows.items():
            print(measure(title, work, before, after, given.runs), flush=True)


if __name__ == "__main__":
    main()
