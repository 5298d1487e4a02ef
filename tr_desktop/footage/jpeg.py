"""Pictures as JPEG files."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray


def as_jpeg(picture: NDArray[np.uint8]) -> bytes:
    """The picture, uint8 RGB [H, W, 3], as a JPEG file."""
    codec = VideoCodecContext.create("mjpeg", "w")
    codec.height, codec.width = picture.shape[:2]
    codec.pix_fmt = "yuvj420p"
    codec.time_base = Fraction(1, 25)
    codec.options = {"qmin": "3", "qmax": "3"}
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(format="yuvj420p")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in (*codec.encode(frame), *codec.encode(None)))
