"""The time to refine: a query on an indexed file, the best candidates of a large library, a closer look at an answer.

    python -m benchmarks.refine [--hours 100] [--runs 5]     # needs ffmpeg

Prints a Markdown table. Vectors and footage are generated in the run; each floor is measured in turns with the figure
beside it, so that both meet the same machine. Processor time is that of all threads together: other work on the machine
changes it least. Closer looks are not cached between runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.library import fill
from tr_desktop.footage.seek import find_frames
from tr_desktop.grounders.base import Search
from tr_desktop.grounders.two_tower import RefinerKind, TwoTower
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.moments import Footage, FrameTimes, Indexed, Media
from tr_desktop.refine import looks
from tr_desktop.timecode import Timecode

STEPS, TOP, CANDIDATES = 1, 5, 50
SENTENCE = "a dog jumps over a fence"
PICTURES = 28  # about as many as one answer needs
FPS, RATE = 2, Fraction(25)


def timed(*each: Callable[[], object], runs: int) -> list[tuple[float, float]]:
    """Median seconds on the clock and of processor time of each, one after the other in every run; one run before."""
    spent: list[list[tuple[float, float]]] = [[] for _ in each]
    for run in range(runs + 1):
        for kept, work in zip(spent, each, strict=True):
            clock, processor = time.perf_counter(), time.process_time()
            work()
            if run:
                kept.append((time.perf_counter() - clock, time.process_time() - processor))
    return [(statistics.median(c for c, _ in kept), statistics.median(p for _, p in kept)) for kept in spent]


def line(name: str, ours: tuple[float, float], floor: tuple[float, float], floor_name: str) -> str:
    milliseconds = " / ".join(f"{1000 * seconds:.0f}" for seconds in ours)
    return f"| {name} | {milliseconds} ms | {ours[1] / floor[1]:.1f} × {floor_name} |"


def one_query(encoder: Encoder, catalog: Catalog, runs: int) -> str:
    """An index of ten minutes: from its rows to refined moments."""
    rows, random = 600 * FPS, np.random.default_rng(0)
    vectors = np.repeat(random.normal(size=(rows // 10, encoder.pack.width)), 10, axis=0)
    vectors += 0.3 * random.normal(size=vectors.shape)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    media = Media(Path("ten-minutes.mp4"), 1, 1, 1920, 1080, RATE, Timecode(0, RATE))
    footage = Footage(media, FrameTimes(range(600 * 25), 600 * 25, 1 / RATE))
    item = Indexed(footage, Fraction(1, FPS), vectors)
    query = encoder.encode_text([SENTENCE])[0]
    search = Search("", query)
    ways = [TwoTower(catalog, encoder, kind) for kind in (RefinerKind.LEARNED, RefinerKind.HEURISTIC)]
    learned, free = timed(*(lambda way=way: way.moments(search, item, TOP, STEPS) for way in ways), runs=runs)
    return line("one query, index of ten minutes", learned, free, "the training-free steps")


def candidates(encoder: Encoder, folder: Path, hours: int, runs: int) -> str:
    """A library of half-hour files: the scan, then the files with the best frames, as `find` does."""
    query = encoder.encode_text([SENTENCE])[0]
    with Catalog(folder) as catalog:
        fill(catalog, hours, encoder.pack.width)
        search, grounder = Search("", query), TwoTower(catalog, encoder, RefinerKind.LEARNED)
        known = catalog.known("pack").items()
        paths = {entry.media_id: Path(os.fsdecode(path)) for path, entry in known if entry.media_id is not None}

        def scan() -> list[tuple[int, float]]:
            return catalog.nearest("pack", query, list(paths), CANDIDATES)

        def refine() -> None:
            for media_id, _ in scan():
                grounder.moments(search, catalog.load(paths[media_id], "pack"), TOP, STEPS)

        ours, floor = timed(refine, scan, runs=runs)
    return line(f"the {CANDIDATES} best files of {hours} hours, half an hour each", ours, floor, "the scan alone")


def closer_look(encoder: Encoder, folder: Path, runs: int) -> str:
    """Answers in 1080p with a keyframe every 50 frames, read anew each time. The floor decodes the same stretches and
    encodes as many pictures at once: what is left is seeking, scaling and the refiner."""
    path = folder / "footage.mp4"
    source = "testsrc2=size=1920x1080:rate=25:duration=60,noise=alls=12:allf=t"
    encode = ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "16M", "-g", "50", "-pix_fmt", "yuv420p"]
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source, *encode, str(path)], check=True)
    with Catalog(folder / "library") as catalog:
        index_footage([path], catalog, encoder, lambda _: None)
        item = catalog.load(path, encoder.pack.sha256)
        query = encoder.encode_text([SENTENCE])[0]
        search, grounder = Search("", query), TwoTower(Forgetful(catalog), encoder, RefinerKind.LEARNED)
        moment = grounder.moments(search, item, 1, STEPS)[0]
        edges = [float(edge) for edge in (moment.refinement.kept.start_s, moment.refinement.kept.end_s)]
        starts_s = looks.frame_times_s(item.times)
        stretches = [looks.first_look(starts_s, edge, 1 / FPS) for edge in edges]
        pictures = np.zeros((PICTURES, encoder.pack.input_px, encoder.pack.input_px, 3), np.uint8)

        def floor() -> None:
            for frames in stretches:
                for _ in find_frames(item.footage, range(int(frames[0]), int(frames[-1]) + 1)):
                    pass
            encoder.encode_images(pictures)

        ours, least = timed(lambda: grounder.look_closer(search, item, moment), floor, runs=runs)
    return line(
        "looking closer at one answer, 1080p, GOP 50", ours, least, f"decoding there, encoding {PICTURES} pictures"
    )


class Forgetful(Catalog):
    """A library that keeps no closer look: every run looks again."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog.folder)
        self.close_ups = _NoCloseUps()


class _NoCloseUps:
    def read(self, *_: object) -> dict[int, np.ndarray]:
        return {}

    def keep(self, *_: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--hours", type=int, default=100, help="hours of footage in the large library (default %(default)s)"
    )
    parser.add_argument("--runs", type=int, default=5, help="runs of each measurement (default %(default)s)")
    given = parser.parse_args()
    encoder = Encoder(load_pack("mini"), "cpu")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} when it began; medians of {given.runs}\n")
    print("| | clock / processor | beside its floor (processor) |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with Catalog(folder / "empty") as catalog:
            print(one_query(encoder, catalog, given.runs), flush=True)
        print(closer_look(encoder, folder, given.runs), flush=True)
        print(candidates(encoder, folder / "large", given.hours, given.runs), flush=True)


if __name__ == "__main__":
    main()
