"""`tr-desktop serve`: let plugins and scripts on this machine ask, while it runs."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tr_desktop import paths
from tr_desktop.commands import options
from tr_desktop.errors import UserError
from tr_desktop.this_program import how_to_get

if TYPE_CHECKING:
    from tr_desktop.engine import Engine
    from tr_desktop.serving.desk import Desk

_NAP_S = 0.5  # a signal that another thread receives is noticed at the end of a nap


def add_commands(commands: Any) -> None:
    """Add `serve` to the subparsers of `tr-desktop`."""
    serve = commands.add_parser(
        "serve",
        help="let plugins and scripts on this machine search, until you press Ctrl-C",
        description="Answers on the loopback address alone: other machines can't reach it. Nothing new is indexed.",
    )
    add_folders(serve)
    serve.add_argument(
        "--port", metavar="N", type=_port, help="port to listen on (default: the first free one that plugins know)"
    )
    serve.add_argument("--pair", action="store_true", help="show a code to enter in a plugin, which pairs it")
    options.add_common(serve)
    serve.set_defaults(run=run)


def add_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", type=Path, help="files or folders to search (none: all of the library)"
    )


def run(arguments: argparse.Namespace) -> int:
    pairing, server_of = _serving()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with options.engine_of(arguments) as engine:
        engine.warm_up()
        server = server_of(desk_of(engine, arguments.paths), pairing)
        try:
            port = server.start() if arguments.port is None else server.start([arguments.port])
            print(f"Listening on http://127.0.0.1:{port} – end with Ctrl-C", flush=True)
            if arguments.pair:
                print(f"Code for a plugin, good for ten minutes: {pairing.new_code()}", flush=True)
            while True:
                time.sleep(_NAP_S)  # on Windows, Ctrl-C ends this but not a wait for an event
        except KeyboardInterrupt:
            print("Stopped listening", file=sys.stderr)
        finally:
            has_ended = server.stop()
        if not has_ended:
            _end_at_once()
    return options.OK


def _end_at_once() -> NoReturn:
    """A thread is still inside a decoder or a model, which abort if the interpreter ends under them."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(options.OK)


def _serving() -> tuple[Any, Callable[..., Any]]:
    try:
        from tr_desktop.serving.pairing import Pairing
        from tr_desktop.serving.server import Server
    except ModuleNotFoundError as error:
        raise UserError(f"The local API needs {error.name}", remedy=how_to_get("api")) from error
    return Pairing(paths.settings_folder()), Server


def desk_of(engine: Engine, folders: Sequence[Path]) -> Desk:
    """The desk of an open library that searches `folders`, or all that the library knows."""
    from tr_desktop.library.index.walk import absolute_path
    from tr_desktop.serving.desk import Desk

    absolute = [absolute_path(path) for path in folders]
    return Desk(lambda: engine, lambda: absolute or engine.catalog.paths(), paths.outbox_folder())


def _port(text: str) -> int:
    if not (text.isdecimal() and 1024 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 1024 to 65535")
    return int(text)
