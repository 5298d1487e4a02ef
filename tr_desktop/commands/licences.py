"""`tr-desktop licences`: of this program and of all that it comes with."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tr_desktop.commands.options import OK


def add_commands(commands: Any) -> None:
    """Add `licences` to the subparsers of `tr-desktop`."""
    licences = commands.add_parser("licences", help="list the licences of the program and of all that it comes with")
    licences.add_argument("--texts", action="store_true", help="print their texts too")
    licences.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from tr_desktop import licences

    print(licences.text(with_texts=arguments.texts))
    if not arguments.texts:
        print("Their texts: tr-desktop licences --texts", file=sys.stderr)
    return OK
