"""Tiny models that are trained in tests, and questions about clips of noise."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from tr_desktop.grounders.video_llm.messages import Question
from tr_desktop.grounders.video_llm.presets import PRESETS
from tr_desktop.training.grounder.checkpoint import open_checkpoint
from tr_desktop.training.grounder.policy import Adapter, Policy
from tr_desktop.training.grounder.tiny import write_tiny

FAMILIES = ("qwen2_5_vl", "qwen3_vl")
ADAPTER = Adapter(4, 8, 0.0)


def toy_policy(family: str, folder: Path, preset: str = "time-r1", new_tokens=(), **options) -> Policy:
    """A policy over a random model that is written to `folder` unless it is there."""
    base = folder / family
    if not base.exists():
        write_tiny(family, base)
    checkpoint = open_checkpoint(base, folder / "files", new_tokens, "cpu")
    return Policy(checkpoint, PRESETS[preset], options.pop("adapter", ADAPTER), **options)


def question(query: str = "red", pictures: int = 8, seed: int = 0) -> Question:
    """A window of half a second a picture, of noise."""
    noise = np.random.default_rng(seed).integers(0, 255, (pictures, 56, 84, 3), dtype=np.uint8)
    times_s = tuple(Fraction(number, 2) for number in range(pictures))
    return Question(query, noise, times_s, Fraction(pictures, 2))
