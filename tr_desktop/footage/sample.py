"""A short clip to try the search on, made from pictures that ship with scikit-image (extra `demo`).

Each picture is held for a few seconds while the view drifts over it, with hard cuts in between, so a sentence finds
something real: a cat, a cup of coffee, a rocket, an astronaut, a motorcycle.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from tr_desktop.errors import UserError
from tr_desktop.files import replacing

RATE = Fraction(24)
WIDTH, HEIGHT = 640, 360
# Picture, seconds on screen, a sentence that is true of this shot alone.
SHOTS = (
    ("coffee", 4, "a cup of coffee"),
    ("astronaut", 5, "an astronaut"),
    ("chelsea", 6, "a cat"),
    ("rocket", 5, "a rocket"),
    ("motorcycle", 4, "a motorcycle"),
)


def make_sample(path: Path, rate: Fraction = RATE) -> None:
    """Write the clip to `path` (MP4, H.264, timecode from 01:00:00:00).

    Raises UserError if the pictures aren't installed or the clip can't be written.
    """
    pictures = _pictures()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            _encode(pictures, part, rate)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UserError(
            f"The sample clip can't be written: {why}", path=path, remedy="Make room on the disk"
        ) from error


def _encode(pictures: dict[str, npt.NDArray[np.uint8]], out: Path, rate: Fraction) -> None:
    with av.open(str(out), "w") as container:
        container.metadata["timecode"] = "01:00:00:00"
        stream = container.add_stream("libx264", rate=rate, options={"crf": "23"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for name, seconds, _ in SHOTS:
            count = int(seconds * rate)
            for index in range(count):
                frame = av.VideoFrame.from_ndarray(_view(pictures[name], index / count), format="rgb24")
                container.mux(stream.encode(frame.reformat(width=WIDTH, height=HEIGHT)))
        container.mux(stream.encode())


def _pictures() -> dict[str, npt.NDArray[np.uint8]]:
    try:
        from skimage import data
    except ImportError as error:
        raise UserError(
            "No footage was given, and the pictures for a sample clip aren't installed",
            remedy="Give a file or folder to search, or install the extra: pip install 'tr-desktop[demo]'",
        ) from error
    return {name: data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(data, name)() for name, *_ in SHOTS}


def _view(picture: npt.NDArray[np.uint8], progress: float) -> npt.NDArray[np.uint8]:
    """A 16:9 view that drifts over `picture` [H, W, 3] and zooms in by a tenth as `progress` goes from 0 to 1."""
    high, wide = picture.shape[:2]
    scale = 1 - 0.1 * progress
    view_wide = int(min(wide, high * WIDTH / HEIGHT) * scale)
    view_high = int(view_wide * HEIGHT / WIDTH)
    left = int((wide - view_wide) * progress)
    top = (high - view_high) // 4  # faces sit above the middle
    return np.ascontiguousarray(picture[top : top + view_high, left : left + view_wide])
