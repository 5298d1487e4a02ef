"""`tr-desktop library forget | prune | exclude | check | repair`: look after the library."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tr_desktop.commands import options
from tr_desktop.errors import PackError, UserError


def add_commands(commands: Any) -> None:
    """Add `library` to the subparsers of `tr-desktop`."""
    actions = commands.add_parser("library", help="forget footage, leave names out, check and repair").add_subparsers(
        required=True, metavar="ACTION"
    )
    forget = actions.add_parser("forget", help="drop files or folders from the library; the footage itself stays")
    forget.add_argument(
        "paths", metavar="PATH", nargs="+", type=Path, help="files or folders, whether they exist or not"
    )
    prune = actions.add_parser("prune", help="drop deleted files; files on drives that aren't plugged in are kept")
    prune.add_argument(
        "--models", action="store_true", help="also drop the index of models that aren't installed, to free its space"
    )
    exclude = actions.add_parser(
        "exclude", help="set the names that every index and search leaves out; without PATTERN, show them"
    )
    exclude.add_argument(
        "patterns", metavar="PATTERN", nargs="*", help="such as Cache or '*.tmp', or a whole path if it has a slash"
    )
    exclude.add_argument("--none", action="store_true", help="leave nothing out any more")
    check = actions.add_parser("check", help="look for damage; exit status 2 if there is any")
    repair = actions.add_parser("repair", help="keep what can be read; the next index run reads the rest again")
    for parser, run in ((forget, _forget), (prune, _prune), (exclude, _exclude), (check, _check), (repair, _repair)):
        options.add_library(parser)
        parser.set_defaults(run=run)


def _forget(arguments: argparse.Namespace) -> int:
    from tr_desktop.library import upkeep
    from tr_desktop.library.index.walk import absolute_path

    paths = [absolute_path(path) for path in arguments.paths]
    forgotten = upkeep.forget(options.library_of(arguments), paths)
    if not forgotten:
        raise UserError("The library knows no such file", path=paths[0], remedy="Check the path and try again")
    _print_files("Forgot", forgotten)
    return options.OK


def _prune(arguments: argparse.Namespace) -> int:
    from tr_desktop.library import upkeep

    library = options.library_of(arguments)
    unused = []
    try:
        installed = _installed_packs()
        unused = [index for index in upkeep.models(library) if index.pack not in installed]
    except PackError:  # its index can't be told from those of models that aren't installed
        if arguments.models:
            raise
    _print_files("Dropped", upkeep.prune(library, [index.pack for index in unused] if arguments.models else ()))
    if unused:
        names = ", ".join(f"{index.pack[:12]} of {_count(index.files)}" for index in unused)
        size_mb = f"{sum(index.size_bytes for index in unused) / 1e6:.1f} MB"
        if arguments.models:
            print(f"Dropped the index of models that aren't installed ({names}). {size_mb} are free.", file=sys.stderr)
        else:
            print(
                f"The index of models that aren't installed ({names}) takes {size_mb}. Drop it with: tr-desktop library"
                " prune --models",
                file=sys.stderr,
            )
    return options.OK


def _installed_packs() -> set[str]:
    """sha256 of every pack that was ever chosen, the one in use among them. Raises PackError if one can't be opened."""
    from tr_desktop.models.choice import default_pack, known_packs
    from tr_desktop.models.pack import load_pack

    return {load_pack(pack).sha256 for pack in dict.fromkeys((*known_packs(), default_pack()))}


def _exclude(arguments: argparse.Namespace) -> int:
    from tr_desktop.library.store.catalog import Catalog

    with Catalog(options.library_of(arguments)) as catalog:
        if arguments.patterns or arguments.none:
            catalog.places.set_exclusions(arguments.patterns)
        patterns = catalog.places.exclusions()
    print("\n".join(patterns) if patterns else "Nothing is left out.")
    return options.OK


def _check(arguments: argparse.Namespace) -> int:
    from tr_desktop.library import upkeep

    problems = upkeep.check(options.library_of(arguments))
    for problem in problems:
        print(problem)
    print("Repair it with: tr-desktop library repair" if problems else "The library is whole.")
    return options.USER_ERROR if problems else options.OK


def _repair(arguments: argparse.Namespace) -> int:
    from tr_desktop.library import upkeep

    repaired = upkeep.repair(options.library_of(arguments))
    if repaired.copy is not None:
        print(f"Rebuilt the database from the rows that can be read. The damaged one is {repaired.copy}")
    if repaired.dropped:
        print(f"Dropped the damaged index of {_count(repaired.dropped)}.")
    if repaired.copy is not None or repaired.dropped:
        print("The next index run reads again what is missing.")
    else:
        print("The library is whole; nothing was changed.")
    return options.OK


def _print_files(did: str, paths: Sequence[Path]) -> None:
    for path in paths:
        print(path)
    print(f"{did} {_count(len(paths))}.", file=sys.stderr)


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"
