"""Which decoder returns the frame that it is asked for.

    python benchmarks/decode.py correct   # every installed one of PyAV (ours), decord, OpenCV and MoviePy

Prints a Markdown table. The footage is generated, and every frame has its number burnt in, so that a decoder is judged
by the picture it returned and not by what it says it returned.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import random
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.footage.recipes import FIRST_NUMBER, MAKERS
from tests.media import read_number
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.seek import read_frames
from tr_desktop.moments import FrameTimes, Media

SEEKS = 12
Pictures = dict[int, NDArray[np.uint8]]
Reader = Callable[[Media, FrameTimes, list[int]], Pictures]


def with_ours(media: Media, times: FrameTimes, frames: list[int]) -> Pictures:
    return dict(read_frames(media, times, frames, 40))


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["correct"])
    parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        correct(Path(folder))


if __name__ == "__main__":
    main()
