"""How well a grounder answers about videos that it doesn't learn from, beside an answer that needs no model.

A reward can rise while a grounder learns to say "the whole clip": soft IoU pays for that. So every table has the best
constant answer beside it, and reinforcement learning stops when R1@0.7 falls while the reward rises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from tr_desktop.grounders.video_llm.answers import WrittenSegment, segments_in
from tr_desktop.training import metrics
from tr_desktop.training.grounder.data import Example, Look, Segment, asked, window_and_truth
from tr_desktop.training.grounder.policy import Policy

_THRESHOLDS = (0.3, 0.5, 0.7)


@dataclass(frozen=True)
class Figures:
    """In percent. recall: R1 at tIoU 0.3, 0.5 and 0.7. miou: mean tIoU. answered: queries with a readable answer.
    by_step: mIoU of the steps on the way and of the answer, of the answers that have most steps."""

    recall: tuple[float, ...]
    miou: float
    answered: float
    by_step: tuple[float, ...] = ()

    def __str__(self) -> str:
        recall = " / ".join(f"{value:.1f}" for value in self.recall)
        steps = f"; by step {', '.join(f'{value:.1f}' for value in self.by_step)}" if len(self.by_step) > 1 else ""
        return f"R1@0.3/0.5/0.7 {recall}, mIoU {self.miou:.1f}, answered {self.answered:.0f} %{steps}"


def measure(policy: Policy, examples: Sequence[Example], look: Look, longest: int) -> Figures:
    """Its greedy answers about `examples`, of up to `longest` tokens; the windows are always the same."""
    ious, steps = list[float](), list[list[float]]()
    for example in examples:
        question, truth_s = asked(example, look, Random(example.name))
        ids = policy.sample(policy.prompt(question), 1, longest, temperature=0)[0]
        found = list(segments_in([(policy.text_of(ids), None)], policy.preset.answer, question.length_s))
        answers = [segment for segment in found if segment.is_answer]
        ious.append(_iou(answers[0], truth_s) if answers else 0.0)
        if answers:
            steps.append([_iou(segment, truth_s) for segment in found])
    most = max(map(len, steps), default=0)
    full = [each for each in steps if len(each) == most]
    by_step = tuple(100 * float(value) for value in np.mean(full, 0)) if full else ()
    return _figures(ious, len(steps) / len(examples), by_step)


def constant_answer(training: Sequence[Example], held: Sequence[Example], look: Look) -> tuple[Segment, Figures]:
    """The share of a window that is best to answer always, by the training examples, and what it reaches on `held`."""
    shown = [window_and_truth(example, look, Random(example.name)) for example in training]
    share = metrics.best_constant([[truth_s] for _, truth_s in shown], [length_s for length_s, _ in shown])
    ious = []
    for example in held:
        length_s, truth_s = window_and_truth(example, look, Random(example.name))
        start_s, end_s = (part * length_s for part in share)
        ious.append(metrics.best_iou((start_s, end_s), [truth_s]))
    return share, _figures(ious, 1.0)


def has_gone_blind(history: Sequence[tuple[float, float]]) -> bool:
    """Whether R1@0.7 is below its first figure twice in a row while the reward is above its first. history: (reward,
    R1@0.7) of each time it was measured."""
    (first_reward, first_recall), *rest = history
    return len(rest) >= 2 and all(reward > first_reward and recall < first_recall for reward, recall in rest[-2:])


def _figures(ious: Sequence[float], answered: float, by_step: tuple[float, ...] = ()) -> Figures:
    iou = np.asarray(ious)
    recall = metrics.recall_at_1(iou, _THRESHOLDS)
    return Figures(tuple(recall[each] for each in _THRESHOLDS), metrics.mean_iou(iou), 100 * answered, by_step)


def _iou(segment: WrittenSegment, truth_s: Segment) -> float:
    return metrics.best_iou((float(segment.start_s), float(segment.end_s)), [truth_s])
