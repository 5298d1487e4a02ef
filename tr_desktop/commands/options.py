"""Options that several commands share, the types of their values, and exit statuses."""

from __future__ import annotations

import argparse
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from tr_desktop import paths
from tr_desktop.models.devices import AUTO, CHOICES

if TYPE_CHECKING:
    from tr_desktop.engine import Engine
    from tr_desktop.grounders.two_tower import RefinerKind

OK, NOT_CONFIDENT, USER_ERROR, BUG, INTERRUPTED, NOBODY_READS = 0, 1, 2, 3, 130, 141

ALL = "all"

_MOST = 10**9  # of anything; more is a slip of the finger, and some libraries can't count that far


def add_library(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--library", metavar="DIR", type=Path, default=None, help="folder of the index")


def add_common(parser: argparse.ArgumentParser) -> None:
    """Library, model pack and device."""
    add_library(parser)
    parser.add_argument("--model", metavar="PACK", help="model pack: a name, folder or .trpack file")
    add_device(parser)


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device",
        choices=CHOICES,
        default=AUTO,
        help="device for the models; auto takes the fastest that works (see tr-desktop doctor)",
    )


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
    add_exclude(group)


def add_exclude(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--exclude",
        metavar="PATTERN",
        action="append",
        default=[],
        help="leave out files and folders of this name, such as 'Cache' or '*.tmp'; may be repeated (hidden ones, the"
        " trash and folders of the system are left out unless you name them)",
    )


def add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        metavar="NAME",
        help="export format, if the file name doesn't show it (if it holds one frame rate, and the footage has several,"
        " each further rate gets a file beside OUT: hits.edl, hits.25fps.edl); prores, dnxhr, h264 or hevc cut the"
        " moments into exact clips, in a folder OUT; smart cuts H.264 and HEVC as exactly, and encodes only the"
        " frames at the edges; lossless copies them without encoding, from the keyframe before a moment to the one"
        " after it",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="let a list replace an existing file; media, projects and files of the library are never replaced",
    )
    parser.add_argument("--start-tc", metavar="TC", default="01:00:00:00", help="where the exported timeline starts")
    parser.add_argument(
        "--cfr",
        action="store_true",
        help="convert the used parts of variable-frame-rate footage to a constant rate, in files beside OUT that the"
        " export refers to",
    )
    add_original_root(parser)
    add_handles(parser)


def add_original_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--original-root",
        metavar="FOLDER",
        type=Path,
        help="the folder of the originals, if you searched proxies: the export refers to the original of the same name,"
        " proven by timecode and length unless it is camera raw",
    )


def add_handles(parser: argparse.ArgumentParser) -> None:
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
    value = datetime.fromisoformat(text)
    try:
        value.timestamp()
    except (OverflowError, OSError) as error:  # the first and last days of the calendar, in some time zones
        raise ValueError(text) from error
    return value


def positive(text: str) -> int:
    value = int(text)
    if not 1 <= value <= _MOST:
        raise ValueError(text)
    return value


def positive_or_all(text: str) -> int | str:
    try:
        return ALL if text == ALL else positive(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 on nor {ALL}") from error


def seconds(text: str) -> Fraction:
    if "/" not in text and not 0 <= float(text) <= _MOST:  # as a fraction, 1e999999999 would fill the memory
        raise ValueError(text)
    try:
        value = Fraction(text)
    except ZeroDivisionError as error:
        raise ValueError(text) from error
    if not 0 <= value <= _MOST:
        raise ValueError(text)
    return value
