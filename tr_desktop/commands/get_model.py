"""`tr-desktop models get`: the list of open models, and one of them fetched and added as a pack.

Video language models are listed too. They are many times as large, stay in a folder of the user's choice, and aren't
fetched here: the command says how.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Any

from tr_desktop.commands.conversion import BytesProgress, agreed, as_json, as_sentence, can_ask, size
from tr_desktop.commands.options import OK
from tr_desktop.errors import UserError

if TYPE_CHECKING:
    from tr_desktop.grounders.video_llm.suggested import SuggestedModel
    from tr_desktop.models.convert.add import Progress
    from tr_desktop.models.convert.catalogue import OpenModel


def add_command(actions: Any) -> None:
    """Add `get` to the actions of `tr-desktop models`."""
    get = actions.add_parser("get", help="list open models, or fetch one and add it as a pack: this uses the network")
    get.add_argument("name", metavar="NAME", nargs="?", help="a model of the list; without it the list is printed")
    get.add_argument("--yes", action="store_true", help="accept the model's licence and size without a question")
    get.add_argument(
        "--precision", choices=("fp32", "fp16", "int8"), help="of the pack's numbers (default: what the list says)"
    )
    get.add_argument("--json", action="store_true", help="print the list or the progress as JSON, an object a line")
    get.set_defaults(run=_get)


def _get(arguments: argparse.Namespace) -> int:
    from tr_desktop.grounders.video_llm.suggested import suggested_model
    from tr_desktop.models.convert.catalogue import open_model
    from tr_desktop.models.convert.get import expect_ready, get_model

    if arguments.name is None:
        _list(arguments.json)
        return OK
    if suggested := suggested_model(arguments.name):
        print(json.dumps(dataclasses.asdict(suggested)) if arguments.json else _how_to_get(suggested))
        return OK
    model = open_model(arguments.name)
    precision = arguments.precision or model.precision
    expect_ready(model, precision)
    print(f"{_described(model)}\n    {_terms(model)}", file=sys.stderr)
    if not arguments.yes and not _accepted():
        print("Nothing was fetched.", file=sys.stderr)
        return OK
    with BytesProgress("download", arguments.json) as progress:

        def converted(done: Progress) -> None:
            progress.__exit__()
            (as_json if arguments.json else as_sentence)(done)

        try:
            pack = get_model(model, precision, progress.show, converted)
        except KeyboardInterrupt:
            print(f"\nWhat was fetched is kept; go on with: tr-desktop models get {model.name}", file=sys.stderr)
            raise
    if arguments.json:
        print(json.dumps({"pack": pack.name}))
    else:
        print(f"Added {pack.name}. Keep using it: tr-desktop models use {pack.name}")
    return OK


def _list(wants_json: bool) -> None:
    from tr_desktop.grounders.video_llm.suggested import SUGGESTED
    from tr_desktop.models.convert.catalogue import OPEN_MODELS

    for model in OPEN_MODELS:
        print(json.dumps(dataclasses.asdict(model)) if wants_json else _described(model))
    if wants_json:  # programs read there what can be fetched
        return
    print("\nVideo language models, which look closer at what a search found (docs/grounders.md):")
    for suggested in SUGGESTED:
        print(_about(suggested))


def _about(model: SuggestedModel) -> str:
    """Two lines about a video language model of the list."""
    use = {True: "", False: " (NO COMMERCIAL USE)", None: ""}[model.commercial]
    return (
        f"{model.name:<16} download {size(model.download_bytes)}, for a graphics card with {model.card}"
        f"\n    {model.licence}{use}; for {model.good_for}"
    )


def _how_to_get(model: SuggestedModel) -> str:
    return (
        f"{_about(model)}\n    Read its licence at {model.licence_url}\n\n"
        f"Nothing was fetched: its {size(model.download_bytes)} stay in a folder of yours. To add it, run:\n"
        f"    hf download {model.repository} --local-dir {model.folder}\n"
        f"    tr-desktop models add {model.folder} --as {model.name}\n"
        "The program hf comes with: pip install huggingface_hub"
    )


def _described(model: OpenModel) -> str:
    """Two lines about a model of the list."""
    return (
        f"{model.name:<16} download {size(model.download_bytes)}, pack {size(model.pack_bytes)} ({model.precision}),"
        f" {model.width} numbers a frame, {1 / model.mini_speed:.0f} × the time of mini"
        f"\n    languages: {model.languages}; {model.licence}{'' if model.commercial else ' (NO COMMERCIAL USE)'};"
        f" for {model.good_for}"
    )


def _terms(model: OpenModel) -> str:
    use = "" if model.commercial else "; it doesn't allow commercial use, such as in a paid edit"
    return f"Licence: {model.licence}{use}. Read it at {model.licence_url}"


def _accepted() -> bool:
    if not can_ask():
        raise UserError(
            "The model's licence and size have to be accepted", remedy="Add --yes to accept them without a question"
        )
    return agreed("Fetch it under these terms?")
