"""Animations are footage and stills are not, whatever their names."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media import make_video, numbered_picture, read_number
from tr_desktop.errors import MediaError
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.picture_files import picture_kind
from tr_desktop.footage.probe import probe
from tr_desktop.library.index.walk import never_footage

FORMATS = {
    "gif": ("gif", "gif", "rgb8"),
    "apng": ("apng", "apng", "rgb24"),
    "avif": ("avif", "libsvtav1", "yuv420p"),
}


def animation(path: Path, kind: str, frames: int) -> Path:
    container_format, codec, pix_fmt = FORMATS[kind]
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=10, options={"preset": "8", "crf": "10"} if kind == "avif" else {})
        stream.width, stream.height, stream.pix_fmt = 160, 120, pix_fmt
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(numbered_picture(number, 160, 120), format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(picture.reformat(format=pix_fmt)))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.apng", "a.avif", "a.mp4"])
def test_an_animation_is_searched_like_other_footage(tmp_path: Path, name: str) -> None:
    kind = {"png": "apng", "mp4": "gif"}.get(name[2:], name[2:])
    path = animation(tmp_path / name, kind, frames=12)
    assert never_footage(path, path.stat()) is None
    sampler = Sampler(probe(path), Fraction(1, 5), 40)
    assert [read_number(sample.picture) for sample in sampler] == [0, 2, 4, 6, 8, 10]
    assert (len(sampler.times), sampler.media.rate) == (12, 10)


@pytest.mark.parametrize(
    "name", ["a.gif", "a.avif", "gif.mp4", "jpeg.jfif", "jpeg.jpe", "jpeg.mp4", "png.mov", "a.jp2"]
)
def test_a_still_is_named_so_by_its_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    kind = name.split(".")[0] if not name.startswith("a.") else name[2:]
    if kind in FORMATS:
        animation(path, kind, frames=1)
    else:
        codec = {"jpeg": "mjpeg", "jp2": "jpeg2000", "png": "png"}[kind]
        pix_fmt = "yuvj420p" if kind == "jpeg" else "rgb24"
        made = make_video(tmp_path / f"made.{kind}", frames=1, codec=codec, pix_fmt=pix_fmt, container_format="image2")
        made.rename(path)
    assert never_footage(path, path.stat()) in (None, "a still picture")
    with pytest.raises(MediaError) as refused:
        probe(path)
    assert refused.value.what == "a still picture"


def test_an_animated_webp_says_what_to_do() -> None:
    header = b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00"
    assert (
        picture_kind(header + b"\x02" + bytes(11))
        == "an animated WebP picture, which can't be read: convert it to a video"
    )
    assert picture_kind(header + b"\x00" + bytes(11)) == "a still picture"
    assert picture_kind(b"BM, a note about cars that isn't a bitmap") is None


@pytest.mark.parametrize("name", ["A001_C001.R3D", "A.ari", "clip.BRAW"])
def test_camera_raw_points_to_its_proxy(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(np.zeros(64, np.uint8).tobytes())
    assert never_footage(path, path.stat()) == "camera raw that this program can't read; search its proxy"
