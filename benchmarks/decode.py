"""Which decoder returns the requested frame, and how long sampling takes beside ffmpeg.

    python -m benchmarks.decode correct   # every installed one of PyAV (ours), decord, OpenCV and MoviePy
    python -m benchmarks.decode speed     # needs the ffmpeg command; --keep FOLDER keeps the footage for the next run

Both print Markdown tables and generate their footage. For `correct` every frame has its number burnt in: a decoder is
judged by the picture that it returns, not by the number that it reports. `speed` samples 2 frames a second at 224 × 224
and gives the time as a share of that of `ffmpeg -an -vf fps=2,scale=224:224 -f null -` on the same file, run in turns.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import random
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.footage.recipes import FIRST_NUMBER, MAKERS
from tests.media import read_number
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.seek import read_frames
from tr_desktop.moments import Footage, FrameTimes, Media

SEEKS = 12
Pictures = dict[int, NDArray[np.uint8]]
Reader = Callable[[Media, FrameTimes, list[int]], Pictures]


def with_ours(media: Media, times: FrameTimes, frames: list[int]) -> Pictures:
    return dict(read_frames(Footage(media, times), frames, 40))


def with_decord(media: Media, times: FrameTimes, frames: list[int]) -> Pictures:
    import decord

    reader = decord.VideoReader(str(media.path))
    return {frame: reader[frame].asnumpy() for frame in frames}


def with_opencv(media: Media, times: FrameTimes, frames: list[int]) -> Pictures:
    import cv2

    reader, pictures = cv2.VideoCapture(str(media.path)), {}
    for frame in frames:
        reader.set(cv2.CAP_PROP_POS_FRAMES, frame)
        is_read, picture = reader.read()
        if is_read:
            pictures[frame] = picture[..., ::-1]
    return pictures


def with_moviepy(media: Media, times: FrameTimes, frames: list[int]) -> Pictures:
    from moviepy import VideoFileClip

    with VideoFileClip(str(media.path), audio=False) as clip:
        middle = {f: float((times.time_s(f) + times.time_s(f + 1)) / 2) for f in frames}
        return {frame: clip.get_frame(time_s) for frame, time_s in middle.items()}


READERS: dict[str, tuple[str, Reader]] = {
    "PyAV, ours": ("av", with_ours),
    "decord": ("decord", with_decord),
    "OpenCV": ("cv2", with_opencv),
    "MoviePy": ("moviepy", with_moviepy),
}


def right_frames(reader: Reader, media: Media, times: FrameTimes, frames: list[int], first: int) -> str:
    """How many of `frames` came back as themselves, or how the reader failed."""
    try:
        pictures = reader(media, times, frames)
    except Exception as error:  # noqa: BLE001 (whatever another library raises is its result here)
        return type(error).__name__
    right = 0
    for frame, picture in pictures.items():
        with contextlib.suppress(ValueError):  # unreadable: a mix, a stale or a turned picture
            right += read_number(picture) - first == frame
    return f"{right}/{len(frames)}"


def correct(folder: Path) -> None:
    """Random access to SEEKS frames of each kind of footage."""
    readers = {name: reader for name, (module, reader) in READERS.items() if importlib.util.find_spec(module)}
    print("| file |", " | ".join(readers), "|\n|---|" + "---|" * len(readers))
    for name, make in MAKERS.items():
        media = probe(make(folder / name))
        sampler = Sampler(media, Fraction(1), 40)
        for _ in sampler:
            pass
        frames = sorted(random.Random(name).sample(range(len(sampler.times)), SEEKS))
        results = [right_frames(r, media, sampler.times, frames, FIRST_NUMBER.get(name, 0)) for r in readers.values()]
        print(f"| {name} |", " | ".join(results), "|", flush=True)


X264 = "-c:v libx264 -preset veryfast -b:v 20M -pix_fmt yuv420p -bf 3 -sc_threshold 0"
FOOTAGE = {
    "H.264 1080p30, GOP 30": ("h264_30.mp4", f"{X264} -g 30"),
    "H.264 1080p30, GOP 250": ("h264_250.mp4", f"{X264} -g 250"),
    "H.264 1080p30, GOP 30, no B-frames": ("h264_ip.mp4", f"{X264} -g 30 -bf 0"),
    "HEVC 10-bit 1080p30, open GOP 30": (
        "hevc10.mp4",
        "-c:v libx265 -preset ultrafast -b:v 12M -pix_fmt yuv420p10le -x265-params bframes=3:keyint=30:log-level=none",
    ),
    "HEVC 10-bit 2160p30, open GOP 30": (
        "hevc10_4k.mp4",
        "-t 4 -s 3840x2160 -c:v libx265 -preset ultrafast -b:v 40M -pix_fmt yuv420p10le "
        "-x265-params bframes=3:keyint=30:log-level=none",
    ),
    "ProRes 422 HQ 1080p30": ("prores.mov", "-c:v prores_ks -profile:v 3 -pix_fmt yuv422p10le"),
    "DNxHR SQ 1080p30": ("dnxhr.mov", "-c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p"),
    "MPEG-2 1080p25 in MXF, GOP 12": ("mpeg2.mxf", "-r 25 -c:v mpeg2video -b:v 40M -g 12 -bf 2 -pix_fmt yuv420p"),
}
SCENE = "testsrc2=s=1920x1080:r=30,noise=alls=12:allf=t"  # motion and grain, for a bit rate as in real footage
SECONDS = 12


def make_footage(folder: Path, title: str) -> Path:
    """The file of FOOTAGE called `title` in `folder`, made unless it is there."""
    name, options = FOOTAGE[title]
    path = folder / name
    if not path.exists():
        source = ["-f", "lavfi", "-i", SCENE, "-t", str(SECONDS)]
        subprocess.run(["ffmpeg", "-v", "error", *source, *options.split(), str(path)], check=True)
    return path


def timed(work: Callable[[], object], whose: int) -> tuple[float, float]:
    """(wall, processor) seconds of `work`, whose processor time is counted for `whose` (resource.RUSAGE_...)."""

    def processor_s() -> float:
        usage = resource.getrusage(whose)
        return usage.ru_utime + usage.ru_stime

    wall_s, used_s = time.perf_counter(), processor_s()
    work()
    return time.perf_counter() - wall_s, processor_s() - used_s


def speed(folder: Path, rounds: int) -> None:
    """Sampling time as a share of ffmpeg's: the median of `rounds` runs of each, in turns."""
    print("| footage | × real time on one core | time, all decoded | time | processor, all decoded | processor |")
    print("|---|---|---|---|---|---|")
    for title in FOOTAGE:
        path = make_footage(folder, title)
        media = probe(path)
        null = ["ffmpeg", "-v", "error", "-i", str(path), "-an", "-vf", "fps=2,scale=224:224", "-f", "null", "-"]
        ways = [
            (lambda null=null: subprocess.run(null, check=True), resource.RUSAGE_CHILDREN),
            (lambda media=media: list(Sampler(media, Fraction(1, 2), 224, decode_all=True)), resource.RUSAGE_SELF),
            (lambda media=media: list(Sampler(media, Fraction(1, 2), 224)), resource.RUSAGE_SELF),
        ]
        runs = np.array([[timed(*way) for way in ways] for _ in range(rounds)])  # [rounds, ways, 2]
        shares = np.median(runs[:, 1:] / runs[:, :1], axis=0)  # within a round: the machine's load changes
        sampler = Sampler(media, Fraction(1, 2), 224)
        times_real = float(sum(s.repeat for s in sampler) * sampler.every_s) / np.median(runs[:, 2, 1])
        figures = [f"{times_real:.0f}", *(f"{share:.2f}" for share in shares.T.flat)]
        print(f"| {title} |", " | ".join(figures), "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["correct", "speed"], help="what to measure")
    parser.add_argument("--keep", type=Path, help="folder to keep the footage of `speed` in, for the next run")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each measurement (default %(default)s)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.what == "correct":
            correct(Path(folder))
        else:
            keep = given.keep or Path(folder)
            keep.mkdir(parents=True, exist_ok=True)
            speed(keep, given.rounds)


if __name__ == "__main__":
    main()
