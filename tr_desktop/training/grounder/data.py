"""Annotated videos as training examples: pictures from a cache on disk, with the real times of their frames.

    annotations + videos ─ decoded once ─▶ cache of small pictures ─ a window around each moment ─▶ questions

A question is what the product asks: the frames on screen at a steady rate, scaled as the product scales them
(`joining.py`). A file that is no longer than a window is shown whole; of a longer one a window that contains the
moment, elsewhere each time. A sentence that holds in several places is asked about its longest one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from hashlib import blake2b
from math import ceil
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from tr_desktop.errors import MediaError, UserError
from tr_desktop.files import replacing
from tr_desktop.footage.container import open_video
from tr_desktop.footage.decode import Reading, new_clock
from tr_desktop.footage.fitted import Fitted
from tr_desktop.footage.probe import probe
from tr_desktop.footage.sampling import SamplingGrid, sampled_by_decoding
from tr_desktop.grounders.video_llm.messages import Question
from tr_desktop.library.index.walk import is_never_footage
from tr_desktop.training.annotations import Annotation

Segment = tuple[float, float]  # start_s, end_s

_HELD_OUT_SHARE = 0.1
_LEAST_S = 0.1  # the shortest moment that can be written


@dataclass(frozen=True)
class Look:
    """How a grounder sees footage. fps: pictures a second. side_px: their longer side. window_s: the longest window."""

    fps: Fraction
    side_px: int
    window_s: Fraction


@dataclass(frozen=True)
class Video:
    """The pictures of one file on a steady grid, in the cache.

    pictures_path: uint8 RGB of `shape` [N, H, W, 3], raw. times_s: when each picture starts to be shown, from the
    file's first frame. at: the picture on screen at the time k / fps, for every k up to the file's end.
    """

    pictures_path: Path
    shape: tuple[int, ...]
    times_s: tuple[Fraction, ...]
    at: tuple[int, ...]
    duration_s: Fraction

    @cached_property
    def pictures(self) -> NDArray[np.uint8]:
        """The file, mapped into memory."""
        return np.memmap(self.pictures_path, np.uint8, "r", shape=self.shape)


@dataclass(frozen=True)
class Example:
    """A sentence and the moment of a video in which it holds. truth_s: from the file's first frame."""

    name: str
    query: str
    truth_s: Segment
    video: Video
    video_name: str


def asked(example: Example, look: Look, rng: Random) -> tuple[Question, Segment]:
    """A question that shows the moment, and the moment in seconds from the window's start.

    rng: decides where the window is, if the file is longer than one.
    """
    video = example.video
    first, last, length_s = _window(example, look, rng)
    start_s = first / look.fps
    shown = sorted(set(video.at[first:last]))
    times_s = tuple(max(video.times_s[row] - start_s, Fraction(0)) for row in shown)
    pictures = np.ascontiguousarray(video.pictures[shown[0] : shown[-1] + 1])
    return Question(example.query, pictures, times_s, length_s), _truth(example, start_s, length_s)


def window_and_truth(example: Example, look: Look, rng: Random) -> tuple[float, Segment]:
    """The length of the window of `asked`, in seconds, and the moment in it. Reads no pictures."""
    first, _, length_s = _window(example, look, rng)
    return float(length_s), _truth(example, first / look.fps, length_s)


def _window(example: Example, look: Look, rng: Random) -> tuple[int, int, Fraction]:
    """The window's first picture and the one after its last, as places in `Video.at`, and its length in seconds."""
    video, fps = example.video, look.fps
    first, last = 0, len(video.at)
    if video.duration_s > look.window_s:
        rows = int(look.window_s * fps)
        earliest = max(ceil((example.truth_s[1] - float(look.window_s)) * float(fps)), 0)
        latest = min(int(example.truth_s[0] * float(fps)), last - rows)
        first = rng.randint(min(earliest, latest), latest)
        last = first + rows
    return first, last, min(last / fps, video.duration_s) - first / fps


def _truth(example: Example, start_s: Fraction, length_s: Fraction) -> Segment:
    start, end = (min(max(edge_s - float(start_s), 0.0), float(length_s)) for edge_s in example.truth_s)
    return start, end


