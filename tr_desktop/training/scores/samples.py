"""What calibrations are fitted to: answers to questions, with their evidence and whether they are right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.limits import DEFAULT_STEPS, DEFAULT_TOP
from tr_desktop.training.scores.answers import best_first, is_right
from tr_desktop.training.scores.questions import Question

Array = npt.NDArray[np.float64]

FILES = 6  # of those with the best frames; the others hardly ever have one of the first answers
UNANSWERED_WEIGHT = 0.2  # most searches are for things that the footage has


@dataclass(frozen=True)
class Sample:
    """Answers to questions. evidence: [A] values by name. question: [A], which one it answers; right, weight: [A]."""

    evidence: Mapping[str, Array]
    question: npt.NDArray[np.int64]
    right: npt.NDArray[np.bool_]
    weight: Array


def together(samples: Sequence[Sample]) -> Sample:
    """All answers of some samples."""
    first = np.cumsum([0, *(int(each.question.max()) + 1 for each in samples)])
    names = samples[0].evidence
    return Sample(
        {name: np.concatenate([each.evidence[name] for each in samples]) for name in names},
        np.concatenate([each.question + start for each, start in zip(samples, first, strict=False)]),
        np.concatenate([each.right for each in samples]),
        np.concatenate([each.weight for each in samples]),
    )


def gather(questions: Iterable[Question], grounder: TwoTower) -> Sample:
    """All answers from the FILES best files of each question."""
    steps = DEFAULT_STEPS - grounder.steps_that_look_closer(DEFAULT_STEPS)
    evidence: list[dict[str, float]] = []
    about: list[tuple[int, bool, float]] = []
    for number, question in enumerate(questions):
        files, search = best_first(question)
        weight = 1.0
        if not question.truths:
            weight = UNANSWERED_WEIGHT
        for item in files[:FILES]:
            for moment, found in grounder.weighed(search, item, DEFAULT_TOP, steps):
                evidence.append(found)
                about.append((number, is_right(question, moment), weight))
    columns = {name: np.array([each[name] for each in evidence]) for name in evidence[0]}
    numbers, right, weights = zip(*about, strict=True)
    return Sample(columns, np.array(numbers), np.array(right, bool), np.array(weights))


def first_answers(question: npt.NDArray[np.int64], scores: Array, top: int) -> npt.NDArray[np.bool_]:
    """Which of the answers [A] are among the `top` of their question."""
    order = np.lexsort((-scores, question))
    place = np.arange(len(order)) - np.searchsorted(question[order], question[order])
    first = np.empty(len(order), bool)
    first[order] = place < top
    return first
