"""Clips of title cards, and RapidOCR's place taken by a reader that tests control."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import av
import numpy as np
import pytest

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}


def card(colour: str, has_strokes: bool = True) -> np.ndarray:
    picture = np.full((180, 320, 3), COLOURS[colour], np.uint8)
    if has_strokes:  # like letters in a row
        picture[60:100, 60:260] = np.where(np.arange(200)[None, :, None] // 4 % 2, 235, picture[60:100, 60:260])
    return picture


def write_cards(path: Path, *shots: tuple[np.ndarray, int]) -> Path:
    """(picture, frames) for each shot, with a keyframe at its beginning."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "12", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for picture, frames in shots:
            for number in range(frames):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pict_type = av.video.frame.PictureType.I if number == 0 else av.video.frame.PictureType.NONE
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def install_reader(monkeypatch: pytest.MonkeyPatch, read: Callable[[np.ndarray], list[str]]) -> None:
    """As if the extra `ocr` were installed. read: from a picture, BGR uint8 [H, W, 3], to the lines of text in it."""
    module = ModuleType("rapidocr")
    module.__spec__ = ModuleSpec("rapidocr", None)
    module.RapidOCR = lambda params: lambda picture: SimpleNamespace(txts=read(picture))
    monkeypatch.setitem(sys.modules, "rapidocr", module)


def uninstall_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the extra `ocr` weren't installed."""
    monkeypatch.setitem(sys.modules, "rapidocr", None)
