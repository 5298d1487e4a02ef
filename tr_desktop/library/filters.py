"""Filters that limit a search. Files left out are listed with the reason, like all files not searched."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from tr_desktop.names import plain

LEFT_OUT = "left out: "  # how the reason begins for each file that the user's filters leave out


@dataclass(frozen=True)
class FootageFilter:
    """Limits on names, dates, lengths and sizes; a field that is None or empty limits nothing.

    name: a pattern such as A001*.mov for the file's name, or with a slash for its whole path, whatever its case; a name
    with brackets is also that very name. after, before: local time of the file's last change; before is exclusive.
    longest_s, shortest_s: seconds. height: pixels as shown, at least.
    exclude: patterns of files and folders that aren't even looked at (`index/exclusions.py`).
    """

    name: str = ""
    after: datetime | None = None
    before: datetime | None = None
    shortest_s: Fraction | None = None
    longest_s: Fraction | None = None
    height: int = 0
    exclude: tuple[str, ...] = ()

    def leaves_out_file(self, path: Path, stat: os.stat_result | None = None) -> str | None:
        """The reason not to index a file for this search, or None. stat: None for a missing file."""
        if self.name and not self._has_name(path):
            return f"left out: its name isn't {self.name}"
        return None if stat is None else self.leaves_out_date(stat.st_mtime_ns)

    def _has_name(self, path: Path) -> bool:
        pattern = plain(self.name.replace(os.sep, "/"))
        name = plain(path.as_posix() if "/" in pattern else path.name)
        return name == pattern or fnmatch.fnmatchcase(name, pattern)

    def leaves_out_date(self, mtime_ns: int) -> str | None:
        changed = mtime_ns / 1e9
        if self.after is not None and changed < self.after.timestamp():
            return f"left out: older than {self.after:%Y-%m-%d}"
        if self.before is not None and changed >= self.before.timestamp():
            return f"left out: not older than {self.before:%Y-%m-%d}"
        return None

    def leaves_out_footage(self, duration_s: Fraction, height: int) -> str | None:
        """The reason not to search indexed footage, or None."""
        if self.shortest_s is not None and duration_s < self.shortest_s:
            return f"left out: shorter than {float(self.shortest_s):g} s"
        if self.longest_s is not None and duration_s > self.longest_s:
            return f"left out: longer than {float(self.longest_s):g} s"
        if height < self.height:
            return f"left out: lower than {self.height} pixels"
        return None
