"""How much a model's probabilities count for the score of its answers: a logistic regression on annotated footage.

Tens of answers can't fit much. The weights are pulled to 0 (a Gaussian prior), must have the sign that they must have,
and count only if they help on videos that they weren't fitted to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import UserError
from tr_desktop.grounders.video_llm.judging import BIAS, EVIDENCE, SEARCH
from tr_desktop.training.grounder_evaluation.asking import Asked
from tr_desktop.training.metrics import Array, expected_calibration_error

LEAST_MOMENTS = 30
LEAST_VIDEOS = 3
UNANSWERED_WEIGHT = 0.2  # as for the scores of searches: most are for things that the footage has
_RIDGE = 1.0  # of the standardised evidence: a weight of 1 is one standard deviation of the prior


@dataclass(frozen=True)
class Calibrated:
    """weights: by name of the evidence, and the bias. before, after: log loss of the search's scores, and of weights on
    the videos that they weren't fitted to. ece_before, ece_after: likewise."""

    weights: dict[str, float]
    before: float
    after: float
    ece_before: float
    ece_after: float


@dataclass(frozen=True)
class _Sample:
    """[A] answers of the model. columns: their evidence by name."""

    columns: dict[str, Array]
    right: npt.NDArray[np.bool_]
    weight: Array
    video: npt.NDArray[np.str_]


def calibrate(asked: Sequence[Asked]) -> Calibrated:
    """The weights by annotated queries, and by queries that don't hold where they were asked.

    Raises UserError if there are too few annotated moments, or if the weights don't help.
    """
    expect_enough([each.video for each in asked if each.windows_s and each.weighed])
    sample = _sample(asked)
    own = _chance(sample.columns[SEARCH])
    held_out = np.empty_like(own)
    for video in np.unique(sample.video):
        is_out = sample.video == video
        held_out[is_out] = _chances(_fitted(sample, ~is_out), sample)[is_out]
    found = Calibrated(
        _fitted(sample, np.ones(len(own), bool)),
        _log_loss(own, sample),
        _log_loss(held_out, sample),
        expected_calibration_error(own, sample.right),
        expected_calibration_error(held_out, sample.right),
    )
    if found.after >= found.before:
        raise UserError(
            "The weights don't help: on videos that they weren't fitted to, the log loss is"
            f" {found.after:.3f}, and {found.before:.3f} with the scores of the search",
            remedy="Keep the scores of the search, or annotate more videos",
        )
    return found


def expect_enough(videos: Sequence[str]) -> None:
    """videos: the one of each annotated moment that the model answered. Raises UserError if these are too few."""
    if len(videos) < LEAST_MOMENTS or len(set(videos)) < LEAST_VIDEOS:
        raise UserError(
            f"There are too few annotated moments that the model answers: {len(videos)} in {len(set(videos))} videos",
            remedy=f"Annotate at least {LEAST_MOMENTS} moments in {LEAST_VIDEOS} videos",
        )


def _sample(asked: Sequence[Asked]) -> _Sample:
    answers = [(each, weighed) for each in asked for weighed in each.weighed]
    known = [name for name in EVIDENCE if all(name in weighed.evidence for _, weighed in answers)]
    return _Sample(
        {name: np.array([weighed.evidence[name] for _, weighed in answers]) for name in known},
        np.array([weighed.is_right for _, weighed in answers], bool),
        np.array([1.0 if each.windows_s else UNANSWERED_WEIGHT for each, _ in answers]),
        np.array([each.video for each, _ in answers]),
    )


def _fitted(sample: _Sample, chosen: npt.NDArray[np.bool_]) -> dict[str, float]:
    """The weights by the chosen answers. Evidence that speaks against its meaning is left out."""
    names = [name for name, values in sample.columns.items() if np.ptp(values[chosen]) > 0]
    while True:
        weights = _logistic(sample, names, chosen)
        wrong = [name for name in names if weights[name] < 0]
        if not wrong:
            return weights
        names = [name for name in names if name not in wrong]


def _logistic(sample: _Sample, names: Sequence[str], chosen: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Newton's method on standardised evidence."""
    right, weight = sample.right[chosen].astype(np.float64), sample.weight[chosen]
    x = np.column_stack([np.empty((len(right), 0)), *(sample.columns[name][chosen] for name in names)])
    mean, std = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    z = np.column_stack([np.ones(len(right)), (x - mean) / std])
    w, ridge = np.zeros(z.shape[1]), _RIDGE * np.diag([1e-3, *np.ones(len(names))])
    for _ in range(50):
        p = _chance(z @ w)
        hessian = (z * (weight * p * (1 - p))[:, None]).T @ z + ridge
        w += np.linalg.solve(hessian, z.T @ (weight * (right - p)) - ridge @ w)
    weights = w[1:] / std
    return dict(zip(names, weights.tolist(), strict=True)) | {BIAS: float(w[0] - weights @ mean)}


def _chances(weights: dict[str, float], sample: _Sample) -> Array:
    logit = np.full(len(sample.right), weights[BIAS])
    for name, weight in weights.items():
        if name != BIAS:
            logit += weight * sample.columns[name]
    return _chance(logit)


def _chance(logit: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -60, 60))), np.float64)


def _log_loss(scores: Array, sample: _Sample) -> float:
    p = np.clip(scores, 1e-9, 1 - 1e-9)
    losses = -np.where(sample.right, np.log(p), np.log(1 - p))
    return float(np.average(losses, weights=sample.weight))
