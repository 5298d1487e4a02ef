"""The time to index a file, image tower included, beside ffmpeg decoding it to null with the same sampling.

    python -m benchmarks.indexing [--keep FOLDER] [--rounds 3]     # needs ffmpeg
    python -m benchmarks.indexing --isolated FOOTAGE [--rounds 3]  # what it costs to read files in a child process
    python -m benchmarks.indexing --beside-tower FOOTAGE --model PACK [--rounds 3]  # what hides behind a large tower

Prints a Markdown table for the footage that `benchmarks.decode speed` makes. Both sample 2 frames a second with all
processors; indexing also scales, runs the image tower, stores and commits. Times are of the work itself: Python has
started and the model is open, as in the app and in a long run (`benchmarks.main_job` times the whole command). A second
table shows the command's peak memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.decode import SCENE, X264, make_footage, timed
from tr_desktop.library.index.indexer import ReadNew, index_footage, read_here
from tr_desktop.library.index.isolated import read_isolated
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack

TO_REACH = {
    "H.264 1080p30, GOP 30": "0.8",
    "HEVC 10-bit 2160p30, open GOP 30": "1.0",
    "ProRes 422 HQ 1080p30": "0.25",
    "DNxHR SQ 1080p30": "0.25",
}
MEASURED = [*TO_REACH, "H.264 1080p30, GOP 250", "HEVC 10-bit 1080p30, open GOP 30"]


def index_into(folder: Path, path: Path, encoder: Encoder) -> Callable[[], None]:
    def work() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as library, Catalog(Path(library)) as catalog:
            coverage = index_footage([path], catalog, encoder)
        assert coverage.searched == [path] and not coverage.incomplete

    return work


def speed(keep: Path, rounds: int) -> None:
    encoder = Encoder(load_pack("mini"), "cpu")
    encoder.encode_images(np.zeros((4, encoder.pack.input_px, encoder.pack.input_px, 3), np.uint8))
    print("| footage | × real time on one core | time | processor | of it decoding | to reach |")
    print("|---|---|---|---|---|---|")
    for title in MEASURED:
        path = make_footage(keep, title).absolute()
        null = ["ffmpeg", "-v", "error", "-i", str(path), "-an", "-vf", "fps=2,scale=224:224", "-f", "null", "-"]
        runs = []
        for _ in range(rounds):  # in turns: the machine's load changes
            floor = timed(lambda null=null: subprocess.run(null, check=True), resource.RUSAGE_CHILDREN)
            ours = timed(index_into(keep, path, encoder), resource.RUSAGE_SELF)
            runs.append((floor, ours))
        values = np.array(runs)  # [rounds, floor and ours, wall and processor]
        wall, used = np.median(values[:, 1] / values[:, 0], axis=0)
        seconds, own_s = float(length_s(path)), float(np.median(values[:, 1, 1]))
        of_it, times = 1 - tower_s(encoder, round(2 * seconds)) / own_s, seconds / own_s
        goal = TO_REACH.get(title, "")
        print(f"| {title} | {times:.1f} | {wall:.2f} | **{used:.2f}** | {of_it:.0%} | {goal} |", flush=True)


def tower_s(encoder: Encoder, pictures: int) -> float:
    """Processor seconds of the image tower for so many pictures, in the pieces that indexing hands it."""
    piece = np.random.default_rng(0).integers(0, 256, (4, encoder.pack.input_px, encoder.pack.input_px, 3), np.uint8)
    return timed(lambda: [encoder.encode_images(piece) for _ in range(pictures // 4)], resource.RUSAGE_SELF)[1]


def length_s(path: Path) -> str:
    ask = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=duration", "-of", "csv=p=0"]
    return subprocess.run([*ask, str(path)], check=True, capture_output=True, text=True).stdout.strip().rstrip(",")


def memory(keep: Path) -> None:
    """Peak memory of the command, each in a process of its own."""
    print("\n| footage | peak memory of `index` |\n|---|---|")
    long = keep / "hour.mp4"
    if not long.exists():  # small pictures take minutes only: the growth with length counts
        short = ["-f", "lavfi", "-i", SCENE.replace("1920x1080", "640x360"), "-t", "20", *X264.split(), "-g", "30"]
        subprocess.run(["ffmpeg", "-v", "error", *short, str(keep / "short.mp4")], check=True)
        hour = ["-stream_loop", "179", "-i", str(keep / "short.mp4"), "-c", "copy", str(long)]
        subprocess.run(["ffmpeg", "-v", "error", *hour], check=True)
    named = [(title, make_footage(keep, title)) for title in MEASURED[:2]]
    for title, path in (*named, ("an hour of H.264 360p30", long)):
        with tempfile.TemporaryDirectory() as library:
            command = [sys.executable, "-c", _INDEX_AND_PRINT_PEAK, "index", str(path), "--library", library]
            printed = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ).stdout
        print(f"| {title} | {int(printed) / 1e3:.0f} MB |", flush=True)


# The process reads its own peak: the figure that a parent gets includes the parent's, from before the program began.
_INDEX_AND_PRINT_PEAK = """
import sys
from pathlib import Path
from tr_desktop.commands.main import main
status = main(sys.argv[1:])
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
sys.exit(status)
"""


def isolated(footage: Path, rounds: int) -> None:
    """A folder of footage read in a child process, as the commands and the app do, and in this process, in turns.

    Each opens the model anew; a child also starts Python.
    """

    def index(read: ReadNew) -> None:
        with tempfile.TemporaryDirectory() as library, Catalog(Path(library)) as catalog:
            files.append(len(index_footage([footage], catalog, Encoder(load_pack("mini"), "cpu"), read=read).searched))

    files: list[int] = []
    runs = []
    for _ in range(rounds):
        here = timed(lambda: index(read_here), resource.RUSAGE_SELF)
        own = timed(lambda: index(read_isolated), resource.RUSAGE_CHILDREN)
        runs.append((here, own))
    values = np.median(np.array(runs), axis=0)  # [here and child, wall and processor]
    wall, used = values[1] / values[0]
    print("| files | in this process, processor s | in a child, processor s | time | processor | to reach |")
    print("|---|---|---|---|---|---|")
    print(f"| {files[0]} | {values[0, 1]:.1f} | {values[1, 1]:.1f} | {wall:.2f} | **{used:.2f}** | 1.1 |")


def beside_tower(footage: Path, pack: str, rounds: int) -> None:
    """A folder of footage indexed, and the image tower alone on as many pictures in the same pieces, in turns."""
    encoder = Encoder(load_pack(pack), "cpu")
    encoder.encode_images(np.zeros((4, encoder.pack.input_px, encoder.pack.input_px, 3), np.uint8))
    encoded = 0
    real = encoder.encode_images

    def counted(pictures: np.ndarray) -> np.ndarray:
        nonlocal encoded
        encoded += len(pictures)
        return real(pictures)

    def index() -> None:
        with tempfile.TemporaryDirectory() as library, Catalog(Path(library)) as catalog:
            index_footage([footage], catalog, encoder)

    encoder.encode_images = counted
    index()
    encoder.encode_images = real
    pieces = encoded // 4
    piece = np.random.default_rng(0).integers(0, 256, (4, encoder.pack.input_px, encoder.pack.input_px, 3), np.uint8)
    runs = []
    for _ in range(rounds):
        tower = timed(lambda: [encoder.encode_images(piece) for _ in range(pieces)], resource.RUSAGE_SELF)
        runs.append((tower, timed(index, resource.RUSAGE_SELF)))
    values = np.array(runs)
    (tower_wall, tower_used), (wall, used) = np.median(values, axis=0)
    ratios = np.median(values[:, 1] / values[:, 0], axis=0)
    print("| pictures | tower, s | tower, processor s | index, s | index, processor s | time | processor | to reach |")
    print("|---" * 8 + "|")
    print(
        f"| {pieces * 4} | {tower_wall:.1f} | {tower_used:.1f} | {wall:.1f} | {used:.1f}"
        f" | **{ratios[0]:.2f}** | {ratios[1]:.2f} | 1.1 |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="folder to keep the footage in, for the next run")
    parser.add_argument(
        "--rounds", type=int, default=3, help="runs of each measurement; 0: memory only (default %(default)s)"
    )
    parser.add_argument("--isolated", metavar="FOOTAGE", type=Path, help="compare both ways to read this folder")
    parser.add_argument(
        "--beside-tower", metavar="FOOTAGE", type=Path, help="compare with the pack's image tower alone"
    )
    parser.add_argument("--model", metavar="PACK", default="mini", help="pack for --beside-tower (default %(default)s)")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} when it began\n")
    if given.isolated:
        isolated(given.isolated.absolute(), given.rounds)
        return
    if given.beside_tower:
        beside_tower(given.beside_tower.absolute(), given.model, given.rounds)
        return
    with tempfile.TemporaryDirectory() as folder:
        keep = given.keep or Path(folder)
        keep.mkdir(parents=True, exist_ok=True)
        if given.rounds:
            speed(keep, given.rounds)
        memory(keep)


if __name__ == "__main__":
    main()
