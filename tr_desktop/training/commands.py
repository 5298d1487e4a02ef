"""The commands that build and measure packs: `train` and `evaluate`. What each part needs is imported when it runs."""

from __future__ import annotations

from typing import Any

from tr_desktop.training.encoder import commands as encoder_commands
from tr_desktop.training.refiner import commands as refiner_commands


def add_commands(commands: Any) -> None:
    """Add `train` and `evaluate` to the subparsers of `tr-desktop`."""
    train = commands.add_parser("train", help="rebuild a model pack from data").add_subparsers(
        required=True, metavar="WHAT"
    )
    encoder_commands.add_train_arguments(train.add_parser("encoder", help="image and text towers, calibration"))
    refiner_commands.add_train_arguments(train.add_parser("refiner", help="the model that moves edges, step by step"))
    evaluate = commands.add_parser("evaluate", help="measure a pack beside the trivial baselines").add_subparsers(
        required=True, metavar="BENCH"
    )
    encoder_commands.add_evaluate_arguments(evaluate.add_parser("encoder", help="retrieval of footage and pictures"))
    refiner_commands.add_evaluate_arguments(
        evaluate.add_parser("refiner", help="each refinement step, beside baselines")
    )
    refiner_commands.add_experiments_arguments(evaluate.add_parser("experiments", help="the refiner's ablations"))
    refiner_commands.add_reels_arguments(
        evaluate.add_parser("reels", help="render reels with exact truth to measure on")
    )
