"""File names: compared as people read them, shown short but never for another file, and safe to print."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

# Marks that change the direction of what follows, which can make a name look like another one.
_DIRECTIONS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(name: str) -> str:
    """`name` without case and in one Unicode form: equal for names that are the same to a person."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def printable(name: str) -> str:
    """`name` without characters that move a terminal's cursor or that are no text; each is shown as its code."""
    return name if name.isprintable() else "".join(map(_shown, name))


def _shown(character: str) -> str:
    if unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") and character not in _DIRECTIONS:
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no text, as Python keeps it in a path
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode()


def short_names(paths: Iterable[Path], among: Iterable[Path] = ()) -> dict[Path, str]:
    """{path: name to show} for `paths`: the file's name, and as many of its folders as tell it apart.

    among: further paths that the names must not be taken for. The names are printable.
    """
    wanted = set(paths)
    depths = dict.fromkeys(wanted.union(among), 1)
    names = {path: _end(path, 1) for path in depths}
    colliding = set(names)
    while colliding:
        by_name: dict[str, list[Path]] = {}
        for path in colliding:
            by_name.setdefault(unicodedata.normalize("NFC", names[path]), []).append(path)
        same = (path for group in by_name.values() if len(group) > 1 for path in group)
        colliding = {path for path in same if depths[path] < len(path.parts)}
        for path in colliding:
            depths[path] += 1
            names[path] = _end(path, depths[path])
    return {path: names[path] for path in wanted}


def _end(path: Path, parts: int) -> str:
    return printable(str(Path(*path.parts[-parts:])))
