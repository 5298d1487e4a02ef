"""`tr-desktop doctor`: installed packages, the devices for the models, and tests on generated clips."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tr_desktop.commands import options
from tr_desktop.errors import UserError
from tr_desktop.models.devices import CPU, DEVICES

if TYPE_CHECKING:
    from tr_desktop.models.pack import Pack

PACKAGES = (
    "tr-desktop",
    "av",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
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

    from tr_desktop.commands import grounder_report
    from tr_desktop.library.index.screen_text import can_read, not_installed
    from tr_desktop.models.check import check_pack
    from tr_desktop.models.pack import load_pack
    from tr_desktop.refine.pack_check import check_refiner
    from tr_desktop.sample_check import sample_report

    pack_name = options.pack_of(arguments)
    _print_packages()
    print(_decoder())
    print(_formats())
    print(_sound())
    print("Text in pictures: read when footage is indexed" if can_read() else str(not_installed()))
    for line in grounder_report.lines():
        print(line, flush=True)
    try:
        print(f"Library: {options.library_of(arguments)}, {_library(options.library_of(arguments))}")
        pack = load_pack(pack_name)
        runs_on = check_pack(pack, arguments.device)
        check_refiner(pack)
        print(f"Model pack: {pack.name} {pack.sha256[:12]}, hashes match; its models run on {runs_on}")
        for line in _devices(pack, arguments.device):
            print(line, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            _self_test(pack_name, arguments.device, Path(folder))
    except UserError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return options.USER_ERROR
    print("Self-test: a clip was written, indexed and searched; every frame was counted.")
    print(sample_report(pack, arguments.device))
    return options.OK


def this_program_and_pack() -> str:
    """The version of this program and the model pack in use, on one line."""
    from tr_desktop.models.choice import default_pack
    from tr_desktop.models.pack import load_pack
    from tr_desktop.version import this_version

    try:
        pack = load_pack(default_pack())
        known = f"model pack {pack.name} {pack.sha256[:12]}"
    except UserError:  # the version is to be had all the same
        known = "no model pack that can be opened"
    return f"tr-desktop {this_version()}, {known}"


def _devices(pack: Pack, wanted: str) -> Iterator[str]:
    """The devices, as lines: which are offered, which work, and how fast. `auto` uses from now on what is found."""
    from tr_desktop.models.encoder import Encoder
    from tr_desktop.models.runtime import is_offered

    encoder = Encoder(pack)
    pictures, sentences = encoder.picture_trials(), encoder.sentence_trials()
    yield "Devices for the models:"
    for device in (CPU, *(name for name, kind in DEVICES.items() if is_offered(kind))):
        builds_long = device != CPU and DEVICES[device].builds_long
        if device != wanted and (builds_long or pictures.has_crashed(device)):
            why = "the first run takes minutes" if builds_long else "it ended the program that tried it last"
            yield f"  {device}: not tried, because {why}. Try it: tr-desktop doctor --device {device}"
            continue
        trial = pictures.run(device)
        speed = f"{trial.rows_per_s:.0f} pictures a second, {trial.batch} at once"
        if not trial.why and not builds_long:
            queries = sentences.run(device)
            speed += f", and {queries.why or f'{queries.rows_per_s:.0f} queries a second'}"
        yield f"  {device}: {trial.why or speed}"
    faster = [name for name, _ in pictures.fastest_first()]
    yield f"  --device auto takes {faster[0] if faster else CPU} for pictures and the CPU for sentences"
    if gaining := [name for name in faster if DEVICES[name].gains_from_fp16]:
        yield f"  Large packs are faster in half precision (models add --precision fp16) on: {', '.join(gaining)}"
    if missing := [kind for kind in DEVICES.values() if kind.may_exist_here and not is_offered(kind)]:
        yield f"  Not offered by this ONNX Runtime: {', '.join(f'{kind.title} ({kind.package})' for kind in missing)}"


def _print_packages() -> None:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    print(this_program_and_pack())
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


def _formats() -> str:
    from exporters.clips import WAYS
    from exporters.formats import formats

    return f"Export formats: {len(formats())}. Ways to cut clips: {len(WAYS)}"


def _sound() -> str:
    """The app plays without sound if it can't load what makes it, so this is where one finds out."""
    try:
        from tr_desktop.app.player.sound import why_silent
    except ImportError as error:
        return f"Sound: none, because the app's packages can't be loaded ({error})"
    why = why_silent()
    return f"Sound: none, because {why}" if why else "Sound: the app plays it through Qt"


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
