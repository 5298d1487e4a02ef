"""Arguments of `tr-desktop evaluate scores`, and what it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from tr_desktop.errors import UserError
from tr_desktop.this_program import how_to_get
from tr_desktop.training.defaults import PACK

QUESTIONS = 60
NONSENSE = 100
CACHE = Path(".cache")


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `evaluate scores`."""
    parser.add_argument(
        "--model", metavar="PACK", default=PACK, help=f"model pack: a name, folder or .trpack file (default {PACK})"
    )
    parser.add_argument("--footage", metavar="DIR", type=Path, help="a folder with videos and annotations.jsonl")
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="compose libraries from half of DIR/clips/clip-frames.tar"
    )
    parser.add_argument(
        "--sources", metavar="FILE", type=Path, nargs="+", help="encoded sources (.npz) to compose libraries from too"
    )
    parser.add_argument(
        "--splits",
        metavar="SPLIT",
        nargs="+",
        default=["train", "val", "test"],
        help="splits that the pack wasn't trained on (default train val test: the sources are all new to it)",
    )
    parser.add_argument(
        "--sizes", metavar="N", type=int, nargs="+", default=[1, 5, 20, 60, 120], help="videos in a composed library"
    )
    parser.add_argument(
        "--questions",
        metavar="N",
        type=int,
        default=QUESTIONS,
        help=f"queries asked of composed libraries of each size (default {QUESTIONS})",
    )
    parser.add_argument(
        "--nonsense",
        metavar="N",
        type=int,
        default=NONSENSE,
        help=f"queries that nothing answers, for footage and for each size (default {NONSENSE})",
    )
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, default=CACHE, help=f"library for the footage (default {CACHE})"
    )
    parser.add_argument("--plot", metavar="FILE", type=Path, help="write reliability plots to this SVG file")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="random seed (default 0)")
    parser.set_defaults(run=run_evaluate)


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Print the figures, and write the plot."""
    if arguments.footage is None and arguments.data is None and not arguments.sources:
        raise UserError("There is nothing to evaluate on", remedy="Give --footage DIR, --data DIR or both")
    try:
        from tr_desktop.training.scores.evaluate import Settings, evaluate_scores
    except ImportError as error:
        raise UserError(f"Evaluation needs {error.name}, which is not installed", remedy=how_to_get("train")) from error
    settings = Settings(
        model=arguments.model,
        footage=arguments.footage,
        data=arguments.data,
        sources=tuple(arguments.sources or ()),
        splits=tuple(arguments.splits),
        sizes=tuple(arguments.sizes),
        questions=arguments.questions,
        nonsense=arguments.nonsense,
        cache=arguments.cache,
        plot=arguments.plot,
        seed=arguments.seed,
    )
    for figure in evaluate_scores(settings):
        print(figure, flush=True)
    return 0
