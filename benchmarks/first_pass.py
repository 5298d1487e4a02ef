"""The first pass of indexing, over keyframes, beside the exact one: how soon footage can be searched, and how well.

    python -m benchmarks.first_pass speed FOOTAGE [--minutes 1] [--keep FOLDER]  # needs ffmpeg
    python -m benchmarks.first_pass recall FOOTAGE

FOOTAGE: a folder of real videos; for `recall`, with annotations.jsonl, a query a line: {"file", "query", "windows",
"whole"}. `speed` joins the videos and encodes them anew as cameras do, in 1080p, then indexes each kind once. The times
of both passes are of the same run, and of the work itself. `recall` asks each query twice, before and after the exact
pass: of its file for the moment, and of all files. Beside it is the answer without looking: all of the file, and the
files in order of their names.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tr_desktop.grounding import find
from tr_desktop.library.index import first_pass
from tr_desktop.library.index.coverage import IndexProgress
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.index.walk import absolute_path
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.moments import Moment
from tr_desktop.training.metrics import best_iou, bootstrap_interval

TEN_HOURS_S = 36_000
FPS = 25
X264, X265 = "-c:v libx264 -preset superfast -crf 24", "-c:v libx265 -preset ultrafast -crf 28"
KINDS = {
    "H.264, GOP 2 s": ("mp4", f"{X264} -g {2 * FPS} -keyint_min {2 * FPS}"),
    "H.264, GOP 10 s": ("mp4", f"{X264} -g {10 * FPS}"),
    "H.264, GOP 0.5 s": ("mp4", f"{X264} -g {FPS // 2}"),
    "ProRes 422 Proxy, all-intra": ("mov", "-c:v prores_ks -profile:v 0"),
    "HEVC 10 bit, open GOP 2 s": (
        "mp4",
        f"{X265} -pix_fmt yuv420p10le -x265-params log-level=error:keyint={2 * FPS}:open-gop=1",
    ),
}


def videos_of(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.suffix in (".mp4", ".mkv", ".mov"))


def make_footage(source: Path, folder: Path, title: str, minutes: float) -> Path:
    """The videos of `source`, one after the other, as one file of at most `minutes`."""
    suffix, encode = KINDS[title]
    path = folder / f"{title.replace(', ', '-').replace(' ', '_')}-{minutes:g}.{suffix}"
    if not path.exists():
        videos = videos_of(source)
        inputs = [word for video in videos for word in ("-i", str(video))]
        scaled = [
            f"[{number}:v]fps={FPS},scale=1920:1080:force_original_aspect_ratio=decrease,"
            f"pad=1920:1080:-1:-1,setsar=1,format=yuv420p[v{number}]"
            for number in range(len(videos))
        ]
        joined = "".join(f"[v{number}]" for number in range(len(videos))) + f"concat=n={len(videos)}[v]"
        command = ["ffmpeg", "-v", "error", *inputs, "-filter_complex", ";".join([*scaled, joined])]
        part = path.with_stem("part")
        length = ["-map", "[v]", "-t", str(60 * minutes)]
        subprocess.run([*command, *length, *encode.split(), str(part)], check=True)
        part.rename(path)
    return path


class Pass(NamedTuple):
    """One pass over some footage: its length, and the time and processor time that it took, seconds."""

    footage_s: float
    wall_s: float
    used_s: float


def timed_passes(footage: Path, encoder: Encoder) -> tuple[Pass, Pass]:
    """The first pass and the exact pass of one index run."""
    began_s, last = time.process_time(), dict[bool, tuple[IndexProgress, float]]()

    def note(progress: IndexProgress) -> None:
        last[progress.is_first_pass] = progress, time.process_time()

    first_pass.FROM_S = 0  # short footage is measured for long
    with tempfile.TemporaryDirectory() as library, Catalog(Path(library)) as catalog:
        coverage = index_footage([footage], catalog, encoder, note)
    assert not coverage.unread
    (looked, first_at_s), (exact, exact_at_s) = last[True], last[False]
    length_s = float(coverage.searched_s)
    return (
        Pass(length_s, looked.elapsed_s, first_at_s - began_s),
        Pass(length_s, exact.elapsed_s, exact_at_s - first_at_s),
    )


def speed(source: Path, keep: Path, minutes: float) -> None:
    encoder = open_encoder()
    print("| footage | first pass, × real time on one core | exact pass | first pass's share of both | ten hours |")
    print("|---|---|---|---|---|")
    for title in KINDS:
        first, exact = timed_passes(make_footage(source, keep, title, minutes), encoder)
        print(f"| {title} | {row(first, exact)} |", flush=True)
    print(f"| {len(videos_of(source))} short files | {row(*timed_passes(source, encoder))} |", flush=True)


def row(first: Pass, exact: Pass) -> str:
    """Speeds on one core, by processor time, and the time until ten hours can be searched on one core."""
    ten_hours_min = TEN_HOURS_S / 60 * first.used_s / first.footage_s
    times = [each.footage_s / each.used_s for each in (first, exact)]
    share = first.used_s / (first.used_s + exact.used_s)
    return f"{times[0]:.0f} | {times[1]:.1f} | {share:.0%} | {ten_hours_min:.0f} min"


def open_encoder() -> Encoder:
    encoder = Encoder(load_pack("mini"), "cpu")
    encoder.encode_images(np.zeros((4, encoder.pack.input_px, encoder.pack.input_px, 3), np.uint8))
    return encoder


class Found(NamedTuple):
    """What one query found. iou: of the best moment of its file; None for a query about all of it. rank: of its file
    among all, from 0."""

    file: str
    iou: float | None
    rank: int


def recall(source: Path) -> None:
    encoder = open_encoder()
    lines = (source / "annotations.jsonl").read_text().splitlines()
    asked = [query for query in map(json.loads, lines) if query["windows"]]
    with tempfile.TemporaryDirectory() as library, Catalog(Path(library)) as catalog:
        look_at(source, catalog, encoder)
        guesses = [guess(query, source, catalog) for query in asked]
        coarse = [search(query, source, catalog, encoder) for query in asked]
        assert not index_footage([source], catalog, encoder).unread
        exact = [search(query, source, catalog, encoder) for query in asked]
    print("| figure | without looking | first pass | exact pass | the exact pass gains |\n|---|---|---|---|---|")
    for title, value in FIGURES.items():
        by_file = dict[str, list[list[float]]]()
        for found in zip(guesses, coarse, exact, strict=True):
            values = [value(each) for each in found]
            if None not in values:
                by_file.setdefault(found[0].file, []).append([100 * float(each or 0) for each in values])
        groups = [np.array(rows) for rows in by_file.values()]
        cells = [
            interval(groups, lambda rows: float(rows[:, 0].mean())),
            interval(groups, lambda rows: float(rows[:, 1].mean())),
            interval(groups, lambda rows: float(rows[:, 2].mean())),
            interval(groups, lambda rows: float((rows[:, 2] - rows[:, 1]).mean())),
        ]
        print(f"| {title}, {sum(map(len, groups))} queries | {' | '.join(cells)} |", flush=True)


def look_at(source: Path, catalog: Catalog, encoder: Encoder) -> None:
    """The first pass alone."""
    stop = threading.Event()

    def stop_after_looking(progress: IndexProgress) -> None:
        if progress.done_bytes == progress.total_bytes:
            stop.set()

    first_pass.FROM_S = 0  # short footage is looked at too
    coverage = index_footage([source], catalog, encoder, stop_after_looking, stop)
    assert sorted(coverage.coarse) == sorted(coverage.searched)


def guess(query: dict[str, Any], source: Path, catalog: Catalog) -> Found:
    """The answer without looking."""
    own = source / query["file"]
    iou = best_iou((0.0, float(catalog.footage(own).times.duration_s)), query["windows"])
    return Found(own.name, None if query.get("whole") else iou, sorted(catalog.paths()).index(own))


FIGURES: dict[str, Callable[[Found], float | None]] = {
    "which file, R@1": lambda found: found.rank == 0,
    "which file, R@5": lambda found: found.rank < 5,
    "moment in its file, R1@0.3": lambda found: None if found.iou is None else found.iou >= 0.3,
    "moment in its file, R1@0.5": lambda found: None if found.iou is None else found.iou >= 0.5,
    "moment in its file, mIoU": lambda found: found.iou,
}


def interval(groups: list[np.ndarray], statistic: Callable[[np.ndarray], float]) -> str:
    low, high = bootstrap_interval(groups, statistic)
    return f"{statistic(np.concatenate(groups)):.1f} ({low:.0f} to {high:.0f})"


def search(query: dict[str, Any], source: Path, catalog: Catalog, encoder: Encoder) -> Found:
    own = source / query["file"]

    def iou(moment: Moment) -> float:
        kept = moment.refinement.kept
        return best_iou((float(kept.start_s), float(kept.end_s)), query["windows"])

    # Rough answers rank the files; only one file's are refined on its frames.
    everywhere = find(query["query"], [source], catalog, encoder, top=20, steps=0, read_new=False).moments
    files = list(dict.fromkeys(moment.media.path.name for moment in everywhere))
    inside = None
    if not query.get("whole"):
        inside = iou(find(query["query"], [own], catalog, encoder, top=1, read_new=False).moments[0])
    return Found(own.name, inside, files.index(own.name) if own.name in files else len(files))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "recall"))
    parser.add_argument("footage", type=Path)
    parser.add_argument("--minutes", type=float, default=1.0, help="of each kind of footage (default %(default)s)")
    parser.add_argument("--keep", type=Path, help="folder to keep the footage in, for the next run")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} when it began\n")
    if given.what == "recall":
        recall(absolute_path(given.footage))
        return
    with tempfile.TemporaryDirectory() as folder:
        keep = given.keep or Path(folder)
        keep.mkdir(parents=True, exist_ok=True)
        speed(absolute_path(given.footage), keep.absolute(), given.minutes)


if __name__ == "__main__":
    main()
