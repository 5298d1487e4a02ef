"""Ablations of the refiner as one command: the variants of the TimeRefine paper, and ours.

Every variant trains on the same composed videos and answers the same composed queries, whose sources no variant saw.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from tr_desktop.limits import MAX_STEPS
from tr_desktop.refine.learned import Refiner
from tr_desktop.training import metrics
from tr_desktop.training.refiner.data import TrainingTimeline
from tr_desktop.training.refiner.evaluate import Case, RefinerAnswers, answer_with_refiner, findings
from tr_desktop.training.refiner.export import export_refiner
from tr_desktop.training.refiner.train import Recipe, train

WHOLE = "all of it"
VARIANTS: dict[str, Callable[[Recipe], Recipe]] = {
    WHOLE: lambda recipe: recipe,
    "without the auxiliary head": lambda recipe: replace(recipe, auxiliary=0.0),
    "without the progressive term": lambda recipe: replace(recipe, progressive=0.0),
    "no farther than sure": lambda recipe: replace(recipe, is_careful=True),
    "independent steps": lambda recipe: replace(recipe, is_chained=False),
    "attention, no local sampling": lambda recipe: replace(recipe, samples_locally=False),
    "a block for each step": lambda recipe: replace(recipe, is_shared=False),
    "noise of 3 s throughout": lambda recipe: replace(recipe, sigmas_s=(3.0,)),
    "noisy starts only": lambda recipe: replace(recipe, own_rough=0.0),
    "own rough starts only": lambda recipe: replace(recipe, own_rough=1.0),
}
HEADER = [
    "| variant | rough mIoU | last index step | looked closer | R1@0.5 | R1@0.7 | R1@0.9 | no loss |",
    "|---|---|---|---|---|---|---|---|",
]
STEPS_HEADER = ["| K | R1@0.5 | R1@0.7 | R1@0.9 | mIoU | mIoU looked closer |", "|---|---|---|---|---|---|"]


@dataclass
class Kept:
    """Figures measured so far, one JSON line each in `file`, so that an interrupted run resumes.

    settings: everything else that the figures depend on; lines of other settings are kept and not read.
    """

    file: Path
    settings: str

    def get(self, name: str, seed: int) -> list[list[float]] | None:
        """The figures that `put` kept, or None."""
        lines = self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []
        for line in filter(None, lines):
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:  # a run was killed while it wrote this line: it is measured again
                continue
            if (entry["settings"], entry["name"], entry["seed"]) == (self.settings, name, seed):
                figures: list[list[float]] = entry["figures"]
                return figures
        return None

    def put(self, name: str, seed: int, figures: list[list[float]]) -> None:
        """Add a line with `figures`."""
        with self.file.open("a", encoding="utf-8") as out:
            entry = {"settings": self.settings, "name": name, "seed": seed, "figures": figures}
            out.write(f"\n{json.dumps(entry)}\n")  # the line before may be cut off


def compare(
    by_depth: list[list[TrainingTimeline]],
    cases: Sequence[Case],
    background: np.ndarray,
    names: Sequence[str],
    seeds: Sequence[int],
    iterations: int,
    kept: Kept,
    say: Callable[[str], None],
) -> list[str]:
    """Train `names` of VARIANTS with each seed and measure them: Markdown tables, mean ± deviation over the seeds.

    The first table has a line for each variant, the second one for each number of steps of the whole model.
    """
    for seed in seeds:
        for name in names:
            if kept.get(name, seed) is None:
                refiner = trained(by_depth, VARIANTS[name](Recipe(iterations=iterations, seed=seed)))
                figures = [_figures(cases, answer_with_refiner(refiner, cases, background))]
                if name == WHOLE:
                    figures += _by_steps(refiner, cases, background)
                kept.put(name, seed, figures)
                say(f"{name}, seed {seed}: {np.round(figures[0], 1).tolist()}")
    lines = list(HEADER)
    for name in names:
        lines.append(_line(name, [(kept.get(name, seed) or [])[0] for seed in seeds]))
    if WHOLE in names:
        lines += ["", *STEPS_HEADER]
        all_seeds = [(kept.get(WHOLE, seed) or [])[1:] for seed in seeds]
        lines += [_line(str(steps), rows) for steps, rows in enumerate(zip(*all_seeds, strict=True))]
    return lines


def _line(name: str, figures: Sequence[Sequence[float]]) -> str:
    """One figure of `figures` [seeds][figures] a column."""
    spread = zip(np.mean(figures, axis=0), np.std(figures, axis=0), strict=True)
    return f"| {name} | {' | '.join(f'{m:.1f} ± {d:.1f}' for m, d in spread)} |"


def trained(by_depth: list[list[TrainingTimeline]], recipe: Recipe) -> Refiner:
    """A model of this recipe as it would ship, uncalibrated."""
    model = train(by_depth, recipe)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "refiner.onnx"
        export_refiner(model, torch.tensor([[1.0, 0.0], [1.0, 0.0]]), path)
        return Refiner(path.read_bytes())


def _figures(cases: Sequence[Case], answers: RefinerAnswers) -> list[float]:
    last_index = len(answers.by_step) - 3
    iou = {step: _iou(cases, answers, step) for step in (0, last_index, -1)}
    recall = metrics.recall_at_1(iou[-1], (0.5, 0.7, 0.9))
    mious = [metrics.mean_iou(part) for part in iou.values()]
    return [*mious, *recall.values(), 100 * findings(cases, answers).no_loss]


def _by_steps(refiner: Refiner, cases: Sequence[Case], background: np.ndarray) -> list[list[float]]:
    """R1@0.5, 0.7, 0.9, mIoU and mIoU after looking closer, for K = 0 … MAX_STEPS on the index."""
    rows = []
    for steps in range(MAX_STEPS + 1):
        answers = answer_with_refiner(refiner, cases, background, steps)
        iou, closer = _iou(cases, answers, steps), _iou(cases, answers, -1)
        recall = metrics.recall_at_1(iou, (0.5, 0.7, 0.9))
        rows.append([*recall.values(), metrics.mean_iou(iou), metrics.mean_iou(closer)])
    return rows


def _iou(cases: Sequence[Case], answers: RefinerAnswers, step: int) -> metrics.Array:
    ranked = answers.by_step[step].ranked
    return np.array([metrics.best_iou(r[0], c.windows_s) for r, c in zip(ranked, cases, strict=True) if c.windows_s])
