"""Metrics of predicted moments: recall at tIoU, mIoU, mAP, edge errors and calibration; and answers by guessing.

Notable choices: in one dimension intersection over hull equals intersection over union if two segments touch, so one
tIoU serves all benchmarks. Families of papers differ in how they round and compare tIoU (`Convention`), and in whether
a prediction counts with the best of several truths (Moment-DETR, Lei et al., NeurIPS 2021). Figures that benchmarks
print as percentages are percentages here. Every figure comes with a bootstrap interval, because differences between
small test sets are mostly noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Segments = Sequence[Sequence[float]]  # (start_s, end_s[, score]) each

R1_THRESHOLDS = (0.3, 0.5, 0.7, 0.9)
MAP_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
MAP_PREDICTIONS = 10


@dataclass(frozen=True)
class Convention:
    """How one family of papers turns tIoU into hits.

    decimals: tIoU is rounded to this many before it is averaged or compared; None: not rounded. strict: a hit needs a
    tIoU above the threshold; otherwise at the threshold is enough.
    """

    decimals: int | None = None
    strict: bool = False

    def round(self, iou: Array) -> Array:
        return iou if self.decimals is None else np.round(iou, self.decimals)

    def hits(self, iou: Array, threshold: float) -> npt.NDArray[np.bool_]:
        rounded = self.round(iou)
        return rounded > threshold if self.strict else rounded >= threshold


MOMENT_DETR = Convention()  # also VTG-LLM, TFVTG, TimeLens, Time-R1
VTIMELLM = Convention(decimals=2)  # also TimeRefine
TAN_2D = Convention(strict=True)


def temporal_iou(predicted: npt.ArrayLike, truth: npt.ArrayLike) -> Array:
    """tIoU of segments [..., 2] in any one unit, broadcast; 0 where they don't overlap or one is empty or backwards."""
    a, b = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    overlap = np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0])
    hull = np.maximum(a[..., 1], b[..., 1]) - np.minimum(a[..., 0], b[..., 0])
    return _ratio(np.maximum(overlap, 0), hull)


def soft_iou(predicted: npt.ArrayLike, truth: npt.ArrayLike) -> Array:
    """tIoU that goes below 0 with the gap between disjoint segments [..., 2]; equals gIoU (TAR-TVG's reward)."""
    a, b = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    overlap = np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0])
    hull = np.maximum(a[..., 1], b[..., 1]) - np.minimum(a[..., 0], b[..., 0])
    return _ratio(overlap, hull)


def _ratio(part: Array, whole: Array) -> Array:
    positive = whole > 0
    return np.asarray(np.where(positive, part, 0) / np.where(positive, whole, 1), np.float64)


def best_iou(predicted: Sequence[float] | None, truths: Segments) -> float:
    """tIoU of one prediction with the truth it fits best; 0 for a missing one (None)."""
    if predicted is None or not len(truths):
        return 0.0
    return float(temporal_iou(np.asarray(predicted[:2]), np.asarray(truths)[:, :2]).max())


def recall_at_1(
    iou: Array, thresholds: Sequence[float] = R1_THRESHOLDS, convention: Convention = MOMENT_DETR
) -> dict[float, float]:
    """Threshold → percentage of queries whose first answer reaches it. iou: [N], one per query."""
    return {threshold: 100 * float(convention.hits(iou, threshold).mean()) for threshold in thresholds}


def mean_iou(iou: Array, convention: Convention = MOMENT_DETR) -> float:
    """mIoU in percent. iou: [N], one per query."""
    return 100 * float(convention.round(iou).mean())


def average_precision(predicted: Segments, truths: Segments, thresholds: Sequence[float] = MAP_THRESHOLDS) -> Array:
    """Average precision of one query's answers at each threshold, [len(thresholds)] in [0, 1].

    predicted: (start_s, end_s, score) each; the ten first count, best score first. Each truth is found once: by the
    first prediction that reaches the threshold with it and finds no better one free. Interpolated as in ActivityNet's
    evaluation (Caba Heilbron et al., CVPR 2015), which Moment-DETR uses query by query.
    """
    ranked = sorted(predicted[:MAP_PREDICTIONS], key=lambda segment: -segment[2])
    if not ranked or not len(truths):
        return np.zeros(len(thresholds))
    iou = temporal_iou(np.asarray(ranked)[:, None, :2], np.asarray(truths)[None, :, :2])  # [P, G]
    return np.array([_interpolated_precision(_found(iou, threshold), len(truths)) for threshold in thresholds])


