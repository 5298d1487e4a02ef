"""What is installed, what runs the models, and whether the whole path works on a clip made on the spot."""

from __future__ import annotations

import platform
import sys
import tempfile
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from tr_desktop import grounding
from tr_desktop.errors import UserError
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.check import check_pack
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack

PACKAGES = (
    "tr-desktop",
    "av",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "simsimd",
    "tokenizers",
    "PySide6-Essentials",
    "rapidocr",
    "torch",
)


def examine(model: str, device: str, library: Path) -> bool:
    """Print one line a finding; whether everything that the command line needs works."""
    print(f"Python {platform.python_version()} on {platform.platform()}")
    for package in PACKAGES:
        try:
            print(f"  {package} {version(package)}")
        except PackageNotFoundError:
            print(f"  {package}: not installed")
    print(f"Library: {library}")
    print(_decoder())
    try:
        encoder = Encoder(load_pack(model), device)
        runs_on = check_pack(encoder.pack, device)
        print(f"Model pack: {encoder.pack.name} {encoder.pack.sha256[:12]}, hashes right; its models run on {runs_on}")
        with tempfile.TemporaryDirectory() as folder:
            _self_test(encoder, Path(folder))
    except UserError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return False
    print("Self-test: a clip was written, indexed and searched; every frame was counted.")
    return True


def _decoder() -> str:
    import av

    from tr_desktop.footage.hardware import devices

    offered = [f"{name} {problem or 'opens'}" for name, problem in devices().items()]
    return (
        f"Decoder: FFmpeg {av.ffmpeg_version_info}, on the processor; for `index --hardware`, which tries a device on"
        f" each file before it is used: {', '.join(offered) or 'this FFmpeg knows no device'}"
    )


def _self_test(encoder: Encoder, folder: Path) -> None:
    """Index and search a clip of two flat colours. Raises UserError when a count or a time is not the one written."""
    clip, seconds, rate = folder / "self-test.mp4", 4, 25
    _two_colours(clip, seconds, rate)
    with Catalog(folder / "library") as catalog:
        answer = grounding.find("a blue picture", [clip], catalog, encoder)
        item = catalog.load(clip, encoder.pack.sha256)
    expected = seconds * rate
    if len(item.times) != expected or item.times.duration_s != Fraction(seconds):
        raise UserError(f"the self-test clip has {expected} frames, {len(item.times)} were read")
    if not np.isfinite(item.vectors).all() or not answer.moments:
        raise UserError("the models gave no usable answer on the self-test clip")


def _two_colours(path: Path, seconds: int, rate: int) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for index in range(seconds * rate):
            picture = np.zeros((180, 320, 3), np.uint8)
            picture[..., 0 if index < seconds * rate // 2 else 2] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
