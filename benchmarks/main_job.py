"""The `index` and `find` commands: indexing beside ffmpeg decoding the same file, and the time to an answer once
indexed.

    python -m benchmarks.main_job [--seconds 60] [--runs 3]     # needs ffmpeg

Prints a Markdown table. The footage is generated in the run: 1080p H.264 of 30 fps with a keyframe every second, moving
and noisy like a camera's. Compare ratios: seconds depend on the machine.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack

SAMPLE_FPS = 2
BATCH = 16


def make_footage(path: Path, seconds: int) -> None:
    source = f"testsrc2=size=1920x1080:rate=30:duration={seconds},noise=alls=12:allf=t"
    encode = ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "16M", "-g", "30", "-pix_fmt", "yuv420p"]
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source, *encode, str(path)], check=True)


def timed(command: list[str]) -> float:
    """Wall seconds of one command; its exit status may be 1 (no confident match)."""
    started_s = time.perf_counter()
    status = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    if status not in (0, 1):
        raise SystemExit(f"{' '.join(command)}: exit status {status}")
    return time.perf_counter() - started_s


def tower_s(encoder: Encoder, pictures: int) -> float:
    """Wall seconds in which the image tower reads `pictures` pictures, with the threads that indexing gives it."""
    size_px = encoder.pack.input_px
    batch = np.random.default_rng(0).integers(0, 256, (BATCH, size_px, size_px, 3), np.uint8)
    started_s = time.perf_counter()
    for start in range(0, pictures, BATCH):
        encoder.encode_images(batch[: min(BATCH, pictures - start)])
    return time.perf_counter() - started_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seconds", type=int, default=60, help="length of the footage in seconds (default %(default)s)"
    )
    parser.add_argument("--runs", type=int, default=3, help="runs of each measurement (default %(default)s)")
    arguments = parser.parse_args()
    ours = [sys.executable, "-m", "tr_desktop"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "clip.mp4"
        make_footage(clip, arguments.seconds)
        floor = [
            "ffmpeg",
            "-loglevel",
            "error",
            "-i",
            str(clip),
            "-an",
            "-vf",
            f"fps={SAMPLE_FPS},scale=224:224",
            "-f",
            "null",
            "-",
        ]
        encoder = Encoder(load_pack("mini"), "cpu")
        tower_s(encoder, BATCH)  # the first batch allocates
        pairs = []
        towers = []
        for run in range(arguments.runs):  # one after the other in each run, so that both meet the same machine
            library = ["--library", str(folder / f"library-{run}")]
            pairs.append((timed(floor), timed([*ours, "index", str(clip), *library])))
            towers.append(tower_s(encoder, arguments.seconds * SAMPLE_FPS))
        find = [timed([*ours, "find", "a test picture", str(clip), *library]) for _ in range(arguments.runs)]
        floor_find = [timed([sys.executable, "-c", "import numpy, onnxruntime"]) for _ in range(arguments.runs)]
    index_s = statistics.median(index for _, index in pairs)
    print("| | median | beside its floor |")
    print("|---|---|---|")
    print(
        f"| index {arguments.seconds} s of 1080p H.264 | {arguments.seconds / index_s:.1f} × real time | "
        f"{statistics.median(index / floor for floor, index in pairs):.2f} × ffmpeg decoding it to null at 2 fps |"
    )
    print(
        f"| the image tower alone on the {SAMPLE_FPS} pictures a second of it | {statistics.median(towers):.2f} s | "
        f"{statistics.median(tower / floor for tower, (floor, _) in zip(towers, pairs, strict=True)):.2f} × ffmpeg "
        "decoding it |"
    )
    print(
        f"| find on indexed footage, command to answer | {statistics.median(find):.2f} s | "
        f"{statistics.median(find) / statistics.median(floor_find):.1f} × importing numpy and onnxruntime |"
    )


if __name__ == "__main__":
    main()
