"""The licences of libraries in wheels and builds, from `libraries.csv`, and of packages that don't state theirs."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGES = {"tokenizers": "Apache-2.0"}  # its repository has it
QT = "Qt and PySide6"


@dataclass(frozen=True)
class Library:
    """names: a pattern for the names of its files, without "lib" and suffix. licence: SPDX. source: where to get it.

    holders: of the copyright, which some licences ask to name.
    """

    names: str
    name: str
    licence: str
    source: str
    holders: str


@cache
def libraries() -> dict[str, Library]:
    """By name."""
    with Path(__file__).with_name("libraries.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: Library(**row) for row in csv.DictReader(file)}


def library(stem: str) -> Library | None:
    """The library whose file is called lib`stem`.so, `stem`.dll or similar."""
    return next((each for each in libraries().values() if re.fullmatch(each.names, stem)), None)