def load_examples(
    annotations: Sequence[Annotation], folder: Path, look: Look, cache: Path, say: Callable[[str], None]
) -> list[Example]:
    """The examples of the videos in `folder`, each decoded into `cache` unless it is there.

    A video is found by its path below the folder, else by its file's name, with or without the ending.
    say: takes sentences about what is left out.
    Raises UserError if nothing is left, or the cache can't be written.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not is_never_footage(path))
    files = {path.name: path for path in paths} | {path.relative_to(folder).as_posix(): path for path in paths}
    by_stem = {path.stem: path for path in paths}
    examples, missing, unfit = list[Example](), set[str](), 0
    videos: dict[str, Video | None] = {}
    for annotation in annotations:
        if annotation.whole or not annotation.windows:
            unfit += 1
            continue
        name = annotation.video
        path = files.get(name) or files.get(Path(name).name) or by_stem.get(name)
        if path is None:
            missing.add(name)
            continue
        if name not in videos:
            videos[name] = _read(path, look, cache, say)
        if (video := videos[name]) is None:
            continue
        start_s, end_s = max(annotation.windows, key=lambda window: window[1] - window[0])
        truth_s = (min(start_s, float(video.duration_s)), min(end_s, float(video.duration_s)))
        if not _LEAST_S <= truth_s[1] - truth_s[0] <= float(look.window_s):
            unfit += 1
            continue
        examples.append(Example(annotation.query_id, annotation.query, truth_s, video, name))
    if missing:
        say(f"{len(missing)} videos are not in {folder}, such as {min(missing)}")
    if unfit:
        say(
            f"{unfit} sentences are left out: they hold nowhere, everywhere, or for longer than a window "
            f"of {float(look.window_s):g} s"
        )
    if not examples:
        raise UserError(
            "There is nothing to train on: no annotated sentence is about a video here",
            path=folder,
            remedy="Check --videos and --annotations",
        )
    return examples


def split(examples: Sequence[Example], most: int) -> tuple[list[Example], list[Example]]:
    """(those to train on, those to measure with): a tenth of the videos, `most` sentences at most, always the same.

    Raises UserError if there is only one video.
    """
    names = sorted({example.video_name for example in examples}, key=lambda name: blake2b(name.encode()).digest())
    if len(names) < 2:
        raise UserError("One video isn't enough to train on and to measure with", remedy="Annotate another one")
    held = set(names[: max(round(_HELD_OUT_SHARE * len(names)), 1)])
    training = [example for example in examples if example.video_name not in held]
    return training, [example for example in examples if example.video_name in held][:most]


def _read(path: Path, look: Look, cache: Path, say: Callable[[str], None]) -> Video | None:
    """The file's pictures, from the cache or into it; None if it can't be read."""
    try:
        facts = path.stat()
        key = f"{path.resolve()} {facts.st_size} {facts.st_mtime_ns} {look.fps} {look.side_px}"
        kept = cache / f"{path.stem[:80]}-{blake2b(key.encode(), digest_size=8).hexdigest()}.json"
        pictures_path = kept.with_suffix(".rgb")
        if not kept.exists():
            cache.mkdir(parents=True, exist_ok=True)
            _decode(path, look, pictures_path, kept)
        about = json.loads(kept.read_bytes())
    except MediaError as error:
        say(f"{path.name} is left out: {error.what}")
        return None
    except OSError as error:
        raise UserError(f"The cache can't be written: {error.strerror or error}", path=cache) from error
    return Video(
        pictures_path,
        tuple(about["shape"]),
        tuple(map(Fraction, about["times_s"])),
        tuple(about["at"]),
        Fraction(about["duration_s"]),
    )


def _decode(path: Path, look: Look, pictures_path: Path, kept: Path) -> None:
    """Write the pictures of a file, and last what is known of them: that second file shows that the first is whole."""
    media = probe(path)
    picture_of = Fitted(media, look.side_px)
    shape, frames, at = list[int](), list[int](), list[int]()
    with replacing(pictures_path) as part, part.open("wb") as out, open_video(path) as (container, stream):
        clock = new_clock(media, container, stream)
        grid = SamplingGrid(1 / look.fps / (stream.time_base or 1))
        for shown in sampled_by_decoding(container, stream, clock, grid, Reading()):
            picture = picture_of(shown.frame)
            out.write(picture.tobytes())
            shape = [len(frames) + 1, *picture.shape]
            at += [len(frames)] * shown.repeat
            frames.append(shown.number)
        if not frames:
            raise MediaError("none of its frames can be decoded", path=path)
    times = clock.times
    about = {
        "shape": shape,
        "times_s": [str(times.time_s(frame)) for frame in frames],
        "at": at,
        "duration_s": str(times.duration_s),
    }
    with replacing(kept) as part:
        part.write_text(json.dumps(about))
