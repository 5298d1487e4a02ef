"""Reels of unseen clips, rendered as video files: every shot is a query, every edge a hard cut on a known frame.

They include what composing on vectors leaves out: decoding, scaling, compression and seeking.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

Pictures = list[npt.NDArray[np.uint8]]

WIDTH_PX, HEIGHT_PX = 480, 270
GOP_FRAMES = 50
SHOTS = (8, 16)
SHOT_S = (1.0, 8.0)
RATES = (Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001))
SHORTEST_QUERY_CHARACTERS = 20  # shorter captions fit many shots


def render_reels(data: Path, out: Path, count: int, seed: int) -> Path:
    """Write `count` reels from the clips of `data` that are not for training, and `annotations.jsonl` in the footage
    format; returns the path of the latter.

    Windows are exact: the times at which the first frame of the shot and the first frame after it are shown.
    """
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    lines = (data / "clips" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    clips = [entry for entry in map(json.loads, lines) if entry["split"] != "train"]
    rows = []
    for number in range(count):
        rate = RATES[number % len(RATES)]
        chosen = [clips[i] for i in rng.permutation(len(clips))[: int(rng.integers(*SHOTS))]]
        lengths = [round(float(np.exp(rng.uniform(*np.log(SHOT_S)))) * rate) for _ in chosen]
        name = f"reel-{number:02d}.mp4"
        kept = _write(out / name, [_decode(data / "clips", entry) for entry in chosen], lengths, rate)
        edges = np.concatenate([[0], np.cumsum(kept)])
        for entry, start, end in zip(chosen, edges, edges[1:], strict=False):
            captions = [c for c in entry["captions_machine"] + entry["captions"] if len(c) >= SHORTEST_QUERY_CHARACTERS]
            if captions:
                window = [float(start / rate), float(end / rate)]
                query, whole = captions[int(rng.integers(len(captions)))], float(edges[-1] / rate)
                rows.append({"file": name, "query": query, "windows": [window], "duration": whole, "kind": "shot"})
    path = out / "annotations.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _decode(folder: Path, entry: dict[str, str]) -> tuple[Pictures, float]:
    with tarfile.open(folder / entry["tar"]) as tar:
        member = next(m for m in tar if Path(m.name).name == entry["file"])
        stream = tar.extractfile(member)
        if stream is None:
            raise FileNotFoundError(entry["file"])
        with av.open(io.BytesIO(stream.read()), "r") as container:
            video = container.streams.video[0]
            pictures = [
                np.asarray(frame.reformat(WIDTH_PX, HEIGHT_PX, "rgb24", interpolation="BICUBIC").to_ndarray(), np.uint8)
                for frame in container.decode(video)
            ]
            return pictures, float(video.average_rate or 12)


def _write(path: Path, clips: Sequence[tuple[Pictures, float]], lengths: Sequence[int], rate: Fraction) -> list[int]:
    """Write the shots one after the other, each `lengths` frames long or as long as its clip; returns their frames."""
    kept = []
    with av.open(str(path), "w") as container:
        stream: VideoStream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.options = {"g": str(GOP_FRAMES), "crf": "24", "preset": "veryfast"}
        for (pictures, fps), wanted in zip(clips, lengths, strict=True):
            frames = min(wanted, int(len(pictures) / fps * rate))
            for number in range(frames):
                picture = pictures[min(int(number / float(rate) * fps), len(pictures) - 1)]
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            kept.append(frames)
        container.mux(stream.encode())
    return kept
