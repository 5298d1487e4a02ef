"""Video language models among the models: their part of `tr-desktop models add | list | show | verify | remove`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tr_desktop.commands.conversion import BytesProgress, ask_licence, size
from tr_desktop.commands.options import OK
from tr_desktop.errors import PackError
from tr_desktop.this_program import how_to_get

if TYPE_CHECKING:
    from tr_desktop.grounders.video_llm.packs import GrounderPack

DEFAULT_PRESET = "timelens2"


def is_address(source: str) -> bool:
    """Whether `models add` was given the address of a server, not a folder."""
    return source.startswith(("http://", "https://"))


def is_folder(source: Path) -> bool:
    """Whether `models add` was given the folder of a video language model, not of towers."""
    from tr_desktop.grounders.video_llm.recognise import is_video_model

    return is_video_model(source)


def add_arguments(add: argparse.ArgumentParser) -> None:
    """The options of `models add` that are for video language models."""
    add.add_argument(
        "--preset",
        metavar="NAME",
        help="how a video language model is asked (default: by the name of its folder's model; behind a server"
        f" {DEFAULT_PRESET}): see docs/grounders.md",
    )
    add.add_argument("--served", metavar="MODEL", help="the model's name on its server, if it offers several")
    add.add_argument(
        "--vtimellm",
        nargs="+",
        type=Path,
        metavar=("BASE", "PART"),
        help="merge VTimeLLM or TimeRefine from its published parts: Vicuna's folder, that of stage 1, and the adapters"
        " in their order; needs --clip",
    )
    add.add_argument("--clip", type=Path, metavar="FOLDER", help="openai/clip-vit-large-patch14, for --vtimellm")


def add_server(arguments: argparse.Namespace) -> int:
    """Keep a model of a local server as a grounder. Raises UserError if there is no such server or model."""
    from tr_desktop.grounders.video_llm.packs import GrounderPack, Server, local_address, save_grounder
    from tr_desktop.grounders.video_llm.presets import preset_of
    from tr_desktop.grounders.video_llm.worker import GrounderWorker

    preset = preset_of(arguments.preset or DEFAULT_PRESET)
    url = local_address(str(arguments.source))
    worker = GrounderWorker(GrounderPack("new", Server(url, ""), preset))
    try:
        offered = worker.open()
    finally:
        worker.close()
    model = arguments.served or (offered[0] if len(offered) == 1 else "")
    if model not in offered:
        what = f"The server has no model {model!r}" if model else f"The server offers {len(offered)} models"
        raise PackError(what, remedy=f"Choose one with --served: {', '.join(offered)}" if offered else "Load one there")
    pack = GrounderPack(arguments.name or _name(model), Server(url, model), preset)
    save_grounder(pack)
    return _added(pack, "The card of the model says what you may do with it.", arguments)


def add_folder(arguments: argparse.Namespace) -> int:
    """Keep the checkpoint in a folder as a grounder. Raises UserError if it can't be one or its terms are refused."""
    from tr_desktop.grounders.video_llm.packs import expect_free_grounder_name, save_grounder
    from tr_desktop.grounders.video_llm.recognise import recognise
    from tr_desktop.models.convert.licence import expect_accepted

    source: Path = arguments.source
    found = recognise(source, arguments.preset)
    name = arguments.name or _name(source.resolve().name)
    expect_free_grounder_name(name)  # before a minute of reading
    ask_licence(found.licence, arguments)
    expect_accepted(found.licence, source, arguments.accept_licence)
    with BytesProgress("hash", arguments.json) as progress:
        pack = found.pack(name, progress.show)
    save_grounder(pack)
    about = "Its files stay where they are. tr-desktop doctor shows whether it fits this computer."
    return _added(pack, about, arguments)


def add_vtimellm(arguments: argparse.Namespace) -> int:
    """Merge VTimeLLM's or TimeRefine's published parts and keep them as a grounder. Raises UserError if that fails."""
    try:
        from tr_desktop.grounder_worker.vtime_add import TERMS, add_vtime
    except ImportError as error:
        raise PackError(
            f"Merging VTimeLLM needs {error.name}, which is not installed",
            remedy=how_to_get("llm"),
        ) from error
    base, *parts = arguments.vtimellm
    if len(parts) < 2 or arguments.clip is None:
        raise PackError(
            "VTimeLLM and TimeRefine have four parts or more",
            remedy="Give --vtimellm VICUNA STAGE1 ADAPTER [ADAPTER] --clip CLIP; see docs/grounders.md",
        )
    ask_licence(TERMS, arguments)

    def show(done: float, text: str) -> None:
        line = json.dumps({"stage": "merge", "done": done, "text": text}) if arguments.json else f"{done:4.0%}  {text}"
        print(line, file=sys.stdout if arguments.json else sys.stderr, flush=True)

    pack = add_vtime(base, parts[0], parts[1:], arguments.clip, arguments.name, arguments.accept_licence, show)
    return _added(pack, "The parts aren't needed any more.", arguments)


