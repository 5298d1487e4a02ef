"""The licences of this program and of all that it comes with: what the build wrote, or of the environment that runs."""

from __future__ import annotations

from pathlib import Path

from tr_desktop.errors import UserError
from tr_desktop.this_program import is_frozen

WRITTEN = Path(__file__).with_name("THIRD-PARTY.txt")
"""The list in a frozen build: its packages know their names and versions only, so it is written when it is built."""


def text(*, with_texts: bool = True) -> str:
    """The list, and with_texts: the licences' texts after it. Raises UserError for a build that has none."""
    from tr_desktop.licences.listing import TEXTS, listing

    if WRITTEN.is_file():
        written = WRITTEN.read_text(encoding="utf-8")
        return written if with_texts else written.partition(TEXTS)[0]
    if is_frozen():
        raise UserError("This build has no list of licences", remedy="Install TimeRefine again")
    return listing(with_texts=with_texts).text
