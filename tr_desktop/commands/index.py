"""`tr-desktop index` and `tr-desktop watch`: make footage searchable, once or as it arrives."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tr_desktop.commands import last_guard, options
from tr_desktop.errors import UserError

if TYPE_CHECKING:
    from tr_desktop.library.filters import FootageFilter


def add_commands(commands: Any) -> None:
    """Add `index` and `watch` to the subparsers of `tr-desktop`."""
    index = commands.add_parser("index", help="make footage searchable")
    index.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="files or folders")
    index.add_argument(
        "--hardware", action="store_true", help="use hardware decoding if it matches software output and is faster"
    )
    index.add_argument("--status", action="store_true", help="show what can be searched already, and read nothing")
    index.add_argument("--retry", action="store_true", help="read the files again that an earlier run couldn't read")
    text = index.add_mutually_exclusive_group()
    text.add_argument("--no-text", action="store_true", help="don't read titles and signs in the pictures")
    text.add_argument(
        "--read-text", action="store_true", help="read all titles and signs, however long it takes; needs the extra ocr"
    )
    options.add_exclude(index)
    options.add_common(index)
    index.set_defaults(run=run_index)

    watch = commands.add_parser("watch", help="follow folders and index new footage until interrupted")
    watch.add_argument("paths", metavar="FOLDER", nargs="+", type=Path, help="folders to follow")
    watch.add_argument("--no-text", action="store_true", help="don't read titles and signs in the pictures")
    options.add_exclude(watch)
    options.add_common(watch)
    watch.set_defaults(run=run_watch)


def run_index(arguments: argparse.Namespace) -> int:
    from tr_desktop.commands import report
    from tr_desktop.commands.progress import IndexBar, TextBar
    from tr_desktop.library.index.screen_text import open_reader

    if arguments.status:
        with options.engine_of(arguments) as engine:
            print(report.coverage_text(engine.survey(arguments.paths).coverage))
        return options.OK
    if arguments.read_text:
        open_reader()  # an error is better before the footage is read
    with options.engine_of(arguments) as engine:
        with IndexBar() as bar:
            coverage = engine.index(
                arguments.paths,
                bar.update,
                hardware=arguments.hardware,
                footage_filter=_footage_filter(arguments),
                retry=arguments.retry,
            )
        print(report.coverage_text(coverage), file=sys.stderr)
        print(bar.summary(), file=sys.stderr)
        if not coverage.searched:
            raise UserError("Nothing there can be searched")
        if not arguments.no_text:
            with TextBar() as text_bar:
                count = engine.read_text(coverage, text_bar.update, everything=arguments.read_text)
            if count:
                print(_read(count), file=sys.stderr)
    return options.OK


def run_watch(arguments: argparse.Namespace) -> int:
    from tr_desktop.commands import report
    from tr_desktop.commands.progress import IndexBar
    from tr_desktop.library.index.isolated import read_isolated
    from tr_desktop.library.index.watch import watch_folders

    stop = threading.Event()
    print("Watching; press Ctrl-C to end.", file=sys.stderr)
    with options.engine_of(arguments) as engine, IndexBar() as bar:
        for coverage in watch_folders(
            arguments.paths,
            engine.catalog,
            engine.encoder,
            stop,
            bar.update,
            footage_filter=_footage_filter(arguments),
            on_note=bar.say,
            read=read_isolated,
            describe=last_guard.describe,
        ):
            bar.say(report.coverage_text(coverage))
            if not arguments.no_text:
                try:
                    if count := engine.read_text(coverage):
                        bar.say(_read(count))
                except (UserError, OSError) as error:  # such as a full disk; read again after the next change
                    bar.say(str(error))
    return options.OK


def _read(count: int) -> str:
    return f"Read the text in the pictures of {count} {'file' if count == 1 else 'files'}."


def _footage_filter(arguments: argparse.Namespace) -> FootageFilter:
    from tr_desktop.library.filters import FootageFilter

    return FootageFilter(exclude=tuple(arguments.exclude))
