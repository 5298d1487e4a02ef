"""What an answer with anchors earns in reinforcement learning: its form, its times, and anchors that get nearer.

TAR-TVG (arXiv 2508.07683) names three rewards: for a valid form, soft IoU for the answer, and one for the anchors that
weighs later ones more and pays for progress. Its formulas and weights aren't published where we could read them.
The ones here are ours: weights that rise as 1, 2, 3, a bonus of 0.5 for progress, 0.25 off for each anchor over three,
and an equal say of the three. `iou_v2` is Time-R1's reward for the answer, which doesn't pay for hedging with a long
one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from tr_desktop.training.metrics import soft_iou, temporal_iou

Segment = tuple[float, float]  # start_s, end_s from the window's start

ANCHORS_MOST = 3
_PROGRESS = 0.5
_TOO_MANY = 0.25
_UNREADABLE = -1.0

_TIMES = r"\s*(\d{1,7}(?:\.\d{1,6})?)\s*to\s*(\d{1,7}(?:\.\d{1,6})?)\s*"  # as `answers.py` bounds numbers
_ANCHOR = re.compile(rf"<time(?:step|stamp)>{_TIMES}</time(?:step|stamp)>")
_ANSWER = re.compile(rf"<answer>{_TIMES}</answer>")
_WHOLE = re.compile(rf"\s*<think>((?:(?!</?(?:think|answer)>).)*)</think>\s*<answer>{_TIMES}</answer>\s*", re.DOTALL)


@dataclass(frozen=True)
class Trace:
    """What a model wrote. answer: None if there is none, or its end isn't after its start. is_well_formed: it is one
    <think> with one to three anchors, then one <answer>, and every segment has its end after its start."""

    anchors: tuple[Segment, ...]
    answer: Segment | None
    is_well_formed: bool


def read_trace(text: str) -> Trace:
    anchors = tuple(_segment(match) for match in _ANCHOR.finditer(text))
    found = _ANSWER.search(text)
    answer = _segment(found) if found else None
    if answer is not None and answer[0] >= answer[1]:
        answer = None
    is_well_formed = (
        _WHOLE.fullmatch(text) is not None
        and answer is not None
        and 1 <= len(anchors) <= ANCHORS_MOST
        and all(start < end for start, end in anchors)
    )
    return Trace(anchors, answer, is_well_formed)


def is_progress(trace: Trace, truth: Segment) -> bool:
    """Whether there are two anchors or more, each nearer to the truth than the last, and the answer no worse."""
    if len(trace.anchors) < 2 or trace.answer is None:
        return False
    near = [_soft(anchor, truth) for anchor in trace.anchors]
    return all(one < other for one, other in pairwise(near)) and near[-1] <= _soft(trace.answer, truth)


def form_reward(trace: Trace) -> float:
    """1 if the form is right, else 0."""
    return float(trace.is_well_formed)


def anchor_reward(trace: Trace, truth: Segment) -> float:
    """Soft IoU of the anchors, later ones weighing more; more for progress, less for too many; 0 without anchors."""
    if not trace.anchors:
        return 0.0
    weights = range(1, len(trace.anchors) + 1)
    near = sum(w * _soft(a, truth) for w, a in zip(weights, trace.anchors, strict=True)) / sum(weights)
    too_many = max(len(trace.anchors) - ANCHORS_MOST, 0)
    return near + _PROGRESS * is_progress(trace, truth) - _TOO_MANY * too_many


def soft_iou_reward(answer: Segment | None, truth: Segment, length_s: float) -> float:
    """TAR-TVG's: tIoU, below 0 by the gap if they are apart; -1 if there is no answer."""
    return _UNREADABLE if answer is None else _soft(answer, truth)


def iou_v2_reward(answer: Segment | None, truth: Segment, length_s: float) -> float:
    """Time-R1's: tIoU, less for each edge by its error as a share of the window; 0 if there is no answer."""
    if answer is None:
        return 0.0
    start_error, end_error = (abs(got - wanted) / length_s for got, wanted in zip(answer, truth, strict=True))
    return float(temporal_iou(answer, truth)) * (1 - start_error) * (1 - end_error)


ANSWER_REWARDS: Mapping[str, Callable[[Segment | None, Segment, float], float]] = {
    "soft_iou": soft_iou_reward,
    "iou_v2": iou_v2_reward,
}


def reward(text: str, truth: Segment, length_s: float, kind: str = "soft_iou") -> dict[str, float]:
    """The parts of the reward of one answer by name; their sum counts. kind: one of ANSWER_REWARDS."""
    trace = read_trace(text)
    return {
        "form": form_reward(trace),
        "answer": ANSWER_REWARDS[kind](trace.answer, truth, length_s),
        "anchors": anchor_reward(trace, truth),
    }


def _segment(match: re.Match[str]) -> Segment:
    start, end = match.groups()[-2:]
    return float(start), float(end)


def _soft(segment: Segment, truth: Segment) -> float:
    """Soft IoU, the same as gIoU in one dimension; -1 if the end isn't after the start."""
    return float(soft_iou(segment, truth)) if segment[0] < segment[1] else _UNREADABLE
