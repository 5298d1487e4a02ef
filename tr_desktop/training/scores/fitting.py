"""From evidence to a score: a logistic regression whose weights have the signs that they must have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tr_desktop.limits import DEFAULT_TOP
from tr_desktop.models.pack import Pack
from tr_desktop.training.metrics import expected_calibration_error
from tr_desktop.training.scores.samples import Array, Sample, first_answers

SIGNS = {"peak_z": 1, "refined": 1, "gap": 1, "log_files": -1}
"""The evidence: 1 if more of it must never lower a score, -1 if it must never raise one."""
ROUNDS = 4
RIDGE = 1e-4
NOWHERE_ALLOWED = 0.05  # share of the unanswered questions with a confident answer


@dataclass(frozen=True)
class Calibration:
    """The fitted logistic. weights: by name of the evidence."""

    bias: float
    weights: Mapping[str, float]

    def logits(self, sample: Sample) -> Array:
        """The log-odds [A] of the sample's answers."""
        logit = np.full(len(sample.right), self.bias, np.float64)
        for name, weight in self.weights.items():
            logit += weight * sample.evidence[name]
        return logit

    def scores(self, sample: Sample) -> Array:
        """The scores [A] of the sample's answers."""
        return chance(self.logits(sample))


def calibration_of(pack: Pack) -> Calibration:
    """The calibration that a pack has."""
    return Calibration(pack.bias, pack.weights)


def chance(logit: npt.ArrayLike) -> Array:
    """Chances from log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -60, 60))), np.float64)


def fit(sample: Sample, signs: Mapping[str, int] = SIGNS) -> Calibration:
    """The calibration by the evidence named in `signs`: 1 if more of it must never lower a score, -1 if never raise it.

    It is fitted on the answers that it puts first itself. Evidence that is the same for all answers is left out.
    """
    names = [name for name in signs if np.ptp(sample.evidence[name]) > 0]
    while True:
        chosen = np.ones(len(sample.right), bool)
        for _ in range(ROUNDS):
            found = _logistic(sample, names, chosen)
            chosen = first_answers(sample.question, found.scores(sample), DEFAULT_TOP)
        wrong = [name for name in names if found.weights[name] * signs[name] < 0]
        if not wrong:
            return found
        names = [name for name in names if name not in wrong]


def threshold(sample: Sample, scores: Array) -> float:
    """The score from which a moment is confident: a half, since it is then more likely right than wrong; higher if more
    than NOWHERE_ALLOWED of the questions without an answer would get a confident one."""
    best = first_answers(sample.question, scores, 1)
    nowhere = scores[best][sample.weight[best] < 1]
    return max(0.5, float(np.quantile(nowhere, 1 - NOWHERE_ALLOWED))) if len(nowhere) else 0.5


def error(calibration: Calibration, sample: Sample) -> float:
    """The ECE of the first answers to questions that have one."""
    scores = calibration.scores(sample)
    first = first_answers(sample.question, scores, 1) & (sample.weight == 1)
    return expected_calibration_error(scores[first], sample.right[first])


def _logistic(sample: Sample, names: Sequence[str], chosen: npt.NDArray[np.bool_]) -> Calibration:
    """Newton's method on standardised evidence."""
    x = np.column_stack([np.empty((int(chosen.sum()), 0)), *(sample.evidence[name][chosen] for name in names)])
    y, weight = sample.right[chosen].astype(np.float64), sample.weight[chosen]
    mean, std = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    z = np.column_stack([np.ones(len(y)), (x - mean) / std])
    w, ridge = np.zeros(z.shape[1]), RIDGE * weight.sum() * np.diag([0.0, *np.ones(len(names))])
    for _ in range(30):
        p = chance(z @ w)
        hessian = (z * (weight * p * (1 - p))[:, None]).T @ z + ridge + 1e-9 * np.eye(len(w))
        w += np.linalg.solve(hessian, z.T @ (weight * (y - p)) - ridge @ w)
    weights = w[1:] / std
    return Calibration(float(w[0] - weights @ mean), dict(zip(names, weights.tolist(), strict=True)))
