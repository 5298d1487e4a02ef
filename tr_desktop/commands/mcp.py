"""`tr-desktop mcp`: tools for an agent program on this machine, over standard input and output."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tr_desktop.commands import last_guard, options, serve
from tr_desktop.errors import UserError
from tr_desktop.this_program import how_to_get


def add_commands(commands: Any) -> None:
    """Add `mcp` to the subparsers of `tr-desktop`."""
    mcp = commands.add_parser(
        "mcp",
        help="let an agent program search (Model Context Protocol over standard input and output)",
        description="Your agent program starts this command. Nothing new is indexed, and nothing is sent anywhere:"
        " what a model gets to see is in docs/agents.md.",
    )
    serve.add_folders(mcp)
    mcp.add_argument("--pictures", action="store_true", help="let the model see frames of your footage, too")
    options.add_common(mcp)
    mcp.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    with _printing_to_stderr():
        make_agent_server, talk = _agents()
        engine = options.engine_of(arguments)
        desk = serve.desk_of(engine, arguments.paths)
        server = make_agent_server(desk, last_guard.describe, pictures=arguments.pictures)
    # Python would wait for the line that standard input is about to give.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    talk(server)
    # As in `main`: a thread may still search, and there is nothing to clean up.
    os._exit(options.OK)


def _agents() -> tuple[Callable[..., Any], Callable[[Any], None]]:
    try:
        from tr_desktop.serving.agents import make_agent_server, talk
    except ModuleNotFoundError as error:
        raise UserError(f"The tools for agents need {error.name}", remedy=how_to_get("mcp")) from error
    return make_agent_server, talk


@contextmanager
def _printing_to_stderr() -> Iterator[None]:
    """Whatever prints in the block, also in C: standard output belongs to the protocol."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
