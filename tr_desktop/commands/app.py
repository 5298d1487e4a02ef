"""`tr-desktop app`: the desktop app."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from tr_desktop.commands import options
from tr_desktop.errors import UserError
from tr_desktop.this_program import how_to_get


def add_commands(commands: Any) -> None:
    """Add `app` to the subparsers of `tr-desktop`."""
    app = commands.add_parser("app", help="open the desktop app: search, refine, decide, export")
    app.add_argument("paths", metavar="PATH|FILE.trproj", nargs="*", type=Path, help="footage to search, or a project")
    app.add_argument("--settings", metavar="DIR", type=Path, default=None, help="folder of the app's settings")
    options.add_common(app)
    app.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    pack = options.pack_of(arguments)
    try:
        from tr_desktop.app.shell.main import run as run_app
    except ModuleNotFoundError as error:
        raise UserError(f"The app's window can't be opened: {error}", remedy=how_to_get("app")) from error
    except ImportError as error:
        raise UserError(
            f"The app's window can't be opened: {error}",
            remedy="Qt needs this library: install it with the system's package manager",
        ) from error
    status = run_app(
        arguments.paths,
        settings_folder=arguments.settings,
        library=arguments.library,
        pack=pack,
        device=arguments.device,
    )
    if status:
        os._exit(options.OK)  # a thread is stuck in a slow drive or a decoder, as after an interrupt
    return options.OK
