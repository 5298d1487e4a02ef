"""Asking questions as `find` does, without looking closer, and judging every answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tr_desktop.grounders.base import Grounder, Search
from tr_desktop.grounding import MAX_FILES, best_moments
from tr_desktop.limits import DEFAULT_STEPS, DEFAULT_TOP
from tr_desktop.moments import Indexed, Moment
from tr_desktop.training.metrics import best_iou
from tr_desktop.training.scores.questions import Question

RIGHT = 0.5  # tIoU


@dataclass(frozen=True)
class Answered:
    """The answers to a question, best first: their scores, and which are confident and which right, [≤ DEFAULT_TOP]."""

    question: Question
    scores: npt.NDArray[np.float64]
    confident: npt.NDArray[np.bool_]
    right: npt.NDArray[np.bool_]


def answer(questions: Iterable[Question], grounder: Grounder) -> Iterator[Answered]:
    """The first DEFAULT_TOP answers to each question."""
    steps = DEFAULT_STEPS - grounder.steps_that_look_closer(DEFAULT_STEPS)
    for question in questions:
        files, search = best_first(question)
        moments = list[Moment]()
        for _, so_far in best_moments(search, files, grounder, DEFAULT_TOP, steps):
            moments = so_far
        yield Answered(
            question,
            np.array([moment.score for moment in moments]),
            np.array([moment.confident for moment in moments], bool),
            np.array([is_right(question, moment) for moment in moments], bool),
        )


def best_first(question: Question) -> tuple[list[Indexed], Search]:
    """The files that `find` would read, those with the best frames; and its search."""
    best = np.array([float((item.vectors.astype(np.float32) @ question.vector).max()) for item in question.files])
    order = np.argsort(-best, kind="stable")[: max(MAX_FILES, DEFAULT_TOP)]
    search = Search(question.query, question.vector, len(best), tuple(best[order].tolist()))
    return [question.files[index] for index in order], search


def is_right(question: Question, moment: Moment) -> bool:
    """Whether the kept step has a tIoU of RIGHT with a window in which the query holds."""
    path, kept = moment.media.path, moment.refinement.kept
    if question.anywhere:
        return path in question.truths
    return best_iou((float(kept.start_s), float(kept.end_s)), question.truths.get(path, ())) >= RIGHT
