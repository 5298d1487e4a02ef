"""Training-free refinement: each edge moves to where local evidence and shot changes put it.

It is the baseline that the learned refiner has to beat. One step looks at the boundaries within a reach of each edge.
A boundary is good if similarity rises into the segment (falls out of it), and if the picture changes. The span of
frames compared, and the distance that an edge moves at little cost, halve from step to step: early steps find the right
event, later ones its edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Seconds on both sides of an edge that a step looks at, and the span that the first step compares.
REACH_S = 2.0
# Worth of a complete change of picture, beside a rise of similarity in units of the curve's spread.
CHANGE_WEIGHT = 1.0
# Cost of moving an edge by the span, in the same units.
MOVE_COST = 0.5
# Softmax temperature of the edge confidence, in the same units.
TEMPERATURE = 0.25


@dataclass(frozen=True)
class RowStep:
    """One step's answer in sampled frames: window [start, end) and the confidence of each edge, in [0, 1]."""

    start: int
    end: int
    start_confidence: float
    end_confidence: float


def shot_change(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """How much the picture changes at each boundary [T + 1]: 0 the same, 1 as unlike as frames of this file get.

    vectors: [T, D], L2-normalised. The file's own start and end are complete changes.
    """
    rows = vectors.astype(np.float32)
    change = np.ones(len(rows) + 1, np.float32)
    unlike = 1 - np.sum(rows[1:] * rows[:-1], axis=1)
    if len(unlike):
        change[1:-1] = np.clip(unlike / max(float(unlike.max()), 0.2), 0, 1)
    return change


def refine_edges(
    curve: npt.NDArray[np.float32],
    change: npt.NDArray[np.float32],
    rough: tuple[int, int],
    steps: int,
    fps: float,
) -> list[RowStep]:
    """`steps` + 1 answers, the rough one first.

    curve: [T] similarity of each sampled frame to the query; change: [T + 1] from `shot_change`.
    rough: window [start, end).
    fps: sampled frames a second; it scales the reach only.
    """
    start, end = rough
    reach = max(1, round(REACH_S * fps))
    answers = []
    for step in range(steps + 1):
        span = max(1, reach >> max(step - 1, 0))
        new_start, start_confidence = _best_boundary(curve, change, start, (0, end - 1), reach, span, rising=True)
        new_end, end_confidence = _best_boundary(curve, change, end, (start + 1, len(curve)), reach, span, rising=False)
        if step > 0 and new_start < new_end:
            start, end = new_start, new_end
        answers.append(RowStep(start, end, start_confidence, end_confidence))
    return answers


def _best_boundary(
    curve: npt.NDArray[np.float32],
    change: npt.NDArray[np.float32],
    edge: int,
    limits: tuple[int, int],
    reach: int,
    span: int,
    *,
    rising: bool,
) -> tuple[int, float]:
    """The best boundary within `reach` of `edge` and within `limits`, and its confidence.

    Confidence is the share of all candidates' evidence that lies on it and its two neighbours. It leaves out the cost
    of moving, because the edge's old place isn't evidence.
    """
    candidates = np.arange(max(limits[0], edge - reach), min(limits[1], edge + reach) + 1)
    spread = max(float(curve.std()), 1e-3)
    rise = np.array([_mean(curve, b, b + span) - _mean(curve, b - span, b) for b in candidates.tolist()]) / spread
    evidence = (rise if rising else -rise) + CHANGE_WEIGHT * change[candidates]
    best = int(np.argmax(evidence - MOVE_COST * np.abs(candidates - edge) / span))
    weight = np.exp((evidence - evidence.max()) / TEMPERATURE)
    return int(candidates[best]), float(weight[max(best - 1, 0) : best + 2].sum() / weight.sum())


def _mean(curve: npt.NDArray[np.float32], start: int, end: int) -> float:
    """Mean of the frames of [start, end) that exist; beyond the file, the file's mean."""
    inside = curve[max(start, 0) : max(end, 0)]
    return float(inside.mean()) if len(inside) else float(curve.mean())
