"""Names and queries made safe for formats of lines: no file name can add a line or break a column."""

from __future__ import annotations

import unicodedata

_BREAKING = {
    "Cc",
    "Cs",
    "Zl",
    "Zp",
}  # controls, lone surrogates of undecodable file names, line and paragraph separators


def one_line(text: str) -> str:
    """`text` without line breaks, tabs, other controls and what XML can't hold; each is a space, all else stays."""
    return "".join(" " if unicodedata.category(char) in _BREAKING or char in "\ufffe\uffff" else char for char in text)


def ascii_line(text: str) -> str:
    """`one_line` in ASCII: accents are dropped, and what has no ASCII likeness becomes `_`."""
    spread = unicodedata.normalize("NFKD", one_line(text))
    bare = "".join(char for char in spread if not unicodedata.combining(char))
    return "".join(char if char.isascii() else "_" for char in bare)


def shortened(text: str, length: int) -> str:
    """`text` with runs of space closed up, cut to `length` characters with `...` at the end where it is longer."""
    closed = " ".join(text.split())
    return closed if len(closed) <= length else closed[: length - 3].rstrip() + "..."
