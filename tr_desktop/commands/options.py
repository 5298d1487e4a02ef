"""Options that several commands share, the types of their values, and exit statuses."""

from __future__ import annotations

import argparse
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from tr_desktop import paths

if TYPE_CHECKING:
    from tr_desktop.engine import Engine
    from tr_desktop.grounders.two_tower import RefinerKind

OK, NOT_CONFIDENT, USER_ERROR, INTERRUPTED = 0, 1, 2, 130


def add_library(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--library", metavar="DIR", type=Path, default=None, help="folder of the index")


def add_common(parser: argparse.ArgumentParser) -> None:
    """Library, model pack and device."""
    add_library(parser)
    parser.add_argument("--model", metavar="PACK", help="model pack: a name, folder or .trpack file")
    add_device(parser)


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="device for the models")


def add_footage_filter(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("footage filters")
    group.add_argument(
        "--name",
        metavar="PATTERN",
        default="",
        help="file name, such as 'A001*.mov', or whole path if it has a slash; case doesn't matter",
    )
    group.add_argument("--after", metavar="DATE", type=date, help="changed on this day or later, such as 2026-05-31")
    group.add_argument("--before", metavar="DATE", type=date, help="changed before this day")
    group.add_argument("--longer", metavar="SECONDS", type=seconds, help="at least this long")
    group.add_argument("--shorter", metavar="SECONDS", type=seconds, help="at most this long")
    group.add_argument("--height", metavar="PIXELS", type=positive, default=0, help="at least this high")


def add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        metavar="NAME",
        help="export format, if the file name doesn't show it; lossless, prores, dnxhr, h264 or hevc cut the moments"
        " into clips, in a folder OUT",
    )
    parser.add_argument("--start-tc", metavar="TC", default="01:00:00:00", help="where the exported timeline starts")
    parser.add_argument(
        "--cfr",
        action="store_true",
        help="convert the used parts of variable-frame-rate footage to a constant rate, in files beside OUT that the"
        " export refers to",
    )
    parser.add_argument(
        "--handles", metavar="SECONDS", type=seconds, default=Fraction(0), help="extra footage on both sides"
    )


def library_of(arguments: argparse.Namespace) -> Path:
    """The library's folder: the one given, or the user's own."""
    return arguments.library or paths.library_folder()


def pack_of(arguments: argparse.Namespace) -> str:
    """The model pack's name or path: the one given, or the one in use."""
    from tr_desktop.models.choice import default_pack

    return arguments.model or default_pack()


def engine_of(arguments: argparse.Namespace, refiner: RefinerKind | None = None) -> Engine:
    """The library and the model pack that the options of `add_common` name, opened. Raises UserError."""
    from tr_desktop.engine import open_engine

    return open_engine(library_of(arguments), pack_of(arguments), arguments.device, refiner)


def date(text: str) -> datetime:
    return datetime.fromisoformat(text)


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def seconds(text: str) -> Fraction:
    value = Fraction(text)
    if value < 0:
        raise ValueError(text)
    return value
