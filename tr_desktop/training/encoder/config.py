"""The settings of a training run of the encoder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class EncoderConfig:
    """What a run is: where things are, and the few numbers that were worth choosing."""

    data: Path
    out: Path
    cache: Path
    tiers: str = "ABC"
    backbone: Path | None = None
    minilm: Path | None = None
    names: Path | None = None
    input_px: int = 224
    views: int = 4
    most_per_label: int = 40
    head_epochs: int = 6
    tune_epochs: int = 6
    tuned_runs: int = 3  # whose weights are averaged
    batch: int = 384
    head_rate: float = 1e-3
    tune_rate: float = 2e-4
    named: float = 0.5  # what the third path weighs beside the learned ones in training
    named_at_last: float = 0.75  # and in the pack, for the sake of words that training lacks
    other_texts: int = 2048  # further texts that every picture is told apart from
    labelled: int = 4000  # only labelled pictures an epoch
    soft: float = 30.0  # sharpness of the softened targets
    seed: int = 0
