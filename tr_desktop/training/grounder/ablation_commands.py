"""Arguments of `tr-desktop train grounder ablate`.

What it runs needs the extra `train` and is imported when it runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tr_desktop.errors import UserError
from tr_desktop.this_program import how_to_get
from tr_desktop.training.defaults import PACK

SEEDS = (0, 1, 2)
STEPS = 1000
VIDEOS = 3000
QUERIES = 300
THREADS = 1


def add_ablate_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `train grounder ablate`: direct and step-by-step answers, compared on composed videos."""
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="training data: a folder with clips/")
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, required=True, help="folder for encoded clips and finished runs"
    )
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="Markdown file to write the tables to")
    parser.add_argument(
        "--pack",
        metavar="PACK",
        default=PACK,
        help=f"model pack to encode with, and whose refiner to compare with: a name, folder or .trpack file "
        f"(default {PACK})",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=int,
        nargs="+",
        default=list(SEEDS),
        help=f"random seeds; each variant is trained once with each (default {' '.join(map(str, SEEDS))})",
    )
    parser.add_argument("--variants", metavar="NAME", nargs="+", help="variants to train (default: all)")
    parser.add_argument("--steps", metavar="N", type=int, default=STEPS, help=f"training steps (default {STEPS})")
    parser.add_argument(
        "--videos", metavar="N", type=int, default=VIDEOS, help=f"composed training videos (default {VIDEOS})"
    )
    parser.add_argument(
        "--queries", metavar="N", type=int, default=QUERIES, help=f"composed test queries (default {QUERIES})"
    )
    parser.add_argument("--threads", metavar="N", type=int, default=THREADS, help=f"CPU threads (default {THREADS})")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    try:
        from tr_desktop.training.grounder.ablation_runs import run_ablation
    except ImportError as error:
        raise UserError(f"Training needs {error.name}, which is not installed", remedy=how_to_get("train")) from error
    return run_ablation(arguments)
