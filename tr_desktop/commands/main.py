"""The `tr-desktop` command: `find`, `index`, `watch`, `library`, `export`, `send`, `plugins`, `serve`, `mcp`,
`app`, `doctor`, `models`, `licences`, `train` and `evaluate`.

Results go to standard output; progress and messages to standard error. Exit status: 0 with at least one confident
moment (or the job done), 1 with none and for no other cause, 2 for a problem that the user can fix, 3 for an error of
this program, 130 when interrupted, 141 if the reader of the output ended.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tr_desktop import this_program
from tr_desktop.commands import (
    app,
    doctor,
    export,
    find,
    index,
    last_guard,
    library,
    licences,
    mcp,
    models,
    plugins,
    serve,
)
from tr_desktop.commands.options import INTERRUPTED, USER_ERROR
from tr_desktop.errors import UserError
from tr_desktop.grounders.video_llm import GROUND
from tr_desktop.library.index import READ_FILES


def main(argv: Sequence[str] | None = None) -> int:
    this_program.restore_library_path()
    if argv is None and sys.argv[1:] == [READ_FILES]:
        from tr_desktop.library.index import reader_process

        reader_process.main()
    if argv is None and sys.argv[1:] == [GROUND]:
        from tr_desktop.grounder_worker import __main__ as grounder_worker

        grounder_worker.main()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file name need not be text
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()  # a reader that ended shows here, not when Python exits
        return status
    except UserError as error:
        print(f"tr-desktop: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("\ntr-desktop: interrupted; what was finished is kept", file=sys.stderr)
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        # A thread may still be inside a decoder or a model, which abort if the interpreter ends under them.
        # The library is written in whole transactions, so there is nothing to clean up.
        os._exit(INTERRUPTED)
    except BrokenPipeError:
        return last_guard.nobody_reads()
    except Exception as error:  # noqa: BLE001 (the last guard: it is shown, kept and has a status of its own)
        return last_guard.unforeseen(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tr-desktop", description="Type what you remember, get the moment in your own footage."
    )
    parser.add_argument("--version", action=_Version, help="print the version and the model pack, and exit")
    # Commands import the other rooms when they run, so `--help` and errors come at once.
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (find, index, library, export, plugins, serve, mcp, app, doctor, models, licences):
        module.add_commands(commands)
    if not this_program.is_frozen():  # they need torch, which no build has
        from tr_desktop.training import commands as training

        training.add_commands(commands)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from tr_desktop.commands.doctor import this_program_and_pack

        print(this_program_and_pack())
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
