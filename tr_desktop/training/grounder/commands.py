"""Arguments of `tr-desktop train grounder`.

What they run (`runs.py`) needs the extra `llm` and is imported when it runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tr_desktop.errors import UserError
from tr_desktop.grounders.video_llm import DEVICES
from tr_desktop.this_program import how_to_get
from tr_desktop.training.annotations import READERS
from tr_desktop.training.grounder.ablation_commands import add_ablate_arguments

FORMATS = ("span", "refine", "anchors", "digits")
STAGES = ("1", "harvest", "2", "3", "all")
REWARDS = ("soft_iou", "iou_v2")
EPOCHS = 2.0
BATCH = 32
ROWS = 4
RATE = 1e-4
STEPS = 100
WINDOW_S = 64.0
SEED = 0


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `train grounder`: one subcommand for each recipe."""
    recipes: Any = parser.add_subparsers(required=True, metavar="RECIPE")
    sft = recipes.add_parser("sft", help="teach a video language model to write answers in one format")
    sft.add_argument(
        "--format",
        choices=FORMATS,
        default=FORMATS[0],
        help=f"what it writes: {', '.join(FORMATS)} (default {FORMATS[0]}): see docs/train-a-grounder.md",
    )
    sft.add_argument(
        "--epochs", metavar="N", type=float, default=EPOCHS, help=f"passes over the data (default {EPOCHS:g})"
    )
    _add_shared(sft)
    sft.set_defaults(run=_runs("run_sft"))
    tar = recipes.add_parser("tar", help="teach it to write anchors that get nearer, by rewards (TAR-TVG)")
    tar.add_argument(
        "--stage",
        choices=STAGES,
        default=STAGES[-1],
        help=f"one of {', '.join(STAGES)} (default {STAGES[-1]}); stages that are done are kept",
    )
    tar.add_argument(
        "--prime", action="store_true", help="before stage 1, teach the form with anchors made of truth and noise"
    )
    tar.add_argument(
        "--steps",
        metavar="N",
        type=int,
        default=STEPS,
        help=f"steps of reinforcement learning a stage (default {STEPS})",
    )
    tar.add_argument(
        "--reward",
        choices=REWARDS,
        default=REWARDS[0],
        help=f"for the answer: {' or '.join(REWARDS)} (default {REWARDS[0]}); iou_v2 doesn't pay for long answers",
    )
    _add_shared(tar)
    tar.set_defaults(run=_runs("run_tar"))
    add_ablate_arguments(
        recipes.add_parser("ablate", help="compare direct answers with step-by-step ones, in a small decoder")
    )


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--base", metavar="DIR", type=Path, help="folder of the model to start from (Qwen3-VL, Qwen2.5-VL)"
    )
    parser.add_argument("--annotations", metavar="FILE", type=Path, help="sentences and when they hold")
    parser.add_argument(
        "--form", choices=sorted(READERS), default="footage", help="format of the annotations (default footage)"
    )
    parser.add_argument("--videos", metavar="DIR", type=Path, help="folder of the annotated videos")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, required=True, help="folder to write to; an interrupted run resumes"
    )
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, help="folder for the videos' pictures (default: OUT/cache)"
    )
    parser.add_argument(
        "--tiny", action="store_true", help="try the recipe in a minute: a random model learns generated clips"
    )
    parser.add_argument(
        "--side", metavar="PX", type=int, help="longer side of the pictures (default: as the format's preset has it)"
    )
    parser.add_argument(
        "--window", metavar="S", type=float, default=WINDOW_S, help=f"longest window, in seconds (default {WINDOW_S:g})"
    )
    parser.add_argument("--batch", metavar="N", type=int, default=BATCH, help=f"examples a step (default {BATCH})")
    parser.add_argument(
        "--rows",
        metavar="N",
        type=int,
        default=ROWS,
        help=f"examples at a time; fewer take less memory (default {ROWS})",
    )
    parser.add_argument(
        "--rate", metavar="R", type=float, help=f"learning rate (default {RATE:g}; of rewards a tenth of it)"
    )
    parser.add_argument(
        "--device", choices=DEVICES, default=DEVICES[0], help=f"where to compute (default {DEVICES[0]})"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=SEED, help=f"random seed (default {SEED})")


def _runs(name: str) -> Callable[[argparse.Namespace], int]:
    """The function `name` of `runs.py`, which is imported when it is called."""

    def run(arguments: argparse.Namespace) -> int:
        try:
            from tr_desktop.training.grounder import runs
        except ImportError as error:
            raise UserError(f"Training needs {error.name}, which is not installed", remedy=how_to_get("llm")) from error
        status: int = getattr(runs, name)(arguments)
        return status

    return run
