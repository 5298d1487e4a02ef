"""The commands that build and measure packs: `train` and `evaluate`. What each part needs is imported when it runs."""

from __future__ import annotations

from typing import Any

from tr_desktop.training import encoder_commands


def add_commands(commands: Any) -> None:
    """Add `train` and `evaluate` to the subparsers of `tr-desktop`."""
    train = commands.add_parser("train", help="rebuild a model pack from data").add_subparsers(
        required=True, metavar="WHAT"
    )
    encoder_commands.add_train_arguments(train.add_parser("encoder", help="image and text towers, calibration"))
    evaluate = commands.add_parser("evaluate", help="measure a pack beside the trivial baselines").add_subparsers(
        required=True, metavar="BENCH"
    )
    encoder_commands.add_evaluate_arguments(evaluate.add_parser("encoder", help="retrieval of footage and pictures"))
