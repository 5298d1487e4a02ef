"""What `models add` and `models get` have in common: they ask first, and show how far a conversion is."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tr_desktop.models.convert.add import Progress


def can_ask() -> bool:
    """Whether somebody can answer a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def agreed(question: str) -> bool:
    """Whether the answer to `question` is yes; the end of the input is a no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def as_json(progress: Progress) -> None:
    """Print a line of JSON on standard output."""
    print(json.dumps(vars(progress)), flush=True)


def as_sentence(progress: Progress) -> None:
    """Print a line of text on standard error."""
    print(f"{progress.done:4.0%}  {progress.text}", file=sys.stderr)
