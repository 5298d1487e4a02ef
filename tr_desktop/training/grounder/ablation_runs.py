"""What `train grounder ablate` runs: compose videos, train and measure what isn't measured yet, write the tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
import torch

from tr_desktop.errors import UserError
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.refine.learned import Refiner
from tr_desktop.training import metrics
from tr_desktop.training.defaults import TAKES
from tr_desktop.training.grounder import ablation_windows as windows
from tr_desktop.training.grounder.ablation import VARIANTS, Material, Measured, trained_and_measured
from tr_desktop.training.grounder.ablation_report import report
from tr_desktop.training.refiner.evaluate import Case, answer_with_refiner
from tr_desktop.training.refiner.experiments import Kept
from tr_desktop.training.refiner.sources import Sources
from tr_desktop.training.scores.material import all_clips, halves

TRAIN_SEED, TEST_SEED = 1, 3
PRIOR_FROM = 1000  # training videos
FINISHED = "ablation.jsonl"  # in the cache


def run_ablation(arguments: argparse.Namespace) -> int:
    """Write the tables to `arguments.out`. Variants and seeds that an earlier run finished are not trained again."""
    names = _variants(arguments)
    torch.set_num_threads(arguments.threads)
    pack = load_pack(arguments.pack)
    trained_on, tested_on = split(all_clips(arguments.data, arguments.cache, Encoder(pack)))
    amounts = f"{arguments.videos} videos, {arguments.queries} queries, {arguments.steps} steps"
    kept = Kept(arguments.cache / FINISHED, f"{amounts}, pack {pack.sha256[:16]}")
    material = compose(trained_on, tested_on, arguments.videos, arguments.queries)
    _say(f"{arguments.videos} training videos composed")
    for seed in arguments.seeds:
        for name in names:
            if kept.get(name, seed) is None:
                measured = trained_and_measured(material, VARIANTS[name], arguments.steps, seed)
                kept.put(name, seed, measured.rows())
                found = [100 * float(np.mean(iou)) for iou in (measured.segments[-1], measured.closer)]
                _say(f"{name}, seed {seed}: mIoU {found[0]:.1f}, closer {found[1]:.1f}; {measured.seconds:.0f} s")
    runs = {name: [Measured.of_rows(kept.get(name, seed) or []) for seed in arguments.seeds] for name in names}
    lines = report(runs, baselines(material, Refiner(pack.read("refiner.onnx"))))
    arguments.out.write_text("\n".join([f"{amounts}, seeds {arguments.seeds}", "", *lines, ""]), encoding="utf-8")
    return 0


def split(clips: Sources) -> tuple[Sources, Sources]:
    """Clips to train on and to test on. No repository is in both, and the encoder learned from none of the latter."""
    learned, unseen = halves(clips)
    fit, test = halves(unseen)
    together = (*learned.items, *fit.items)
    return Sources(together, clips.captions, clips.caption_vectors, clips.background), test


def compose(trained_on: Sources, tested_on: Sources, videos: int, queries: int) -> Material:
    """`videos` composed videos to train on, each whole and as a closer window, and `queries` to test with."""
    rng, background, parts = np.random.default_rng(TRAIN_SEED), trained_on.background, list[windows.Windows]()
    for case in windows.single_moments(trained_on, videos, TRAIN_SEED, TAKES):
        spans = [windows.whole(case), windows.closer(case, windows.noisy(case, rng))]
        parts.append(windows.shown(case, spans, background))
    both = windows.joined(parts)
    cases = list(windows.single_moments(tested_on, queries, TEST_SEED, TAKES))
    asked = windows.joined([windows.shown(case, [windows.whole(case)], background) for case in cases])
    even = torch.arange(0, len(both), 2)
    return Material(both[even], both[even + 1], cases, asked, background)


def baselines(material: Material, refiner: Refiner) -> dict[str, list[float]]:
    """Name → tIoU of each test case: guesses, a threshold, and the pack's refiner."""
    cases = material.cases
    start, end = _best_constant(material.whole)
    by_step = answer_with_refiner(refiner, cases, material.background).by_step
    return {
        "whole window": _iou(cases, [metrics.whole_video(case.duration_s) for case in cases]),
        "constant prior": _iou(cases, [(start * case.duration_s, end * case.duration_s) for case in cases]),
        "half the peak": _iou(cases, [_half_the_peak(case) for case in cases]),
        **{
            f"refiner, {answers.name}": _iou(cases, [ranked[0][:2] for ranked in answers.ranked])
            for answers in (by_step[0], by_step[-3], by_step[-1])
        },
    }


def _best_constant(trained_on: windows.Windows) -> tuple[float, float]:
    truths = trained_on.truth[:PRIOR_FROM].numpy().astype(float)
    return metrics.best_constant([[truth] for truth in truths], [1.0] * len(truths))


def _half_the_peak(case: Case) -> windows.Span:
    """The run of frames around the best one whose similarity is over half-way from the mean to the peak."""
    curve = np.convolve(np.pad(case.vectors @ case.query_vector, 1, "edge"), (0.25, 0.5, 0.25), "valid")
    is_over, first = curve - curve.mean() >= (curve.max() - curve.mean()) / 2, int(np.argmax(curve))
    last = first
    while first and is_over[first - 1]:
        first -= 1
    while last + 1 < len(curve) and is_over[last + 1]:
        last += 1
    start_s, end_s = (float(case.starts_s[case.frames[at]]) for at in (first, last))
    return start_s, min(end_s + case.step_s, case.duration_s)


def _iou(cases: Sequence[Case], answers: Sequence[tuple[float, ...]]) -> list[float]:
    return [metrics.best_iou(answer, case.windows_s) for answer, case in zip(answers, cases, strict=True)]


def _variants(arguments: argparse.Namespace) -> list[str]:
    """The names of the variants to train. Raises UserError if an argument can't be right."""
    for name in ("steps", "videos", "queries", "threads"):
        if getattr(arguments, name) < 1:
            raise UserError(f"--{name} must be at least 1")
    names = list(arguments.variants or VARIANTS)
    for name in names:
        if name not in VARIANTS:
            raise UserError(f"There is no variant {name!r}", remedy=f"Give --variants some of {', '.join(VARIANTS)}")
    return names


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
