"""`tr-desktop export`: write a project or a saved result in any format; also for `find --export`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tr_desktop.commands import options
from tr_desktop.errors import ExportError, UserError
from tr_desktop.names import printable

if TYPE_CHECKING:
    from exporters.target import Guard
    from tr_desktop.library.store.catalog import Catalog
    from tr_desktop.moments import Moment
    from tr_desktop.projects.decisions import Decision

_MAX_NAMED = 5  # selects with rough edges


def add_commands(commands: Any) -> None:
    """Add `export` to the subparsers of `tr-desktop`."""
    export = commands.add_parser("export", help="write a project or a saved result in any export format")
    add_source(export)
    export.add_argument("--to", metavar="OUT", type=Path, required=True, dest="export", help="the file to write")
    options.add_export(export)
    options.add_library(export)
    export.set_defaults(run=run)


def add_source(parser: argparse.ArgumentParser) -> None:
    """What `moments_of` reads."""
    parser.add_argument(
        "result",
        metavar="FILE.trproj|RESULT.json",
        type=Path,
        help="a project of the app, or the output of find --json",
    )


def run(arguments: argparse.Namespace) -> int:
    from exporters.hand_off import check_format

    check_format(arguments.export, arguments.format)
    with _catalog(arguments) as catalog:
        moments, name = moments_of(arguments.result, catalog)
    write(moments, name, arguments)
    return options.OK


def moments_of(source: Path, catalog: Catalog) -> tuple[list[Moment], str]:
    """The moments of a project or of a saved result, and its name. UserError: it can't be read."""
    from tr_desktop import moment_json
    from tr_desktop.projects.file import SUFFIX
    from tr_desktop.projects.project import Project

    if source.suffix.lower() != SUFFIX:
        document = _saved_result(source)
        return moment_json.moments_of(document, catalog.footage), document["query"]
    project = Project.load(source)
    moved = project.moved_files(catalog)
    project.relink(moved)
    for old, new in moved.items():
        print(f"{old} isn't there. Using the same content at {new}", file=sys.stderr)
    if rough := [select for select in project.selects if select.is_unfinished]:
        print(_rough_edges(rough), file=sys.stderr)
    return project.moments(catalog.footage), project.name


def _rough_edges(selects: Sequence[Decision]) -> str:
    """Which selects were accepted and saved before their search looked closer; refining them needs the model."""
    names = [printable(each.name or each.query) for each in selects[:_MAX_NAMED]]
    more = f" and {len(selects) - _MAX_NAMED} more" if len(selects) > _MAX_NAMED else ""
    return f"Rough edges, not refined yet: {', '.join(names)}{more}. The app refines them when it opens the project."


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
    """Export the moments with the options of `options.add_export`. ExportError, also if only some were written."""
    from exporters.clips import WAYS
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
    failed = len(written.failures) if arguments.format in WAYS else 0
    count = len(moments) - written.left_out - failed
    print(f"Wrote {counted(count)} to {', '.join(map(str, written.files))}", file=sys.stderr)
    if written.failures:
        raise ExportError("\n".join(("Not everything could be exported as asked:", *written.failures)))


def counted(count: int) -> str:
    return "1 moment" if count == 1 else f"{count} moments"


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
