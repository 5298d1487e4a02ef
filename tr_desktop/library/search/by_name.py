"""Files whose names, or folders' names, are what is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tr_desktop.library.index.coverage import Coverage
from tr_desktop.library.index.walk import absolute_path
from tr_desktop.library.search.alike import asked_of, look_in, words_of
from tr_desktop.library.search.by_screen import chance

_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class NamedFile:
    """A file that a query may name. name: its path below the searched folder. chance: that the file is meant, and any
    of its moments will do."""

    path: Path
    name: str
    chance: float


def named_files(query: str, paths: Sequence[Path], coverage: Coverage) -> list[NamedFile]:
    """The searched files that have a word of `query` in their names below `paths`, likeliest first; none whose name has
    a term to leave out."""
    asked = asked_of(query)
    if not asked.words:
        return []
    folders = [absolute_path(path) for path in paths]
    files = list(coverage.media.values())
    names = [_below(path, folders) for path in files]
    words = [words_of(_CAMEL_CASE.sub(" ", name)) for name in names]
    found = look_in(words, asked.words)
    # What the name doesn't say has to be in the picture.
    chances = [each.share * chance(each, asked.is_for_text, len(files)) for each in found]
    named = (NamedFile(*each) for each in zip(files, names, chances, strict=True))
    likely = (each for each, said in zip(named, words, strict=True) if each.chance > 0 and not asked.leaves_out(said))
    return sorted(likely, key=lambda each: -each.chance)


def _below(path: Path, folders: Sequence[Path]) -> str:
    """The name of a file below the searched folder that it is in; of a file that was given, its own name."""
    beside = [path.relative_to(folder) for folder in folders if folder != path and path.is_relative_to(folder)]
    return str(min(beside, key=lambda name: len(name.parts), default=Path(path.name)).with_suffix(""))
