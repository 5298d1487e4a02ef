"""Arguments of `tr-desktop evaluate grounder`, and what it runs. It doesn't need the extra `train`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tr_desktop.grounders.video_llm import DEVICES, QUANTISED
from tr_desktop.training.defaults import PACK

CACHE = Path(".cache")
PAIRS = ("first", "last")
CONVENTIONS = ("moment-detr", "vtimellm", "2d-tan")
TIMEOUT_S = 120.0


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `evaluate grounder`."""
    parser.add_argument(
        "--footage", metavar="DIR", type=Path, required=True, help="a folder with videos and annotations.jsonl"
    )
    parser.add_argument("--grounder", metavar="NAME", required=True, help="the video language model (models add)")
    parser.add_argument(
        "--model",
        metavar="PACK",
        default=PACK,
        help=f"model pack that searches first: a name, folder or .trpack file (default {PACK})",
    )
    parser.add_argument(
        "--sweep", action="store_true", help="let the model choose its window in the whole video (find --ground all)"
    )
    parser.add_argument("--ground-once", action="store_true", help="without its closer window")
    parser.add_argument(
        "--ground-timeout",
        metavar="SECONDS",
        type=float,
        default=TIMEOUT_S,
        help=f"how long it may take for each question (default {TIMEOUT_S:g})",
    )
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default=DEVICES[0],
        help=f"where it runs, if in this program (default {DEVICES[0]})",
    )
    parser.add_argument(
        "--quantise",
        choices=QUANTISED,
        default=QUANTISED[0],
        help="make its weights smaller when they are loaded, if it runs in this program: nf4 takes least memory",
    )
    parser.add_argument(
        "--pair",
        choices=PAIRS,
        default=PAIRS[0],
        help="which of several answers counts: the first, as TimeLens's evaluation has it (default), or the last, as"
        " Time-R1's",
    )
    parser.add_argument(
        "--round",
        metavar="SECONDS",
        type=float,
        default=0.0,
        help="round all edges to multiples of this, as TimeLens's evaluation does with the unit of each data set"
        " (default: not rounded)",
    )
    parser.add_argument(
        "--convention",
        choices=CONVENTIONS,
        default=CONVENTIONS[0],
        help="how tIoU becomes hits: at the threshold is enough (moment-detr, the default; also TimeLens, Time-R1 and"
        " VTG-LLM); rounded to two decimals first (vtimellm; also TimeRefine); above the threshold (2d-tan)",
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="fit how the model's probabilities count for scores, and write the weights into its grounder.json; refused"
        " if they don't help on videos that they weren't fitted to",
    )
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, default=CACHE, help=f"library for the footage (default {CACHE})"
    )
    parser.set_defaults(run=run_evaluate)


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Print the figures; with --calibrate, write the weights."""
    from tr_desktop.training.grounder_evaluation.runs import Settings, evaluate_grounder

    settings = Settings(
        footage=arguments.footage,
        grounder=arguments.grounder,
        model=arguments.model,
        sweep=arguments.sweep,
        closer=not arguments.ground_once,
        timeout_s=arguments.ground_timeout,
        device=arguments.device,
        quantise=arguments.quantise,
        is_first_pair=arguments.pair == PAIRS[0],
        round_s=arguments.round,
        convention=arguments.convention,
        calibrate=arguments.calibrate,
        cache=arguments.cache,
    )
    for line in evaluate_grounder(settings):
        print(line, flush=True)
    return 0
