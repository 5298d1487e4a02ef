"""The settings of a training run of the encoder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class EncoderConfig:
    """Paths and hyperparameters of one run. Fields that are None stand for the installed packages' files."""

    data: Path
    out: Path
    cache: Path
    tiers: str = "ABC"
    backbone: Path | None = None
    minilm: Path | None = None
    names: Path | None = None
    input_px: int = 224
    views: int = 4
    max_per_label: int = 40  # pictures that have this label and no caption
    head_epochs: int = 6
    tune_epochs: int = 4
    tuned_runs: int = 3  # their weights are averaged
    batch: int = 384
    head_rate: float = 1e-3
    tune_rate: float = 2e-4
    names_weight: float = 0.5  # of the path through the encoded class names, in training
    final_names_weight: float = 0.75  # the same in the pack: more, for words that are missing in training
    other_texts: int = 1024  # negatives beside those of the batch
    hardest: float = 0.3  # weight of the margin to the hardest negatives, from the second pass on
    exchanged: float = 0.3  # the same of the margin to captions with one word exchanged
    labelled: int = 4000  # pictures per epoch that have labels only
    soft: float = 30.0  # sharpness of the softened targets; higher is sharper
    seed: int = 0
