"""`tr-desktop models list | show | use | get | add | remove | build | verify | calibrate`: the model packs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tr_desktop.commands import get_model, grounders
from tr_desktop.commands.conversion import as_json, as_sentence, ask_licence
from tr_desktop.commands.options import OK, add_device
from tr_desktop.this_program import how_to_get

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from tr_desktop.models.pack import Pack
    from tr_desktop.picture_shape import PictureShape

_MAX_PICTURES = 2000


def add_commands(commands: Any) -> None:
    """Add `models` to the subparsers of `tr-desktop`."""
    actions = commands.add_parser("models", help="list, choose, build and check model packs").add_subparsers(
        required=True, metavar="ACTION"
    )
    actions.add_parser("list", help="list the known packs; * marks the one in use").set_defaults(run=_list)
    show = actions.add_parser("show", help="show a pack's contents, sources and licence")
    use = actions.add_parser("use", help="use this pack whenever no --model is given")
    verify = actions.add_parser("verify", help="check a pack's hashes and run each of its models")
    for parser, run in ((show, _show), (use, _use), (verify, _verify)):
        help_ = "a name, folder or .trpack file"
        parser.add_argument("pack", metavar="PACK", nargs=None if run is _use else "?", help=help_)
        parser.set_defaults(run=run)
    add_device(verify)
    get_model.add_command(actions)
    add = actions.add_parser("add", help="make a pack from a checkpoint of CLIP, SigLIP or OpenCLIP, or keep a pack")
    add.add_argument(
        "source",
        nargs="?",
        metavar="FOLDER|URL",
        help="a checkpoint, a pack, or a .trpack file; or a video language model that refines moments"
        " (find --grounder): its folder, or the address of a model server on this machine, such as"
        " http://127.0.0.1:1234/v1",
    )
    add.add_argument("--as", dest="name", metavar="NAME", help="the pack's name (default: that of the folder or pack)")
    add.add_argument(
        "--precision",
        choices=("fp32", "fp16", "int8"),
        help="fp16 halves the size and is fast on GPUs; int8 is small and fast on CPUs (default fp32)",
    )
    add.add_argument(
        "--pictures", metavar="FOLDER", type=Path, help="pictures of many kinds, for background.npy (default: built in)"
    )
    add.add_argument("--accept-licence", action="store_true", help="agree to a licence that restricts use")
    add.add_argument("--json", action="store_true", help="print progress as one JSON object a line")
    grounders.add_arguments(add)
    add.set_defaults(run=_add)
    remove = actions.add_parser("remove", help="delete a pack that was added")
    remove.add_argument("name", metavar="NAME")
    remove.set_defaults(run=_remove)
    build = actions.add_parser("build", help="make a pack from ONNX files, such as CLIP's towers")
    build.add_argument(
        "draft",
        metavar="FOLDER",
        type=Path,
        help="image.onnx, text.onnx, tokenizer.json, CARD.md and a pack.json with name, licence, sources, input_px"
        " and sample_fps; optional: refiner.onnx, background.npy, and in pack.json threshold and calibration",
    )
    build.add_argument("out", metavar="OUT", type=Path, help="the pack: a new folder, or a file ending in .trpack")
    build.add_argument("--pictures", metavar="FOLDER", type=Path, help="pictures of many kinds, for background.npy")
    build.set_defaults(run=_build)
    calibrate = actions.add_parser("calibrate", help="fit a pack's scores to footage or clips that it never saw")
    calibrate.add_argument("pack", metavar="PACK", help="a name, folder or .trpack file")
    calibrate.add_argument(
        "data",
        metavar="DIR",
        type=Path,
        help="captioned clips (a folder with clips/clip-frames.tar), or footage of your own (a folder with videos and"
        " annotations.jsonl), which adjusts the pack's scores if this holds on videos left out",
    )
    calibrate.add_argument("out", metavar="OUT", type=Path, help="the pack: a new folder, or a file ending in .trpack")
    calibrate.add_argument(
        "--cache",
        metavar="DIR",
        type=Path,
        default=Path(".cache"),
        help="folder for encoded clips and indexes (default .cache)",
    )
    calibrate.add_argument(
        "--questions", metavar="N", type=int, default=80, help="queries for each size of composed library (default 80)"
    )
    calibrate.add_argument("--seed", metavar="N", type=int, default=0, help="random seed (default 0)")
    calibrate.set_defaults(run=_calibrate)


def _list(_: argparse.Namespace) -> int:
    from tr_desktop.errors import PackError
    from tr_desktop.models.choice import default_pack, known_packs
    from tr_desktop.models.pack import load_pack

    default = default_pack()
    for known in dict.fromkeys((*known_packs(), default)):
        try:
            pack = load_pack(known)
            size_mb = sum(size for size, _ in pack.files.values()) / 1e6
            about = f"{pack.name}  {pack.sha256[:12]}  {size_mb:.0f} MB, {pack.width} numbers a frame, {pack.licence}"
            about += f"\n    {known}" if known != pack.name else ""
        except PackError as error:
            about = f"{known}  can't be used: {error.what}"
        print(f"{'*' if known == default else ' '} {about}")
    grounders.list_all()
    return OK


def _show(arguments: argparse.Namespace) -> int:
    if arguments.pack and grounders.show(arguments.pack):
        return OK
    pack = _pack(arguments)
    print(f"{pack.name}  ({pack.location})\n  sha256 {pack.sha256}\n  licence: {pack.licence}")
    print(f"  pictures of {pack.input_px} × {pack.input_px}, {pack.sample_fps} a second, to {pack.width} numbers")
    print(f"  a moment is confident from score {pack.threshold:.2f} on")
    for name, (size_bytes, sha256) in pack.files.items():
        print(f"  {name:<16} {size_bytes / 1e6:8.1f} MB  {sha256[:12]}")
    print(f"  sources: {', '.join(pack.sources)}\n\n{pack.card.strip()}")
    return OK


def _use(arguments: argparse.Namespace) -> int:
    from tr_desktop.models.choice import use_pack

    grounders.expect_none(arguments.pack)
    pack = use_pack(arguments.pack)
    print(f"{pack.name} is used from now on; footage that it hasn't indexed yet is indexed when it is searched.")
    return OK


def _verify(arguments: argparse.Namespace) -> int:
    from tr_desktop.models.check import check_pack
    from tr_desktop.refine.pack_check import check_refiner
    from tr_desktop.sample_check import sample_report

    if arguments.pack and grounders.verify(arguments.pack):
        return OK
    pack = _pack(arguments)
    device = check_pack(pack, arguments.device)
    check_refiner(pack)
    print(f"{pack.name} {pack.sha256[:12]}: {len(pack.files)} files match pack.json; its models run on {device}.")
    print(sample_report(pack, arguments.device))
    return OK


def _add(arguments: argparse.Namespace) -> int:
    from tr_desktop.errors import UserError
    from tr_desktop.models.choice import add_pack
    from tr_desktop.models.pack import is_pack

    if arguments.vtimellm:
        _expect_unused(arguments, ("precision", "pictures", "preset", "served"), "other models")
        return grounders.add_vtimellm(arguments)
    if arguments.source is None:
        raise UserError("There is nothing to add", remedy="Give a folder, a pack or the address of a model server")
    _expect_unused(arguments, ("clip",), "--vtimellm")
    if grounders.is_address(arguments.source):
        _expect_unused(arguments, ("precision", "pictures", "accept_licence"), "folders")
        return grounders.add_server(arguments)
    source = arguments.source = Path(arguments.source)
    _expect_unused(arguments, ("served",), "a server's model")
    if grounders.is_folder(source):
        _expect_unused(arguments, ("precision", "pictures"), "packs of towers")
        return grounders.add_folder(arguments)
    _expect_unused(arguments, ("preset",), "a video language model")
    if is_pack(source):
        _expect_unused(arguments, ("precision", "pictures", "accept_licence"), "checkpoints")
        pack = add_pack(source, arguments.name)
    else:
        pack = _converted(arguments)
    name = pack.location.name
    if arguments.json:
        print(json.dumps({"pack": name}), flush=True)
    else:
        print(f"Added {name}: {pack.width} numbers a frame, licence {pack.licence}.")
        print(f"Try it: tr-desktop find QUERY PATH --model {name}; keep using it: tr-desktop models use {name}")
    return OK


def _converted(arguments: argparse.Namespace) -> Pack:
    """The pack made of the checkpoint in `arguments.source`."""
    from tr_desktop.errors import UserError
    from tr_desktop.models.convert.licence import licence_of
    from tr_desktop.models.convert.recognise import recognise

    source: Path = arguments.source
    recognise(source)  # a wrong folder is reported before large packages are loaded
    licence = licence_of(source)
    ask_licence(licence, arguments)
    try:
        from tr_desktop.models.convert.add import add_checkpoint
    except ImportError as error:
        raise UserError(
            f"Converting a checkpoint needs {error.name}, which is not installed",
            remedy=how_to_get("convert"),
        ) from error
    folder: Path | None = arguments.pictures
    return add_checkpoint(
        source,
        arguments.name,
        arguments.precision or "fp32",
        None if folder is None else lambda shape: _pictures(folder, shape),
        arguments.accept_licence,
        as_json if arguments.json else as_sentence,
    )


def _expect_unused(arguments: argparse.Namespace, names: Sequence[str], what_for: str) -> None:
    """Raises UserError for options that mean nothing for this source."""
    from tr_desktop.errors import UserError

    for name in names:
        if getattr(arguments, name):
            option = f"--{name.replace('_', '-')}"
            raise UserError(f"{option} is for {what_for} only", path=arguments.source)


def _remove(arguments: argparse.Namespace) -> int:
    from tr_desktop.models.choice import default_pack, remove_pack
    from tr_desktop.models.pack import EMBEDDED_DEFAULT

    if grounders.remove(arguments.name):
        return OK
    was_used = default_pack() == arguments.name
    remove_pack(arguments.name)
    if was_used:
        print(f"{EMBEDDED_DEFAULT} is used from now on.")
    print(f"Removed {arguments.name}. Its index stays in libraries until tr-desktop library prune --models.")
    return OK


def _build(arguments: argparse.Namespace) -> int:
    from tr_desktop.errors import UserError
    from tr_desktop.models.build import build_pack
    from tr_desktop.refine.pack_check import check_refiner

    folder: Path | None = arguments.pictures
    if folder is not None and (arguments.draft / "background.npy").exists():
        raise UserError("--pictures is for a draft without background.npy", path=arguments.draft)
    pictures = None if folder is None else lambda shape: _pictures(folder, shape)
    pack, added = build_pack(arguments.draft, arguments.out, pictures, [check_refiner])
    print(f"Wrote {pack.name} to {arguments.out}: {pack.width} numbers a frame, sha256 {pack.sha256[:12]}.")
    taken = [name for name in added if name != "background.npy"]
    if taken:
        print(f"From the embedded pack, because the draft has none: {', '.join(taken)}.")
    if "calibration" in taken:
        print(
            "Its scores are therefore a guess, scaled to what this pack gives by chance: use them to rank, and say so"
        )
        print("in CARD.md; or fit them to footage of your own: tr-desktop models calibrate PACK DIR OUT.")
    print(f"Try it: tr-desktop find QUERY PATH --model {arguments.out}; keep it: tr-desktop models use {arguments.out}")
    return OK


def _calibrate(arguments: argparse.Namespace) -> int:
    from tr_desktop.errors import UserError
    from tr_desktop.models.build import expect_unused, recalibrated

    try:
        from tr_desktop.training.scores.calibrate import calibrate
    except ImportError as error:
        raise UserError(
            f"Calibrating needs {error.name}, which is not installed", remedy=how_to_get("train")
        ) from error
    expect_unused(arguments.out)  # before hours of work
    pack = _pack(arguments)
    done = calibrate(pack, arguments.data, arguments.cache, arguments.questions, arguments.seed)
    found = done.calibration
    recalibrated(pack, arguments.out, done.threshold, found.bias, found.weights)
    listed = ", ".join(f"{name} {weight:.3f}" for name, weight in found.weights.items())
    print(f"Wrote {arguments.out}: confident from score {done.threshold:.2f} on; {listed}.")
    off = f"scores are off by {done.after:.3f} (ECE) instead of {done.before:.3f}"
    print(f"On videos that it wasn't fitted to, {off}. What is indexed stays indexed.")
    return OK


def _pack(arguments: argparse.Namespace) -> Any:
    from tr_desktop.models.choice import default_pack
    from tr_desktop.models.pack import load_pack

    return load_pack(arguments.pack or default_pack())


def _pictures(folder: Path, shape: PictureShape) -> npt.NDArray[np.uint8]:
    """The pictures under `folder`, uint8 RGB [N, S, S, 3]; unreadable files are skipped."""
    import numpy as np

    from tr_desktop.errors import MediaError, UserError
    from tr_desktop.footage.still import read_still

    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file())[:_MAX_PICTURES]:
        try:
            found.append(read_still(path, shape))
        except MediaError:
            continue
    if len(found) < 2:
        raise UserError("There are no pictures that can be read", path=folder, remedy="Give a folder of pictures")
    return np.stack(found)
