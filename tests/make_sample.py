"""Make the vectors of the sample clip that the package ships, and on request the clip itself, which needs scikit-image.

Run it after each new embedded pack: `.venv/test/bin/python -m tests.make_sample [--clip]`
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from tr_desktop.engine import open_engine
from tr_desktop.footage.sample import CLIP, RATE, SHOTS
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.models.pack import EMBEDDED_DEFAULT, load_pack
from tr_desktop.sample_index import Vectors, save_vectors

WIDTH, HEIGHT = 640, 360


def make_clip(path: Path) -> None:
    """Write the clip to `path` (MP4, H.264, timecode from 01:00:00:00)."""
    with av.open(str(path), "w") as container:
        container.metadata["timecode"] = "01:00:00:00"
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "23"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in pictures():
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def pictures() -> Iterator[av.VideoFrame]:
    """The clip's pictures, before they are encoded: the view drifts over each of the shots' pictures."""
    from skimage import data

    for name, seconds, _ in SHOTS:
        picture, count = getattr(data, name)(), int(seconds * RATE)
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(_view(picture, index / count), format="rgb24")
            yield frame.reformat(width=WIDTH, height=HEIGHT, format="yuv420p")


def fresh_vectors() -> Vectors:
    """The vectors [n, width] that the embedded pack makes of the clip's sampled pictures, on the CPU."""
    with tempfile.TemporaryDirectory() as folder, open_engine(Path(folder), EMBEDDED_DEFAULT, "cpu") as engine:
        index_footage([CLIP], engine.catalog, engine.encoder)
        return engine.catalog.load(CLIP, engine.encoder.pack.sha256).vectors.astype(np.float32)


def _view(picture: npt.NDArray[np.uint8], progress: float) -> npt.NDArray[np.uint8]:
    """A 16:9 view that drifts over `picture` [H, W, 3] and zooms in by a tenth as `progress` goes from 0 to 1."""
    high, wide = picture.shape[:2]
    scale = 1 - 0.1 * progress
    view_wide = int(min(wide, high * WIDTH / HEIGHT) * scale)
    view_high = int(view_wide * HEIGHT / WIDTH)
    left = int((wide - view_wide) * progress)
    top = (high - view_high) // 4  # faces sit above the middle
    return np.ascontiguousarray(picture[top : top + view_high, left : left + view_wide])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", action="store_true", help="make the clip too")
    if parser.parse_args().clip:
        make_clip(CLIP)
    save_vectors(fresh_vectors(), load_pack(EMBEDDED_DEFAULT))


if __name__ == "__main__":
    main()
