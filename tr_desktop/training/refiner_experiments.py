"""The experiments that the paper's readers ask for, and ours, as one command and one table.

Every variant trains on the same composed videos and answers the same composed queries, whose sources no variant saw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from tr_desktop.models.refiner import MOST_STEPS, Refiner
from tr_desktop.training import metrics
from tr_desktop.training.evaluate_refiner import Case, RefinerAnswers, answer_with_refiner, findings
from tr_desktop.training.refiner import export
from tr_desktop.training.refiner_data import Timeline
from tr_desktop.training.refiner_train import Recipe, train

VARIANTS: dict[str, Callable[[Recipe], Recipe]] = {
    "all of it": lambda recipe: recipe,
    "without the auxiliary head": lambda recipe: replace(recipe, auxiliary=0.0),
    "without the progressive term": lambda recipe: replace(recipe, progressive=0.0),
    "independent steps": lambda recipe: replace(recipe, is_chained=False),
    "attention, no local sampling": lambda recipe: replace(recipe, samples_locally=False),
    "a block for each step": lambda recipe: replace(recipe, is_shared=False),
    "noise of 3 s throughout": lambda recipe: replace(recipe, sigmas_s=(3.0,)),
    "noisy starts only": lambda recipe: replace(recipe, own_rough=0.0),
    "own rough starts only": lambda recipe: replace(recipe, own_rough=1.0),
}
HEADER = [
    "| variant | seeds | rough mIoU | last index step | looked closer | R1@0.5 | R1@0.7 | R1@0.9 | no loss |",
    "|---|---|---|---|---|---|---|---|---|",
]


def compare(
    by_depth: list[list[Timeline]],
    cases: Sequence[Case],
    background: np.ndarray,
    names: Sequence[str],
    seeds: Sequence[int],
    iterations: int,
    say: Callable[[str], None],
) -> list[str]:
    """Train `names` of VARIANTS with each seed and measure them: a Markdown table, mean ± deviation over the seeds."""
    lines = list(HEADER)
    for name in names:
        figures = []
        for seed in seeds:
            refiner = trained(by_depth, VARIANTS[name](Recipe(iterations=iterations, seed=seed)))
            figures.append(_figures(cases, answer_with_refiner(refiner, cases, background)))
            say(f"{name}, seed {seed}: {np.round(figures[-1], 1).tolist()}")
        spread = zip(np.mean(figures, axis=0), np.std(figures, axis=0), strict=True)
        lines.append(f"| {name} | {len(seeds)} | {' | '.join(f'{m:.1f} ± {d:.1f}' for m, d in spread)} |")
        say(lines[-1])
    return lines


def trained(by_depth: list[list[Timeline]], recipe: Recipe) -> Refiner:
    """A model of this recipe as it would ship, uncalibrated."""
    model = train(by_depth, recipe)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "refiner.onnx"
        export(model, torch.tensor([[1.0, 0.0], [1.0, 0.0]]), path)
        return Refiner(path.read_bytes(), "cpu")


def _figures(cases: Sequence[Case], answers: RefinerAnswers) -> list[float]:
    last_index = len(answers.by_step) - 4
    iou = {step: _iou(cases, answers, step) for step in (0, last_index, -1)}
    recall = metrics.recall_at_1(iou[-1], (0.5, 0.7, 0.9))
    mious = [metrics.mean_iou(part) for part in iou.values()]
    return [*mious, *recall.values(), 100 * findings(cases, answers).no_loss]


def steps_table(refiner: Refiner, cases: Sequence[Case], background: np.ndarray) -> list[str]:
    """K = 0 … MOST_STEPS on the index, without and with looking closer after them."""
    lines = ["| K | R1@0.5 | R1@0.7 | R1@0.9 | mIoU | mIoU looked closer |", "|---|---|---|---|---|---|"]
    for steps in range(MOST_STEPS + 1):
        answers = answer_with_refiner(refiner, cases, background, steps)
        iou, closer = _iou(cases, answers, steps), _iou(cases, answers, -1)
        shares = [*metrics.recall_at_1(iou, (0.5, 0.7, 0.9)).values(), metrics.mean_iou(iou), metrics.mean_iou(closer)]
        lines.append(f"| {steps} | {' | '.join(f'{share:.1f}' for share in shares)} |")
    return lines


def _iou(cases: Sequence[Case], answers: RefinerAnswers, step: int) -> metrics.Array:
    ranked = answers.by_step[step].ranked
    return np.array([metrics.best_iou(r[0], c.windows_s) for r, c in zip(ranked, cases, strict=True) if c.windows_s])