def _added(pack: GrounderPack, about: str, arguments: argparse.Namespace) -> int:
    """Say that the grounder is kept."""
    if arguments.json:
        print(json.dumps({"grounder": pack.name}), flush=True)
        return OK
    print(f"Added {pack.name}: {_place(pack)}, asked as {pack.preset.name} ({pack.preset.about}).")
    print(f"Licence: {_terms(pack)}.")
    print(about)
    print(f"Try it: tr-desktop find QUERY PATH --grounder {pack.name}")
    return OK


def list_all() -> None:
    """Print the grounders that were added."""
    from tr_desktop.grounders.video_llm.packs import known_grounders, load_grounder

    for name in known_grounders():
        try:
            pack = load_grounder(name)
            use = " (NO COMMERCIAL USE)" if pack.is_non_commercial else ""
            print(f"  {name}  grounder: {_place(pack)}, asked as {pack.preset.name}{use}")
        except PackError as error:
            print(f"  {name}  can't be used: {error.what}")


def expect_none(name: str) -> None:
    """Raises PackError if there is a grounder of that name, which can't be used instead of a pack."""
    from tr_desktop.grounders.video_llm.packs import known_grounders

    if name in known_grounders():
        raise PackError(
            f"{name} is a video language model, which works beside a pack", remedy=f"Use it: find --grounder {name}"
        )


def show(name: str) -> bool:
    """Print all about the grounder of that name; False if there is none. Raises PackError if it can't be read."""
    from tr_desktop.grounders.video_llm.checkpoints import Checkpoint
    from tr_desktop.grounders.video_llm.packs import known_grounders, load_grounder

    if name not in known_grounders():
        return False
    pack = load_grounder(name)
    print(f"{name}  grounder: {_place(pack)}\n  licence: {_terms(pack)}")
    print(f"  asked as {pack.preset.name}: {pack.preset.about}")
    print(
        f"  pictures: up to {float(pack.fps):g} a second and {pack.frames_most} in a window of up to"
        f" {float(pack.window_s):g} s, {pack.side_px} pixels on the longer side; answers of up to"
        f" {pack.new_tokens_most} tokens"
    )
    print(f"  scores: {'those of the search' if pack.calibration is None else 'calibrated'}")
    if isinstance(pack.runs_on, Checkpoint):
        for file, stamp in pack.runs_on.files.items():
            print(f"  {file:<40} {stamp.size_bytes / 1e6:10.1f} MB  {stamp.sha256[:12]}")
        print(f"  sources: {', '.join(pack.sources)}")
    return True


def verify(name: str) -> bool:
    """Check each file of the grounder of that name against its hash; False if there is none.

    Raises PackError if a file changed or the grounder has none.
    """
    from tr_desktop.grounders.video_llm.checkpoints import Checkpoint
    from tr_desktop.grounders.video_llm.packs import known_grounders, load_grounder

    if name not in known_grounders():
        return False
    place = load_grounder(name).runs_on
    if not isinstance(place, Checkpoint):
        raise PackError(f"{name} runs on a server, so it has no files here", remedy=f"Use it: find --grounder {name}")
    with BytesProgress("hash", as_json=False) as progress:
        place.verify(progress.show)
    print(f"{name}: {len(place.files)} files in {place.folder} are what they were when it was added.")
    return True


def remove(name: str) -> bool:
    """Remove the grounder of that name; False if there is none."""
    from tr_desktop import paths
    from tr_desktop.grounders.video_llm.packs import known_grounders, remove_grounder

    if name not in known_grounders():
        return False
    is_own = any((paths.grounders_folder() / name).glob("*/"))  # merged here
    remove_grounder(name)
    print(
        f"Removed {name}"
        + ("" if is_own else ". The model itself, in its folder or on its server, stays as it is")
        + "."
    )
    return True


def _place(pack: GrounderPack) -> str:
    """Where its model is, in words."""
    from tr_desktop.grounders.video_llm.checkpoints import FAMILIES
    from tr_desktop.grounders.video_llm.packs import Server

    place = pack.runs_on
    if isinstance(place, Server):
        return f"{place.model} at {place.url}"
    return f"{FAMILIES[place.family]} of {size(place.weights_bytes)} in {place.folder}"


def _terms(pack: GrounderPack) -> str:
    link = f" ({pack.licence_url})" if pack.licence_url else ""
    return f"{pack.licence}{link}{'; NO COMMERCIAL USE, such as in a paid edit' if pack.is_non_commercial else ''}"


def _name(model: str) -> str:
    """A grounder's name from a model's: "Qwen/Qwen3-VL-8B:q4" is "Qwen3-VL-8B-q4"."""
    return "".join(each if each.isalnum() or each in "._-" else "-" for each in model.rpartition("/")[2]).strip("._-")
