"""Names and queries made safe for line-based formats: no file name can add a line or break a column."""

from __future__ import annotations

import unicodedata

# Unicode categories: controls, lone surrogates of undecodable file names, line and paragraph separators.
_BREAKING = {"Cc", "Cs", "Zl", "Zp"}


def one_line(text: str) -> str:
    """`text` with a space in place of each line break, tab, other control and character that XML can't hold."""
    return "".join(" " if unicodedata.category(char) in _BREAKING or char in "\ufffe\uffff" else char for char in text)


def ascii_line(text: str) -> str:
    """`one_line` in ASCII: accents are dropped, other characters become `_`."""
    spread = unicodedata.normalize("NFKD", one_line(text))
    bare = "".join(char for char in spread if not unicodedata.combining(char))
    return "".join(char if char.isascii() else "_" for char in bare)


def shortened(text: str, length: int) -> str:
    """`text` with runs of spaces collapsed, cut to `length` characters with `...` at the end if it is longer."""
    closed = " ".join(text.split())
    return closed if len(closed) <= length else closed[: length - 3].rstrip() + "..."