def _found(iou: Array, threshold: float) -> npt.NDArray[np.bool_]:
    """Which predictions [P] find a truth that none before them found. iou: [P, G]."""
    found, free = np.zeros(len(iou), bool), np.ones(iou.shape[1], bool)
    for prediction, row in enumerate(iou):
        for truth in np.argsort(row)[::-1]:
            if row[truth] < threshold:
                break
            if free[truth]:
                found[prediction], free[truth] = True, False
                break
    return found


def _interpolated_precision(found: npt.NDArray[np.bool_], truths: int) -> float:
    hits = np.cumsum(found)
    recall = np.concatenate([[0.0], hits / truths, [1.0]])
    precision = np.concatenate([[0.0], hits / np.arange(1, len(found) + 1), [0.0]])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    rises = np.flatnonzero(np.diff(recall)) + 1
    return float(np.sum((recall[rises] - recall[rises - 1]) * precision[rises]))


def mean_average_precision(
    predicted: Sequence[Segments], truths: Sequence[Segments], thresholds: Sequence[float] = MAP_THRESHOLDS
) -> dict[float, float]:
    """Threshold → mAP in percent, the mean over queries; their mean is the benchmark's single figure."""
    table = np.array([average_precision(p, t, thresholds) for p, t in zip(predicted, truths, strict=True)])
    return dict(zip(thresholds, (100 * table.mean(axis=0)).tolist(), strict=True))


@dataclass(frozen=True)
class EdgeErrors:
    """Distance of predicted edges from true ones: median and 90th percentile, in seconds or in frames."""

    median: float
    p90: float
    count: int


def edge_errors(predicted: npt.ArrayLike, truth: npt.ArrayLike) -> EdgeErrors:
    """predicted, truth: edges [N] of hits, both in seconds or both in frames. NaN if there are none."""
    error = np.abs(np.asarray(predicted, np.float64) - np.asarray(truth, np.float64)).ravel()
    if not len(error):
        return EdgeErrors(float("nan"), float("nan"), 0)
    return EdgeErrors(float(np.median(error)), float(np.quantile(error, 0.9)), len(error))


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability plot: mean confidence and share of hits of `count` answers."""

    confidence: float
    accuracy: float
    count: int


def reliability(confidence: npt.ArrayLike, correct: npt.ArrayLike, bins: int = 10) -> list[Bin]:
    """Equal-width bins over [0, 1]; empty ones are left out. confidence: [N] in [0, 1]; correct: [N] bool."""
    sure, right = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    which = np.minimum((sure * bins).astype(int), bins - 1)
    members = [which == number for number in range(bins)]
    return [Bin(float(sure[m].mean()), float(right[m].mean()), int(m.sum())) for m in members if m.any()]


def expected_calibration_error(confidence: npt.ArrayLike, correct: npt.ArrayLike, bins: int = 10) -> float:
    """ECE (Guo et al., ICML 2017): mean gap between confidence and accuracy of the bins, weighted by their size."""
    table = reliability(confidence, correct, bins)
    return sum(b.count * abs(b.confidence - b.accuracy) for b in table) / sum(b.count for b in table)


def bootstrap_interval(
    groups: Sequence[npt.ArrayLike],
    statistic: Callable[[Array], float] = lambda values: float(values.mean()),
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of `statistic`, drawing whole groups.

    groups: the values [n_i] or rows [n_i, ...] of each video, since the queries of one video are not independent.
    """
    arrays = [np.asarray(group, np.float64) for group in groups]
    rng = np.random.default_rng(seed)
    drawn = [
        statistic(np.concatenate([arrays[i] for i in rng.integers(len(arrays), size=len(arrays))]))
        for _ in range(resamples)
    ]
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def whole_video(duration_s: float) -> tuple[float, float]:
    """The guess that needs no model: everything."""
    return 0.0, duration_s


def centre_half(duration_s: float) -> tuple[float, float]:
    """The middle half of the video."""
    return 0.25 * duration_s, 0.75 * duration_s


def best_constant(truths: Sequence[Segments], durations_s: Sequence[float], grid: int = 20) -> tuple[float, float]:
    """The share (start, end) of the duration, in 1/grid steps, with the best mIoU when it is always answered."""
    shares = [(a / grid, b / grid) for a in range(grid) for b in range(a + 1, grid + 1)]
    scores = [
        np.mean([best_iou((a * d, b * d), t) for t, d in zip(truths, durations_s, strict=True)]) for a, b in shares
    ]
    return shares[int(np.argmax(scores))]
