"""What `models add` and `models get` have in common: they ask first, and show how far they are."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, NoReturn

from tqdm import tqdm

if TYPE_CHECKING:
    import argparse

    from tr_desktop.models.convert.add import Progress
    from tr_desktop.models.convert.licence import Licence


def can_ask() -> bool:
    """Whether somebody can answer a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def agreed(question: str) -> bool:
    """Whether the answer to `question` is yes; the end of the input is a no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def ask_licence(licence: Licence, arguments: argparse.Namespace) -> None:
    """Show a licence that restricts use, and ask whether it is accepted unless --accept-licence says so already."""
    if licence.is_restricted:
        print(licence.shown, file=sys.stderr)
        if not arguments.accept_licence and can_ask():
            arguments.accept_licence = agreed("The licence restricts what the model may be used for. Use it?")


def as_json(progress: Progress) -> None:
    """Print a line of JSON on standard output."""
    print(json.dumps(vars(progress)), flush=True)


def as_sentence(progress: Progress) -> None:
    """Print a line of text on standard error."""
    print(f"{progress.done:4.0%}  {progress.text}", file=sys.stderr)


class BytesProgress:
    """Shows how many bytes of a long job are done: a bar on standard error, or JSON on standard output.

    stage: the job's word in the JSON.
    """

    def __init__(self, stage: str, as_json: bool) -> None:
        self._stage, self._json = stage, as_json
        self._bar: tqdm[NoReturn] | None = None
        self._hundredth = -1

    def __enter__(self) -> BytesProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, done_bytes: int, total_bytes: int) -> None:
        if self._json:
            hundredth = 100 * done_bytes // total_bytes
            if hundredth != self._hundredth:  # each piece is reported; a reader needs no more than this
                self._hundredth = hundredth
                line = {
                    "stage": self._stage,
                    "done": done_bytes / total_bytes,
                    "done_bytes": done_bytes,
                    "total_bytes": total_bytes,
                    "text": f"{size(done_bytes)} of {size(total_bytes)}",
                }
                print(json.dumps(line), flush=True)
            return
        if self._bar is None:
            self._bar = tqdm(total=total_bytes, unit="B", unit_scale=True, file=sys.stderr, dynamic_ncols=True)
        self._bar.update(done_bytes - self._bar.n)


def size(size_bytes: int) -> str:
    """In gigabytes, such as 4.30 GB."""
    return f"{size_bytes / 1e9:.2f} GB"
