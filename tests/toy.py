"""A toy encoder that sees colours, and clips made of them: the whole path in milliseconds, without weights."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np

from tr_desktop.picture_shape import PictureShape

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220), "white": (230, 230, 230)}


class ToyEncoder:
    """Embeds a picture as its mean colour and a text as the colour it names; the same surface as `Encoder`."""

    def __init__(self, sha256: str = "toy", sample_fps: Fraction = Fraction(2)) -> None:
        self.pack = SimpleNamespace(
            name="toy",
            sha256=sha256,
            sample_fps=sample_fps,
            input_px=32,
            picture_shape=PictureShape(32),
            threshold=0.5,
            files={},
            weights={"contrast": 8.0},
            calibrated_score=lambda evidence: float(1 / (1 + np.exp(-8 * evidence["contrast"]))),
        )
        self.device = "cpu"
        self.batch = 4
        self.background = _unit(np.random.default_rng(0).normal(size=(64, 3)))
        self.encoded_frames = 0

    def encode_images(self, pictures: np.ndarray) -> np.ndarray:
        assert pictures.dtype == np.uint8 and pictures.shape[1:] == (32, 32, 3)
        self.encoded_frames += len(pictures)
        return _unit(pictures.reshape(len(pictures), -1, 3).mean(axis=1) - 60)

    def cuts(self, text: str) -> bool:
        return False

    def encode_text(self, texts: list[str]) -> np.ndarray:
        return _unit(
            np.array([next((c for name, c in COLOURS.items() if name in text), (1, 1, 1)) for text in texts]) - 60.0
        )


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def write_clip(path: Path, shots: list[tuple[str, int]], rate: Fraction = Fraction(25), timecode: str = "") -> Path:
    """A clip of plain colours: (colour, frames) for each shot, joined by hard cuts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        if timecode:
            container.metadata["timecode"] = timecode
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for colour, frames in shots:
            picture = np.full((48, 64, 3), COLOURS[colour], np.uint8)
            for _ in range(frames):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path
