"""How long a search over a large library takes beside its floor: one matrix product over the same vectors in fp32.

    python -m benchmarks.library [--hours 100 1000] [--width 384] [--runs 7] [--keep FOLDER]

Prints a Markdown table. The vectors are synthetic: files of half an hour, 2 frames a second, made of shots of 5 s;
frames of a shot are alike, shots of a file share a setting. The floor is measured in turns with the search, on as many
of the rows as fit into 2 GB as fp32, and scaled to all of them. "reopen" is opening the catalogue and reading its
records of all files; "memory" is what the search itself adds to the mapped files, which the system may drop. Processor
time is that of all threads together: other work on the machine changes it least.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np

from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.records import Source
from tr_desktop.library.store.vectors import VectorFiles
from tr_desktop.moments import Footage, FrameTimes, Media
from tr_desktop.timecode import Timecode

FILE_S, SHOT_S, FPS = 1800, 5, 2
FLOOR_BYTES = 2 << 30
FILES_FOUND = 24  # as many as `find` looks into


def vectors(random: np.random.Generator, width: int) -> np.ndarray:
    """One file's rows [FILE_S * FPS, width], L2-normalised."""
    setting = random.normal(size=width)
    shots = setting + 0.8 * random.normal(size=(FILE_S // SHOT_S, width))
    rows = np.repeat(shots, SHOT_S * FPS, axis=0) + 0.3 * random.standard_normal((FILE_S * FPS, width), np.float32)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def fill(catalog: Catalog, hours: int, width: int) -> None:
    random, rate = np.random.default_rng(hours), Fraction(30)
    times = FrameTimes(range(FILE_S * 30), FILE_S * 30, 1 / rate)
    with catalog.writing() as writer:
        for number in range(hours * 3600 // FILE_S):
            path = Path(f"/footage/{number}.mp4")
            source = Source(path, 1, 1, number.to_bytes(16, "big"))
            media = Media(path, 1, 1, 1920, 1080, rate, Timecode(0, rate))
            rows = vectors(random, width)
            writer.append(source, Footage(media, times), "pack", Fraction(1, FPS), 0, rows, decode_all=False)
            writer.finish(source, Footage(media, times), (), "pack")


def measure(hours: int, width: int, runs: int, folder: Path) -> str:
    if not (folder / "library.sqlite3").exists():
        with Catalog(folder) as catalog:
            fill(catalog, hours, width)
    queries = np.random.default_rng(0).normal(size=(runs, width)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    started_s = time.perf_counter()
    with Catalog(folder) as catalog:
        known = catalog.known("pack")
        reopen_s = time.perf_counter() - started_s
        ids = [entry.media_id for entry in known.values() if entry.media_id is not None]
        all_rows = sum(entry.rows for entry in known.values())
        floor_rows = min(all_rows, FLOOR_BYTES // (4 * width))
        floor_matrix = VectorFiles(catalog.folder).of("pack", width).read(np.arange(floor_rows)).astype(np.float32)
        tracemalloc.start()
        catalog.nearest("pack", queries[0], ids, FILES_FOUND)  # here the files are read from the disk
        added_mb = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        searches, floors, used = [], [], []
        for query in queries:
            started_s, before_s = time.perf_counter(), time.process_time()
            found = catalog.nearest("pack", query, ids, FILES_FOUND)
            searches.append(time.perf_counter() - started_s)
            used.append(time.process_time() - before_s)
            started_s = time.perf_counter()
            product = floor_matrix @ query
            floors.append((time.perf_counter() - started_s) * all_rows / floor_rows)
        if floor_rows == all_rows:
            best = np.sort(product.reshape(-1, FILE_S * FPS).max(axis=1))[::-1][:FILES_FOUND]
            assert np.allclose([score for _, score in found], best, atol=1e-5), "not what comparing every frame gives"
    mapped_mb = sum(path.stat().st_size for path in folder.glob("vectors-*.upper")) / 1e6
    size_mb = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    ratio = statistics.median(search / floor for search, floor in zip(searches, floors, strict=True))
    return (
        f"| {hours} h, {all_rows / 1e6:.2f} M × {width} | {statistics.median(searches) * 1e3:.0f} ms"
        f" ({min(searches) * 1e3:.0f}) | {statistics.median(used) * 1e3:.0f} ms"
        f" | {statistics.median(floors) * 1e3:.0f} ms ({min(floors) * 1e3:.0f})"
        f" | {ratio:.2f} | {reopen_s * 1e3:.0f} ms | {size_mb / hours:.2f} MB | {mapped_mb:.0f} MB"
        f" | {added_mb:.0f} MB |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--hours", type=int, nargs="+", default=[100, 1000], help="hours of footage in each library (default 100 1000)"
    )
    parser.add_argument("--width", type=int, default=384, help="length of the vectors (default %(default)s)")
    parser.add_argument("--runs", type=int, default=7, help="queries to each library (default %(default)s)")
    parser.add_argument("--keep", type=Path, help="folder to keep the libraries in, for the next run")
    given = parser.parse_args()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} when it began; median (best) of {given.runs} queries\n"
    )
    print(
        "| library | search | processor | floor: fp32 product | search / floor | reopen | per hour | mapped | memory |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        for hours in given.hours:
            folder = (given.keep or Path(temporary)) / f"{hours}h"
            print(measure(hours, given.width, given.runs, folder), flush=True)


if __name__ == "__main__":
    main()
