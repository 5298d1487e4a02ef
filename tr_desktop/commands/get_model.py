"""`tr-desktop models get`: the list of open models, and one of them fetched and added as a pack."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from tqdm import tqdm

from tr_desktop.commands.conversion import agreed, as_json, as_sentence, can_ask
from tr_desktop.commands.options import OK
from tr_desktop.errors import UserError

if TYPE_CHECKING:
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
    from tr_desktop.models.convert.catalogue import OPEN_MODELS, open_model
    from tr_desktop.models.convert.get import expect_ready, get_model

    if arguments.name is None:
        for model in OPEN_MODELS:
            print(json.dumps(dataclasses.asdict(model)) if arguments.json else _described(model))
        return OK
    model = open_model(arguments.name)
    precision = arguments.precision or model.precision
    expect_ready(model, precision)
    print(f"{_described(model)}\n    {_terms(model)}", file=sys.stderr)
    if not arguments.yes and not _accepted():
        print("Nothing was fetched.", file=sys.stderr)
        return OK
    with _Progress(arguments.json) as progress:
        try:
            pack = get_model(model, precision, progress.downloaded, progress.converted)
        except KeyboardInterrupt:
            print(f"\nWhat was fetched is kept; go on with: tr-desktop models get {model.name}", file=sys.stderr)
            raise
    if arguments.json:
        print(json.dumps({"pack": pack.name}))
    else:
        print(f"Added {pack.name}. Keep using it: tr-desktop models use {pack.name}")
    return OK


def _described(model: OpenModel) -> str:
    """Two lines about a model of the list."""
    return (
        f"{model.name:<16} download {_size(model.download_bytes)}, pack {_size(model.pack_bytes)} ({model.precision}),"
        f" {model.width} numbers a frame, {1 / model.mini_speed:.0f} × the time of mini"
        f"\n    languages: {model.languages}; {model.licence}{'' if model.commercial else ' (NO COMMERCIAL USE)'};"
        f" for {model.good_for}"
    )


def _terms(model: OpenModel) -> str:
    use = "" if model.commercial else "; it doesn't allow commercial use, such as in a paid edit"
    return f"Licence: {model.licence}{use}. Read it at {model.licence_url}"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.2f} GB"


def _accepted() -> bool:
    if not can_ask():
        raise UserError(
            "The model's licence and size have to be accepted", remedy="Add --yes to accept them without a question"
        )
    return agreed("Fetch it under these terms?")


class _Progress:
    """Shows the download and the conversion: a bar and lines on standard error, or JSON on standard output."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._bar: tqdm[NoReturn] | None = None
        self._hundredth = -1

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def downloaded(self, done_bytes: int, total_bytes: int) -> None:
        if self._json:
            hundredth = 100 * done_bytes // total_bytes
            if hundredth != self._hundredth:  # the client reports each piece; a reader needs no more than this
                self._hundredth = hundredth
                line = {
                    "stage": "download",
                    "done": done_bytes / total_bytes,
                    "done_bytes": done_bytes,
                    "total_bytes": total_bytes,
                    "text": f"{_size(done_bytes)} of {_size(total_bytes)}",
                }
                print(json.dumps(line), flush=True)
            return
        if self._bar is None:
            self._bar = tqdm(total=total_bytes, unit="B", unit_scale=True, file=sys.stderr, dynamic_ncols=True)
        self._bar.update(done_bytes - self._bar.n)

    def converted(self, progress: Progress) -> None:
        if self._json:
            as_json(progress)
        else:
            self.__exit__()
            as_sentence(progress)
