"""Generated clips whose moments are known: 16 seconds of three to five colours, annotated with when each is on screen.

They let the whole recipe run on a processor in a minute, with a model of random weights (`--tiny`).
"""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from random import Random

import av
import numpy as np

COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 200, 60),
    "blue": (50, 70, 220),
    "yellow": (230, 220, 50),
    "white": (240, 240, 240),
    "black": (15, 15, 15),
    "purple": (150, 50, 170),
    "orange": (240, 140, 30),
}
SECONDS = 16
ANNOTATIONS = "annotations.jsonl"
_RATE = Fraction(4)
_SIDE_PX = 64
_NOISE = 12.0  # of each pixel, so that no two pictures are the same


def make_colour_clips(folder: Path, count: int, seed: int = 0) -> Path:
    """Write `count` clips to `folder` with one sentence each; the annotation file, in the footage format."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(count):
        rng = Random(f"{seed} {number}")
        names = rng.sample(sorted(COLOURS), rng.randint(3, 5))
        cuts_s = [0, *sorted(rng.sample(range(2, SECONDS - 1), len(names) - 1)), SECONDS]
        path = folder / f"colours-{number}.mp4"
        lengths_s = [end - start for start, end in pairwise(cuts_s)]
        _encode(path, list(zip((COLOURS[name] for name in names), lengths_s, strict=True)))
        asked = rng.randrange(len(names))
        rows.append(
            {
                "file": path.name,
                "query": names[asked],
                "windows": [[cuts_s[asked], cuts_s[asked + 1]]],
                "duration": SECONDS,
            }
        )
    path = folder / ANNOTATIONS
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _encode(path: Path, shots: list[tuple[tuple[int, int, int], int]]) -> None:
    """shots: colour and seconds."""
    noise = np.random.default_rng(len(path.name))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=_RATE, options={"crf": "18", "g": "16"})
        stream.codec_context.thread_count = 1
        stream.width, stream.height, stream.pix_fmt = _SIDE_PX, _SIDE_PX, "yuv420p"
        for colour, seconds in shots:
            for _ in range(int(seconds * _RATE)):
                picture = noise.normal(colour, _NOISE, (_SIDE_PX, _SIDE_PX, 3)).clip(0, 255).astype(np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
