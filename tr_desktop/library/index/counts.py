"""How many files are searched, being read, waiting or can't be searched: the one account that every place shows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tr_desktop.library.index.coverage import NOT_YET, Coverage
from tr_desktop.library.index.walk import NOT_FOOTAGE


@dataclass(frozen=True)
class Counts:
    """Numbers of files; each file counts once, except in `offline`.

    whole: searched, and read to their end. partial: searched as far as they are read. coarse: searched by a first
    look, not yet read to their end. waiting: not indexed yet.
    refused: can't be searched, or left out by a filter. other: not footage, such as subtitles and documents.
    offline: searched files whose drive is missing.
    """

    whole: int = 0
    partial: int = 0
    waiting: int = 0
    refused: int = 0
    other: int = 0
    offline: int = 0
    coarse: int = 0

    @property
    def searchable(self) -> int:
        return self.whole + self.partial + self.coarse

    @property
    def footage(self) -> int:
        """All files but those that aren't footage."""
        return self.searchable + self.waiting + self.refused


def count(coverage: Coverage, within: Path | None = None) -> Counts:
    """The numbers of a coverage, or of its files that are `within` or below it."""
    # Compared as text: a library has tens of thousands of files.
    here, below = ("", "") if within is None else (str(within), os.path.join(within, ""))  # noqa: PTH118

    def is_counted(path: Path) -> bool:
        return within is None or (text := str(path)) == here or text.startswith(below)

    searched = sum(is_counted(path) for path in coverage.searched)
    partial = sum(is_counted(path) for path in coverage.incomplete)
    coarse = sum(is_counted(path) for path in coverage.coarse)
    waiting = refused = other = 0
    for skipped in filter(lambda each: is_counted(each.path), coverage.skipped):
        if skipped.reason == NOT_YET:
            waiting += 1
        elif is_other(coverage, skipped.path, skipped.reason):
            other += 1
        else:
            refused += 1
    offline = sum(is_counted(path) for path in coverage.offline)
    return Counts(searched - partial - coarse, partial, waiting, refused, other, offline, coarse)


def is_other(coverage: Coverage, path: Path, reason: str) -> bool:
    """Whether a skipped file isn't footage at all."""
    return path in coverage.subtitles or reason in NOT_FOOTAGE
