"""`tr-desktop train encoder` and `tr-desktop evaluate encoder`: arguments, and what they call."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tr_desktop.errors import UserError
from tr_desktop.models.devices import AUTO, CHOICES
from tr_desktop.this_program import how_to_get
from tr_desktop.training.defaults import PACK

DEFAULT_TIERS = "A,B,C"
DEFAULT_SEED = 0


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `train encoder`."""
    parser.add_argument(
        "--data", metavar="DIR", type=Path, required=True, help="training data: a folder with images/ and clips/"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder to write the pack to")
    parser.add_argument(
        "--cache",
        metavar="DIR",
        type=Path,
        help="folder for cached features; an interrupted run resumes from it (default: OUT.cache)",
    )
    parser.add_argument(
        "--tiers",
        metavar="A,B,C",
        default=DEFAULT_TIERS,
        help=f"licence tiers of the pictures to train on, as in CARD.md (default {DEFAULT_TIERS})",
    )
    parser.add_argument(
        "--backbone", metavar="FILE", type=Path, help="EfficientNet-Lite2 state dict (default: the installed one)"
    )
    parser.add_argument(
        "--names",
        metavar="FILE",
        type=Path,
        help="class names of the backbone, one per line (default: trained without names)",
    )
    parser.add_argument(
        "--seed", metavar="N", type=int, default=DEFAULT_SEED, help=f"random seed (default {DEFAULT_SEED})"
    )
    parser.set_defaults(run=run_train)


def run_train(arguments: argparse.Namespace) -> int:
    """Build a pack. Resumes an interrupted run that used the same cache."""
    try:
        from tr_desktop.training.encoder.config import EncoderConfig
        from tr_desktop.training.encoder.recipe import train_encoder
    except ImportError as error:
        raise UserError(f"Training needs {error.name}, which is not installed", remedy=how_to_get("train")) from error
    out: Path = arguments.out
    train_encoder(
        EncoderConfig(
            data=arguments.data,
            out=out,
            cache=arguments.cache or out.with_name(out.name + ".cache"),
            tiers=arguments.tiers.replace(",", "").upper(),
            backbone=arguments.backbone,
            names=arguments.names,
            seed=arguments.seed,
        )
    )
    return 0


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `evaluate encoder`."""
    parser.add_argument(
        "--model",
        metavar="PACK",
        default=PACK,
        help=f"model pack: a name, folder or .trpack file (default {PACK})",
    )
    parser.add_argument(
        "--footage", metavar="DIR", type=Path, help="footage to measure on: a folder with annotations.jsonl"
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="pictures to measure on: a folder with images/ and clips/"
    )
    parser.add_argument("--device", choices=CHOICES, default=AUTO, help="device for the towers (default auto)")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.set_defaults(run=run_evaluate)


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Print the figures of a pack, each with its bootstrap interval."""
    try:
        from tr_desktop.training.encoder.evaluate import evaluate_encoder
    except ImportError as error:
        raise UserError(f"Evaluation needs {error.name}, which is not installed", remedy=how_to_get("train")) from error
    if arguments.footage is None and arguments.data is None:
        raise UserError("There is nothing to evaluate on", remedy="Give --footage DIR, --data DIR or both")
    figures = evaluate_encoder(arguments.model, arguments.footage, arguments.data, arguments.device)
    if arguments.json:
        json.dump({name: figure.as_dict() for name, figure in figures.items()}, sys.stdout, indent=1)
        print()
    else:
        for name, figure in figures.items():
            print(f"{name:44s} {figure}")
    return 0
