"""The commands that build and measure packs: `train` and `evaluate`.

Their dependencies (the extra `train`) are imported when they run. Without torch, those that need it aren't listed; they
still say what they need.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from tr_desktop.training.encoder import commands as encoder_commands
from tr_desktop.training.grounder import commands as grounder_commands
from tr_desktop.training.grounder_evaluation import commands as grounder_evaluation_commands
from tr_desktop.training.refiner import commands as refiner_commands
from tr_desktop.training.scores import commands as scores_commands


def add_commands(commands: Any) -> None:
    """Add `train` and `evaluate` to the subparsers of `tr-desktop`."""
    train = commands.add_parser("train", **_listed("rebuild a model pack from training data")).add_subparsers(
        required=True, metavar="WHAT"
    )
    encoder_commands.add_train_arguments(
        train.add_parser("encoder", help="train the image and text towers and calibrate their scores")
    )
    refiner_commands.add_train_arguments(
        train.add_parser("refiner", help="train the model that refines edges step by step")
    )
    grounder_commands.add_train_arguments(
        train.add_parser("grounder", help="train a video language model to find moments")
    )
    evaluate = commands.add_parser("evaluate", help="measure a model pack against simple baselines").add_subparsers(
        required=True, metavar="WHAT"
    )
    encoder_commands.add_evaluate_arguments(
        evaluate.add_parser("encoder", **_listed("measure how well it finds footage and pictures"))
    )
    refiner_commands.add_evaluate_arguments(
        evaluate.add_parser("refiner", **_listed("measure each refinement step against simple baselines"))
    )
    scores_commands.add_evaluate_arguments(
        evaluate.add_parser("scores", help="measure how far scores and confidence can be believed")
    )
    grounder_evaluation_commands.add_evaluate_arguments(
        evaluate.add_parser("grounder", help="measure each step of a video language model against simple baselines")
    )
    refiner_commands.add_experiments_arguments(
        evaluate.add_parser("experiments", **_listed("train the refiner with parts left out and compare"))
    )
    refiner_commands.add_reels_arguments(
        evaluate.add_parser("reels", **_listed("render test videos whose cuts are known to the frame"))
    )


def _listed(text: str) -> dict[str, Any]:
    """The help of a command that needs torch: none, so that it isn't listed, without torch."""
    return {"help": text} if find_spec("torch") is not None else {}
