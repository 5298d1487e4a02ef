"""Record what the commands answer, to compare two versions of the program byte by byte.

    python -m benchmarks.behaviour ../shared/footage OUT      then: diff -r OUT-BEFORE OUT-AFTER

OUT gets the JSON of twelve searches, asked of a new library and again of the same one, one result in every export
format, and what `evaluate refiner` prints (needs the extra `train`; left out without it). It takes about five minutes.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

QUERIES = (
    "a person riding a bicycle",
    "a dog runs across the grass",
    "someone pours coffee into a cup",
    "a woman does yoga",
    "a birthday cake with candles",
    "a parrot on a branch",
    "cooking a pancake",
    "a bottle on a table",
    "two people talk",
    "a car drives along a road",
    '"a red car"^2 street -night',
    "text on a screen",
)
FORMATS = (
    *("edl", "edl32", "edl-ascii", "resolve-markers", "xmeml", "fcpxml", "otio", "otioz", "ale", "mlt"),
    *("csv", "tsv", "json", "srt", "youtube"),
)


def record(footage: Path, out: Path) -> None:
    """Write everything into the new folder `out`."""
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as library:
        for turn in ("first", "again"):
            for number, query in enumerate(QUERIES):
                answer = _run("find", query, footage, "--json", "--library", library)
                (out / f"find-{number:02d}-{turn}.json").write_bytes(answer)
        result = out / "find-00-again.json"
        for name in FORMATS:
            _run("export", result, "--to", out / f"export.{name}", "--format", name, "--library", library)
    if importlib.util.find_spec("torch") is not None:
        annotations = ("--annotations", footage / "annotations.jsonl", "--videos", footage)
        (out / "evaluate-refiner.md").write_bytes(_run("evaluate", "refiner", "footage", *annotations))


def _run(*arguments: object) -> bytes:
    """What a command prints. Exit status 1 is an answer without a confident moment."""
    command = [sys.executable, "-m", "tr_desktop", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}\n{done.stderr.decode(errors='replace')}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("footage", type=Path, help="a folder of footage with annotations.jsonl")
    parser.add_argument("out", type=Path, help="a new folder")
    arguments = parser.parse_args()
    record(arguments.footage, arguments.out)


if __name__ == "__main__":
    main()
