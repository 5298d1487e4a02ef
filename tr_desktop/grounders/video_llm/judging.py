"""What speaks for a model's answer, and the score that a fitted calibration makes of it.

The probability of a digit is not the chance that an answer is right: models trained by rewards are too sure of their
digits. So it counts only through weights that were fitted to annotated footage (`tr-desktop evaluate grounder
--calibrate`), which are kept in the pack. Without weights, the score of the search stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

PRESENT = 0.5
"""From this probability on, the model says that the event is there."""
CONFIDENT = 0.5
"""The calibrated score from which a moment is confident: it is more often right than wrong."""
BIAS = "bias"
SEARCH, PRESENCE, EDGES, AGREEMENT = EVIDENCE = ("search", "presence", "edges", "agreement")
_SURE = 1e-4
_LEAST_EDGES = -10.0  # below, a model just writes digits


def evidence(search: float, presence: float | None, edges: float | None, agreement: float) -> dict[str, float]:
    """The evidence for an answer, by the names that a calibration uses; what isn't known is left out.

    search: the score by the search. presence: the probability that the model gives the event. edges: mean
    log-probability of both edges' digits. agreement: tIoU with the refiner's segment, 0 if the search found none there.
    """
    known = {SEARCH: log_odds(search), AGREEMENT: agreement}
    if presence is not None:
        known[PRESENCE] = log_odds(presence)
    if edges is not None:
        known[EDGES] = max(edges, _LEAST_EDGES)
    return known


def calibrated_score(calibration: Mapping[str, float] | None, known: Mapping[str, float]) -> float | None:
    """The chance that an answer is right; None without a calibration, or if it uses evidence that isn't known."""
    if calibration is None or any(name not in known for name in calibration if name != BIAS):
        return None
    logit = sum(weight * (1.0 if name == BIAS else known[name]) for name, weight in calibration.items())
    return 1 / (1 + math.exp(-min(max(logit, -60.0), 60.0)))


def log_odds(probability: float) -> float:
    sure = min(max(probability, _SURE), 1 - _SURE)
    return math.log(sure / (1 - sure))
