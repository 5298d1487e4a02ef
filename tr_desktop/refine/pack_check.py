"""Checks a pack's refiner against the pipeline's assumptions, on made-up frames."""

from __future__ import annotations

from functools import partial

import numpy as np

from tr_desktop.models.check import expect_finite, running
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import Pack
from tr_desktop.refine.learned import FILE_NAME, open_refiner
from tr_desktop.refine.pipeline import rough_and_refine
from tr_desktop.refine.signals import signals, view_file

_ROWS, _STEP_S = 12, 0.5


def check_refiner(pack: Pack) -> None:
    """Run the pack's refiner, if it has one. Raises PackError if it fails."""
    refiner = running(pack, FILE_NAME, lambda: open_refiner(pack))
    if refiner is None:
        return
    rows = np.random.default_rng(1).normal(size=(_ROWS + 1, pack.width)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vectors, query = rows[:-1], rows[-1]
    view = view_file(vectors, query, Encoder(pack, "cpu").background, _ROWS * _STEP_S)
    seen = signals(vectors, np.arange(_ROWS) * _STEP_S, view)
    for steps in (1, 4):
        chains = running(pack, FILE_NAME, partial(rough_and_refine, refiner, seen, _STEP_S, steps, limit=2))
        numbers = np.array([[(step.start_s, step.end_s, step.score) for step in chain] for chain in chains])
        expect_finite(pack, FILE_NAME, numbers, (len(chains), steps + 1, 3))
