"""`tr-desktop doctor`: installed packages, the device of the models, and a self-test on a generated clip."""

from __future__ import annotations

import argparse
import os
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

from tr_desktop.commands import options
from tr_desktop.errors import UserError

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


def add_commands(commands: Any) -> None:
    """Add `doctor` to the subparsers of `tr-desktop`."""
    doctor = commands.add_parser("doctor", help="show what is installed and run a self-test")
    options.add_common(doctor)
    doctor.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one line for each finding; `OK` if everything that the command line needs works."""
    import tempfile

    from tr_desktop.models.check import check_pack
    from tr_desktop.models.pack import load_pack
    from tr_desktop.refine.pack_check import check_refiner

    pack_name = options.pack_of(arguments)
    _print_packages()
    print(_decoder())
    try:
        print(f"Library: {options.library_of(arguments)}, {_library(options.library_of(arguments))}")
        pack = load_pack(pack_name)
        runs_on = check_pack(pack, arguments.device)
        check_refiner(pack)
        print(f"Model pack: {pack.name} {pack.sha256[:12]}, hashes match; its models run on {runs_on}")
        with tempfile.TemporaryDirectory() as folder:
            _self_test(pack_name, arguments.device, Path(folder))
    except UserError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return options.USER_ERROR
    print("Self-test: a clip was written, indexed and searched; every frame was counted.")
    return options.OK


def _print_packages() -> None:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    print(f"Python {platform.python_version()} on {platform.platform()}")
    for package in PACKAGES:
        try:
            print(f"  {package} {version(package)}")
        except PackageNotFoundError:
            print(f"  {package}: not installed")


def _library(folder: Path) -> str:
    """The state of the library. Raises UserError if it is damaged."""
    from tr_desktop.library import upkeep
    from tr_desktop.library.store.database import FILE_NAME

    if not os.path.lexists(folder / FILE_NAME):
        return "not made yet"
    if problems := upkeep.check(folder):
        raise UserError(problems[0], path=folder, remedy="Run: tr-desktop library check, then: library repair")
    return "whole"


def _decoder() -> str:
    import av

    from tr_desktop.footage.hardware import devices

    offered = ", ".join(f"{name} {problem or 'opens'}" for name, problem in devices().items())
    return (
        f"Decoder: FFmpeg {av.ffmpeg_version_info}, CPU. Available to `index --hardware` (tested on each file first):"
        f" {offered or 'this FFmpeg supports no device'}"
    )


def _self_test(pack_name: str, device: str, folder: Path) -> None:
    """Index and search a clip of two flat colours. Raises UserError if the frame count or the duration is wrong."""
    import numpy as np

    from tr_desktop.engine import open_engine

    clip, seconds, rate = folder / "self-test.mp4", 4, 25
    _two_colours(clip, seconds, rate)
    with open_engine(folder / "library", pack_name, device) as engine:
        answer = engine.find("a blue picture", [clip])
        item = engine.catalog.load(clip, engine.encoder.pack.sha256)
    expected = seconds * rate
    if len(item.times) != expected or item.times.duration_s != Fraction(seconds):
        raise UserError(f"the self-test clip has {expected} frames, {len(item.times)} were read")
    if not np.isfinite(item.vectors).all() or not answer.moments:
        raise UserError("the models gave no usable answer on the self-test clip")


def _two_colours(path: Path, seconds: int, rate: int) -> None:
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for index in range(seconds * rate):
            picture = np.zeros((180, 320, 3), np.uint8)
            picture[..., 0 if index < seconds * rate // 2 else 2] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
