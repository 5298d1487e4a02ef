"""The `tr-desktop` command: `find`, `index`, `watch`, `export`, `app`, `doctor`, `models`, `train`, `evaluate`.

Results go to standard output; progress and messages to standard error. Exit status: 0 with at least one confident
moment (or the job done), 1 with none, 2 for what the user can mend, 130 when interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tr_desktop.errors import UserError

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder
    from tr_desktop.moments import Moment

OK, NOT_CONFIDENT, USER_ERROR, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file name need not be text
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        return status
    except UserError as error:
        print(f"tr-desktop: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("\ntr-desktop: interrupted; what is indexed and the clips that were whole are kept", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        # A thread may still be inside a decoder or a model, which abort when the interpreter is taken down under them.
        # What is stored is stored in whole transactions, so there is nothing to tidy up.
        os._exit(INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tr-desktop", description="Type what you remember, get the moment in your own footage."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    find = commands.add_parser("find", help="search footage for a sentence; what is new there is indexed first")
    find.add_argument("query", metavar="QUERY", help="what you remember, such as: a dog jumps over a fence")
    find.add_argument("paths", metavar="PATH", nargs="*", type=Path, help="files or folders (none: a generated clip)")
    find.add_argument("--top", metavar="N", type=_positive, default=None, help="how many moments (default 5)")
    find.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    find.add_argument("--export", metavar="OUT", type=Path, help="write the moments for an editor, such as hits.edl")
    _add_export(find)
    find.add_argument("--no-refine", action="store_true", help="answer with the rough segments")
    find.add_argument("--steps", metavar="K", type=_steps, default=None, help="refinement steps, 0 to 8 (default 3)")
    find.add_argument("--refiner", choices=("none", "heuristic", "learned"), help="what takes the steps, to compare")
    find.add_argument(
        "--like",
        metavar="EXAMPLE",
        help="find what looks like a picture, or like footage at a time, MEDIA@SECONDS; there is no QUERY then",
    )
    _add_only(find)
    _add_common(find)
    find.set_defaults(run=_find)

    index_footage = commands.add_parser("index", help="make footage searchable")
    index_footage.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="files or folders")
    index_footage.add_argument(
        "--hardware", action="store_true", help="decode on a graphics device where one proves to be right and faster"
    )
    index_footage.add_argument(
        "--read-text", action="store_true", help="also read titles and signs off the pictures; slow"
    )
    _add_common(index_footage)
    index_footage.set_defaults(run=_index)

    watch_folders = commands.add_parser("watch", help="follow folders and index what is new, until interrupted")
    watch_folders.add_argument("paths", metavar="FOLDER", nargs="+", type=Path, help="folders to follow")
    _add_common(watch_folders)
    watch_folders.set_defaults(run=_watch)

    export = commands.add_parser("export", help="write a project or a saved result in any export format")
    export.add_argument(
        "result", metavar="FILE.trproj|RESULT.json", type=Path, help="a project of the app, or what find --json printed"
    )
    export.add_argument("--to", metavar="OUT", type=Path, required=True, dest="export", help="the file to write")
    _add_export(export)
    export.add_argument("--library", metavar="DIR", type=Path, default=None, help="where the index is kept")
    export.set_defaults(run=_export_saved)

    app = commands.add_parser("app", help="the desktop app: search, watch the refinement, decide, export")
    app.add_argument("paths", metavar="PATH|FILE.trproj", nargs="*", type=Path, help="footage to search, or a project")
    app.add_argument("--settings", metavar="DIR", type=Path, default=None, help="where the app's settings are kept")
    _add_common(app)
    app.set_defaults(run=_app)

    doctor = commands.add_parser("doctor", help="say what is installed and run a self-test")
    _add_common(doctor)
    doctor.set_defaults(run=_doctor)

    from tr_desktop.commands import models
    from tr_desktop.training import commands as training

    models.add_commands(commands)
    training.add_commands(commands)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--library", metavar="DIR", type=Path, default=None, help="where the index is kept")
    parser.add_argument("--model", metavar="PACK", help="model pack: a name, folder or .trpack file")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="what runs the models")


def _add_only(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which footage")
    group.add_argument(
        "--name", metavar="PATTERN", default="", help="such as 'A001*.mov'; with a slash, of the whole path"
    )
    group.add_argument("--after", metavar="DATE", type=_date, help="changed on this day or later, such as 2026-05-31")
    group.add_argument("--before", metavar="DATE", type=_date, help="changed before this day")
    group.add_argument("--longer", metavar="SECONDS", type=_seconds, help="at least this long")
    group.add_argument("--shorter", metavar="SECONDS", type=_seconds, help="at most this long")
    group.add_argument("--height", metavar="PIXELS", type=_positive, default=0, help="at least this high")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        metavar="NAME",
        help="the export's format, when its file name doesn't say; lossless, prores, dnxhr, h264 or hevc cut the"
        " moments into clips, in a folder OUT",
    )
    parser.add_argument("--start-tc", metavar="TC", default="01:00:00:00", help="where the exported timeline starts")
    parser.add_argument(
        "--cfr",
        action="store_true",
        help="of footage of variable rate, make the parts used constant, in files beside OUT that it refers to",
    )
    parser.add_argument("--handles", metavar="SECONDS", type=_seconds, default=Fraction(0), help="extra on both sides")


# The rooms below are imported when a command needs them, so that `--help` and errors come at once.


def _find(arguments: argparse.Namespace) -> int:
    from tr_desktop import grounding
    from tr_desktop.commands import report
    from tr_desktop.commands.progress import IndexBar
    from tr_desktop.grounders.two_tower import RefinerKind
    from tr_desktop.library.filters import FootageFilter
    from tr_desktop.library.store.catalog import Catalog

    if arguments.export is not None:
        _check_export(arguments)
    encoder = _encoder(arguments)
    query, paths = arguments.query, arguments.paths
    if arguments.like is not None:
        query, paths = f"like {arguments.like}", [Path(query), *paths]
    paths = paths or [_sample_clip()]
    footage_filter = FootageFilter(
        name=arguments.name,
        after=arguments.after,
        before=arguments.before,
        shortest_s=arguments.longer,
        longest_s=arguments.shorter,
        height=arguments.height,
    )
    steps = grounding.DEFAULT_STEPS if arguments.steps is None else arguments.steps
    with Catalog(arguments.library or _default_library()) as catalog, IndexBar() as bar:
        answer = grounding.find(
            query,
            paths,
            catalog,
            encoder,
            top=arguments.top or grounding.DEFAULT_TOP,
            steps=0 if arguments.no_refine else steps,
            refiner=None if arguments.refiner is None else RefinerKind(arguments.refiner),
            example=arguments.like,
            footage_filter=footage_filter,
            on_progress=bar.update,
        )
    if arguments.json:
        print(json.dumps(report.as_json(answer), indent=1))
    else:
        print(report.as_text(answer))
    print(report.coverage_text(answer.coverage), file=sys.stderr)
    if arguments.export is not None:
        _export(answer.moments, answer.query, arguments)
    return OK if any(moment.confident for moment in answer.moments) else NOT_CONFIDENT


def _export_saved(arguments: argparse.Namespace) -> int:
    from tr_desktop.commands import report
    from tr_desktop.library.store.catalog import Catalog
    from tr_desktop.projects.project import SUFFIX, Project

    _check_export(arguments)
    with Catalog(arguments.library or _default_library()) as catalog:
        if arguments.result.suffix.lower() == SUFFIX:
            project = Project.load(arguments.result)
            moments, name = project.moments(catalog), project.name
        else:
            document = _saved_result(arguments.result)
            moments, name = report.moments_from_json(document, catalog), document["query"]
    _export(moments, name, arguments)
    return OK


def _saved_result(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"The result can't be read: {error}", path=path) from error


def _check_export(arguments: argparse.Namespace) -> None:
    """Say at once, before a long search, that there is no such format."""
    from exporters.hand_off import check_format

    check_format(arguments.export, arguments.format)


def _export(moments: Sequence[Moment], name: str, arguments: argparse.Namespace) -> None:
    from exporters.hand_off import hand_off
    from tr_desktop.commands.progress import ClipBar

    with ClipBar() as bar:
        written = hand_off(
            moments,
            arguments.export,
            arguments.format,
            name=name,
            handles_s=arguments.handles,
            start_tc=arguments.start_tc,
            cfr=arguments.cfr,
            on_progress=bar.update,
        )
    for note in written.notes:
        print(note, file=sys.stderr)
    counted = "1 moment" if len(moments) == 1 else f"{len(moments)} moments"
    print(f"Wrote {counted} to {', '.join(map(str, written.files))}", file=sys.stderr)


def _index(arguments: argparse.Namespace) -> int:
    from tr_desktop.commands import report
    from tr_desktop.commands.progress import IndexBar, TextBar
    from tr_desktop.library.index.indexer import index_footage
    from tr_desktop.library.index.screen_text import open_reader, read_screen_text
    from tr_desktop.library.store.catalog import Catalog

    reader = open_reader() if arguments.read_text else None
    encoder = _encoder(arguments)
    with Catalog(arguments.library or _default_library()) as catalog:
        with IndexBar() as bar:
            coverage = index_footage(arguments.paths, catalog, encoder, bar.update, hardware=arguments.hardware)
        print(report.coverage_text(coverage), file=sys.stderr)
        print(bar.summary(), file=sys.stderr)
        if not coverage.searched:
            raise UserError("Nothing there can be searched")
        if reader is not None:
            with TextBar() as text_bar:
                count = read_screen_text(coverage, catalog, reader, text_bar.update)
            print(f"Read the text in the pictures of {count} files.", file=sys.stderr)
    return OK


def _watch(arguments: argparse.Namespace) -> int:
    import threading

    from tr_desktop.commands import report
    from tr_desktop.commands.progress import IndexBar
    from tr_desktop.library.index.watch import watch_folders
    from tr_desktop.library.store.catalog import Catalog

    encoder, stop = _encoder(arguments), threading.Event()
    print("Watching; end with Ctrl-C.", file=sys.stderr)
    with Catalog(arguments.library or _default_library()) as catalog, IndexBar() as bar:
        for coverage in watch_folders(arguments.paths, catalog, encoder, stop, bar.update):
            bar.say(report.coverage_text(coverage))
    return OK


def _app(arguments: argparse.Namespace) -> int:
    from tr_desktop.models.choice import default_pack

    try:
        from tr_desktop.app.shell.main import run
    except ImportError as error:  # Qt isn't installed, or lacks a library of the system
        raise UserError(
            f"The app's window can't be opened: {error}",
            remedy="Install it with: pip install 'tr-desktop[app]', or start it with: python3 run.py app",
        ) from error
    status = run(
        arguments.paths,
        settings_folder=arguments.settings,
        library=arguments.library,
        pack=arguments.model or default_pack(),
        device=arguments.device,
    )
    if status:
        os._exit(OK)  # a thread is stuck in a slow drive or a decoder, as after an interrupt
    return OK


def _doctor(arguments: argparse.Namespace) -> int:
    from tr_desktop.commands.doctor import examine
    from tr_desktop.models.choice import default_pack

    model = arguments.model or default_pack()
    return OK if examine(model, arguments.device, arguments.library or _default_library()) else USER_ERROR


def _encoder(arguments: argparse.Namespace) -> Encoder:
    from tr_desktop.models.choice import default_pack
    from tr_desktop.models.encoder import Encoder
    from tr_desktop.models.pack import load_pack

    return Encoder(load_pack(arguments.model or default_pack()), arguments.device)


def _default_library() -> Path:
    from platformdirs import user_data_path

    return user_data_path("TimeRefine", appauthor=False)


def _sample_clip() -> Path:
    from tr_desktop.footage.sample import make_sample

    path = _default_library() / "sample" / "sample.mp4"
    if not path.exists():
        print("No footage given: making a sample clip…", file=sys.stderr)
        make_sample(path)
    print(f"Searching the sample clip {path}", file=sys.stderr)
    return path


def _date(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def _steps(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 8:
        raise ValueError(text)
    return value


def _seconds(text: str) -> Fraction:
    value = Fraction(text)
    if value < 0:
        raise ValueError(text)
    return value


if __name__ == "__main__":
    sys.exit(main())
