"""Video language models among the models: `tr-desktop models add URL`, and their part of `list` and `remove`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tr_desktop.commands.options import OK
from tr_desktop.errors import PackError

if TYPE_CHECKING:
    from tr_desktop.grounders.video_llm.packs import GrounderPack

DEFAULT_PRESET = "timelens2"


def is_address(source: str) -> bool:
    """Whether `models add` was given the address of a server, not a folder."""
    return source.startswith(("http://", "https://"))


def add_arguments(add: argparse.ArgumentParser) -> None:
    """The options of `models add` that are for servers."""
    add.add_argument(
        "--preset",
        metavar="NAME",
        help=f"how a server's model is asked (default {DEFAULT_PRESET}): see docs/grounders.md",
    )
    add.add_argument("--served", metavar="MODEL", help="the model's name on its server, if it offers several")


def add(arguments: argparse.Namespace) -> int:
    """Keep a model of a local server as a grounder. Raises UserError if there is no such server or model."""
    from tr_desktop.grounders.video_llm.packs import GrounderPack, Server, local_address, save_grounder
    from tr_desktop.grounders.video_llm.presets import PRESETS
    from tr_desktop.grounders.video_llm.worker import GrounderWorker

    name = arguments.preset or DEFAULT_PRESET
    if name not in PRESETS:
        raise PackError(f"There is no preset {name!r}", remedy=f"Choose one of: {', '.join(PRESETS)}")
    preset = PRESETS[name]
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
    print(f"Added {pack.name}: {model} at {url}, asked as {preset.name} ({preset.about}).")
    print(f"Its licence is {pack.licence}: see its card for what you may do with it.")
    print(f"Try it: tr-desktop find QUERY PATH --grounder {pack.name}")
    return OK


def list_all() -> None:
    """Print the grounders that were added."""
    from tr_desktop.grounders.video_llm.packs import known_grounders, load_grounder

    for name in known_grounders():
        try:
            pack = load_grounder(name)
            print(f"  {name}  grounder: {_place(pack)}, asked as {pack.preset.name}")
        except PackError as error:
            print(f"  {name}  can't be used: {error.what}")


def remove(name: str) -> bool:
    """Remove the grounder of that name; False if there is none."""
    from tr_desktop.grounders.video_llm.packs import known_grounders, remove_grounder

    if name not in known_grounders():
        return False
    remove_grounder(name)
    print(f"Removed {name}. The server and its model stay as they are.")
    return True


def _place(pack: GrounderPack) -> str:
    """Where its model is, in words."""
    from tr_desktop.grounders.video_llm.packs import Server

    place = pack.runs_on
    return f"{place.model} at {place.url}" if isinstance(place, Server) else f"{place.family} in {place.folder}"


def _name(model: str) -> str:
    """A grounder's name from a model's: "Qwen/Qwen3-VL-8B:q4" is "Qwen3-VL-8B-q4"."""
    return "".join(each if each.isalnum() or each in "._-" else "-" for each in model.rpartition("/")[2]).strip("._-")
