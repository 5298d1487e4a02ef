"""Adjusting a calibration to annotated footage: two numbers, kept near what they are.

Tens of queries can't fit weights. They can tell that scores are too high, or too far from a half: a bias and a scale of
the log-odds, which leave the ranking as it is. Both are pulled to the calibration's own (a Gaussian prior), and count
only if they hold on videos that they weren't fitted to.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import UserError
from tr_desktop.limits import DEFAULT_TOP
from tr_desktop.training.metrics import expected_calibration_error
from tr_desktop.training.scores.fitting import Calibration, chance
from tr_desktop.training.scores.samples import Array, Sample, first_answers

BIAS_SPREAD = 0.5  # standard deviation of the prior, in log-odds
SCALE_SPREAD = 0.25
LEAST_SCALE = 0.1
LEAST_VIDEOS = 3  # with annotated moments


def adjusted(own: Calibration, sample: Sample, videos: Sequence[str]) -> tuple[Calibration, float, float]:
    """(calibration, ECE of `own`, ECE of adjusted ones on the videos that each was not fitted to); the calibration is
    `own` itself if adjusting doesn't lower both ECE and log loss.

    videos: the one that each question is about; nonsense is about none, "". Raises UserError if there are too few.
    """
    about = np.array(videos)[sample.question]
    logit = own.logits(sample)
    answered = first_answers(sample.question, logit, 1) & (sample.weight == 1)
    names = sorted(set(about[answered]))
    if len(names) < LEAST_VIDEOS:
        raise UserError(
            f"Only {len(names)} of the videos have annotated moments",
            remedy=f"Annotate moments in at least {LEAST_VIDEOS} videos",
        )
    shown = first_answers(sample.question, logit, DEFAULT_TOP)
    held_out = logit.copy()
    for name in names:
        bias, scale = _fitted(logit, sample, shown & (about != name))
        held_out[about == name] = bias + scale * logit[about == name]
    right = sample.right[answered]
    before, after = (chance(values[answered]) for values in (logit, held_out))
    errors = expected_calibration_error(before, right), expected_calibration_error(after, right)
    if errors[1] >= errors[0] or _log_loss(after, right) >= _log_loss(before, right):
        return own, *errors
    bias, scale = _fitted(logit, sample, shown)
    weights = {name: scale * weight for name, weight in own.weights.items()}
    return Calibration(bias + scale * own.bias, weights), *errors


def _fitted(logit: Array, sample: Sample, chosen: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """(bias, scale) by Newton's method, from the chosen answers and the prior."""
    z = np.column_stack([np.ones(int(chosen.sum())), logit[chosen]])
    right, weight = sample.right[chosen].astype(np.float64), sample.weight[chosen]
    prior, precision = np.array([0.0, 1.0]), np.diag([BIAS_SPREAD**-2, SCALE_SPREAD**-2])
    w = np.zeros(2)  # from the prior itself, Newton's steps may be too long
    for _ in range(30):
        p = chance(z @ w)
        hessian = (z * (weight * p * (1 - p))[:, None]).T @ z + precision
        w += np.linalg.solve(hessian, z.T @ (weight * (right - p)) - precision @ (w - prior))
    return float(w[0]), max(float(w[1]), LEAST_SCALE)


def _log_loss(scores: Array, right: npt.NDArray[np.bool_]) -> float:
    p = np.clip(scores, 1e-9, 1 - 1e-9)
    return float(-np.where(right, np.log(p), np.log(1 - p)).mean())
