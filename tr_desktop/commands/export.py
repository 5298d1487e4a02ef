"""`tr-desktop export`: write a project or a saved result in any format; also for `find --export`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tr_desktop.commands import options
from tr_desktop.errors import UserError

if TYPE_CHECKING:
    from exporters.target import Guard
    from tr_desktop.library.store.catalog import Catalog
    from tr_desktop.moments import Moment


def add_commands(commands: Any) -> None:
    """Add `export` to the subparsers of `tr-desktop`."""
    export = commands.add_parser("export", help="write a project or a saved result in any export format")
    export.add_argument(
        "result",
        metavar="FILE.trproj|RESULT.json",
        type=Path,
        help="a project of the app, or the output of find --json",
    )
    export.add_argument("--to", metavar="OUT", type=Path, required=True, dest="export", help="the file to write")
    options.add_export(export)
    options.add_library(export)
    export.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from exporters.hand_off import check_format
    from tr_desktop import moment_json
    from tr_desktop.library.store.catalog import Catalog
    from tr_desktop.projects.file import SUFFIX
    from tr_desktop.projects.project import Project

    check_format(arguments.export, arguments.format)
    with Catalog(options.library_of(arguments)) as catalog:
        if arguments.result.suffix.lower() == SUFFIX:
            project = Project.load(arguments.result)
            moved = project.moved_files(catalog)
            project.relink(moved)
            for old, new in moved.items():
                print(f"{old} isn't there. Using the same content at {new}", file=sys.stderr)
            moments, name = project.moments(catalog.footage), project.name
        else:
            document = _saved_result(arguments.result)
            moments, name = moment_json.moments_of(document, catalog.footage), document["query"]
    write(moments, name, arguments)
    return options.OK


def check(name: str, arguments: argparse.Namespace) -> None:
    """Raise ExportError at once, before a long search, if an export called `name` can't be written as asked."""
    from exporters.hand_off import check_format, check_target
    from tr_desktop.library.relatives import Relatives

    check_format(arguments.export, arguments.format)
    with _catalog(arguments) as catalog:
        guard = _guard(catalog, arguments)
        Relatives(catalog, arguments.original_root)
        check_target(arguments.export, arguments.format, name=name, guard=guard)


def write(moments: Sequence[Moment], name: str, arguments: argparse.Namespace) -> None:
    """Export the moments with the options of `options.add_export`. Raises ExportError."""
    from exporters.hand_off import hand_off
    from tr_desktop.commands.progress import ClipBar
    from tr_desktop.library.relatives import Relatives

    with _catalog(arguments) as catalog, ClipBar() as bar:
        written = hand_off(
            moments,
            arguments.export,
            arguments.format,
            name=name,
            handles_s=arguments.handles,
            start_tc=arguments.start_tc,
            cfr=arguments.cfr,
            guard=_guard(catalog, arguments),
            relatives=Relatives(catalog, arguments.original_root),
            on_progress=bar.update,
        )
    for note in written.notes:
        print(note, file=sys.stderr)
    count = len(moments) - written.left_out
    counted = "1 moment" if count == 1 else f"{count} moments"
    print(f"Wrote {counted} to {', '.join(map(str, written.files))}", file=sys.stderr)


def _catalog(arguments: argparse.Namespace) -> Catalog:
    from tr_desktop.library.store.catalog import Catalog

    return Catalog(options.library_of(arguments))


def _guard(catalog: Catalog, arguments: argparse.Namespace) -> Guard:
    """What protects existing files."""
    from exporters.target import Guard
    from tr_desktop.library.kept_files import KeptFiles

    return Guard(KeptFiles(catalog), arguments.overwrite)


def _saved_result(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"The result can't be read: {error}", path=path) from error
