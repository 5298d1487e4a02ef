"""Arguments of `tr-desktop train refiner`, `evaluate refiner`, `evaluate experiments` and `evaluate reels`.

What they run (`runs.py`) needs the extra `train` and is imported when it runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from tr_desktop.errors import UserError
from tr_desktop.this_program import how_to_get
from tr_desktop.training.annotations import READERS
from tr_desktop.training.defaults import INDEX_FPS, ITERATIONS, PACK, TAKES

TRAIN_VIDEOS = 1500
TRAIN_LONGEST_S = 300.0
# Experiments train many models, so each is smaller than the one that ships.
EXPERIMENT_VIDEOS = 1000
EXPERIMENT_LONGEST_S = 240.0
EXPERIMENT_ITERATIONS = 1000
EXPERIMENT_FPS = 1.0
EXPERIMENT_SEEDS = (0, 1, 2)
RESULTS_FILE = Path("experiments.jsonl")
EVALUATE_STEPS = 2
EVALUATE_LONGEST_S = 600.0
EVALUATE_SPLITS = ("val", "test")
QUERIES = 300
REELS = 16
SEED = 0
THREADS = 2
CACHE = Path(".cache")


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `train refiner`: train on composed videos and write `refiner.onnx`."""
    _add_sources(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="refiner.onnx file to write")
    _add_training(parser, TRAIN_VIDEOS, TRAIN_LONGEST_S, ITERATIONS)
    _add_seed(parser)
    parser.set_defaults(run=_runs("run_train"))


def add_experiments_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `evaluate experiments`: leave parts out one by one, and vary the number of steps."""
    _add_sources(parser)
    _add_training(parser, EXPERIMENT_VIDEOS, EXPERIMENT_LONGEST_S, EXPERIMENT_ITERATIONS)
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=int,
        nargs="+",
        default=list(EXPERIMENT_SEEDS),
        help=f"random seeds; each variant is trained once with each (default {_listed(EXPERIMENT_SEEDS)})",
    )
    _add_queries(parser)
    parser.add_argument(
        "--fps",
        metavar="F",
        type=float,
        default=EXPERIMENT_FPS,
        help=f"indexed frames per second (default {EXPERIMENT_FPS:g})",
    )
    parser.add_argument("--variants", metavar="NAME", nargs="+", help="variants to train (default: all)")
    parser.add_argument(
        "--kept",
        metavar="FILE",
        type=Path,
        default=RESULTS_FILE,
        help=f"results so far; an interrupted run resumes from this file (default {RESULTS_FILE})",
    )
    parser.set_defaults(seed=SEED)
    parser.set_defaults(run=_runs("run_experiments"))


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `evaluate refiner`: metrics of every step beside the baselines."""
    parser.add_argument(
        "bench", metavar="BENCH", help=f"composed, or the format of the annotations: {', '.join(sorted(READERS))}"
    )
    _add_sources(parser)
    parser.add_argument("--annotations", metavar="FILE", type=Path, help="annotation file")
    parser.add_argument("--videos", metavar="DIR", type=Path, help="folder of the annotated videos")
    parser.add_argument("--cuts", action="store_true", help="treat every annotated edge as a hard cut (as in reels)")
    parser.add_argument("--refiner", metavar="FILE", type=Path, help="refiner.onnx file (default: the pack's)")
    parser.add_argument(
        "--fps",
        metavar="F",
        type=float,
        nargs="+",
        default=list(INDEX_FPS),
        help=f"indexed frames per second, one table for each rate (default {_listed(INDEX_FPS)})",
    )
    parser.add_argument(
        "--steps",
        metavar="K",
        type=int,
        default=EVALUATE_STEPS,
        help=f"refinement steps on the index, before the closer looks (default {EVALUATE_STEPS})",
    )
    _add_queries(parser)
    _add_longest(parser, EVALUATE_LONGEST_S)
    parser.add_argument(
        "--shown",
        action="store_true",
        help="query with the moment's own pictures instead of its caption, as if every query were understood",
    )
    parser.add_argument("--plot", metavar="FILE", type=Path, help="write reliability plots to this SVG file")
    parser.add_argument(
        "--splits",
        metavar="SPLIT",
        nargs="+",
        default=list(EVALUATE_SPLITS),
        help=f"splits whose sources the test videos are composed from (default {_listed(EVALUATE_SPLITS)})",
    )
    _add_seed(parser)
    parser.set_defaults(run=_runs("run_evaluate"))


def add_reels_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `evaluate reels`: render reels with exact truth, to evaluate with `footage --cuts`."""
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="training data: a folder with clips/")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, required=True, help="folder to write the videos and annotations.jsonl to"
    )
    parser.add_argument(
        "--count", metavar="N", type=int, default=REELS, help=f"number of reels to render (default {REELS})"
    )
    _add_seed(parser)
    parser.set_defaults(run=_runs("run_reels"))


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pack",
        metavar="PACK",
        default=PACK,
        help=f"model pack to encode with: a name, folder or .trpack file (default {PACK})",
    )
    parser.add_argument("--data", metavar="DIR", type=Path, help="training data: a folder with clips/ and images/")
    parser.add_argument(
        "--sources", metavar="FILE", type=Path, nargs="+", help="encoded sources (.npz), instead of --data"
    )
    parser.add_argument(
        "--takes",
        metavar="F",
        type=float,
        default=TAKES,
        help=f"share of composed videos that are single takes with few or no cuts, 0 to 1 (default {TAKES:g})",
    )
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, default=CACHE, help=f"folder for encoded sources (default {CACHE})"
    )


def _add_training(parser: argparse.ArgumentParser, videos: int, longest_s: float, iterations: int) -> None:
    parser.add_argument(
        "--videos", metavar="N", type=int, default=videos, help=f"composed training videos (default {videos})"
    )
    _add_longest(parser, longest_s)
    parser.add_argument(
        "--iterations", metavar="N", type=int, default=iterations, help=f"training iterations (default {iterations})"
    )
    parser.add_argument("--threads", metavar="N", type=int, default=THREADS, help=f"CPU threads (default {THREADS})")


def _add_longest(parser: argparse.ArgumentParser, longest_s: float) -> None:
    parser.add_argument(
        "--longest",
        metavar="S",
        type=float,
        default=longest_s,
        help=f"maximum length of a composed video, in seconds (default {longest_s:g})",
    )


def _add_queries(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--queries", metavar="N", type=int, default=QUERIES, help=f"composed test queries (default {QUERIES})"
    )


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", metavar="N", type=int, default=SEED, help=f"random seed (default {SEED})")


def _listed(values: tuple[object, ...]) -> str:
    """Values as they are typed on the command line."""
    return " ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


def _runs(name: str) -> Callable[[argparse.Namespace], int]:
    """The function `name` of `runs.py`, which is imported when it is called."""

    def run(arguments: argparse.Namespace) -> int:
        try:
            from tr_desktop.training.refiner import runs
        except ImportError as error:
            raise UserError(f"This needs {error.name}, which is not installed", remedy=how_to_get("train")) from error
        status: int = getattr(runs, name)(arguments)
        return status

    return run
