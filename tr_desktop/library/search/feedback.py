"""Relevance feedback: answers judged right or wrong move the query towards their pictures, or away (Rocchio).

Wrong answers alone don't move it: they show what the query doesn't mean, but not what it means, and lists got worse.
Text and pictures lie in different cones of the vector space, so a picture counts by its difference from unrelated ones.
Sentence and pictures are weighed in the same unit, as terms are (`terms.py`): how much each one's similarity to
unrelated pictures varies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tr_desktop.moments import Indexed, Judgement, Moment

# Weights of the mean right picture and of the mean wrong one, beside 1 for the query: measured (docs/experiments.md).
RIGHT, WRONG = 0.5, -0.1

Vector = npt.NDArray[np.float32]


def judged_vector(
    vector: Vector, judgements: Iterable[Judgement], load: Callable[[Path], Indexed], background: Vector
) -> tuple[Vector, tuple[Judgement, ...]]:
    """The query vector [D] moved by `judgements`, L2-normalised, and those of them that count.

    load: from a path to the file as the pack has indexed it, or KeyError; a judgement about a file that the library
    doesn't have, or that the pack hasn't read that far, doesn't count. background: [N, D] of unrelated pictures.
    """
    pictures: dict[bool, list[Vector]] = {True: [], False: []}
    counted = []
    for judgement in judgements:
        picture = _picture(judgement, load)
        if picture is not None:
            pictures[judgement.is_right].append(picture)
            counted.append(judgement)
    if not pictures[True]:
        return vector, tuple(counted)
    moved = vector / _spread(background, vector)
    for is_right, weight in ((True, RIGHT), (False, WRONG)):
        if pictures[is_right]:
            towards = np.mean(pictures[is_right], axis=0) - background.mean(axis=0)
            moved = moved + weight * towards / _spread(background, towards)
    return np.asarray(moved / max(float(np.linalg.norm(moved)), 1e-12), np.float32), tuple(counted)


def ranked(moments: Iterable[Moment], judgements: Sequence[Judgement]) -> list[Moment]:
    """`moments`, best first: those judged right at first, those judged wrong left out."""
    right = [each for each in judgements if each.is_right]

    def place(moment: Moment) -> tuple[bool, float]:
        return not any(each.is_about(moment) for each in right), -moment.score

    return sorted(without_wrong(moments, judgements), key=place)


def without_wrong(moments: Iterable[Moment], judgements: Sequence[Judgement]) -> Iterator[Moment]:
    """`moments` without those judged wrong."""
    wrong = [each for each in judgements if not each.is_right]
    return (moment for moment in moments if not any(each.is_about(moment) for each in wrong))


def _picture(judgement: Judgement, load: Callable[[Path], Indexed]) -> Vector | None:
    """The row nearest to the judged frame."""
    try:
        item = load(judgement.path)
    except KeyError:
        return None
    if judgement.frame >= len(item.footage):
        return None
    row = round(item.times.time_s(judgement.frame) / item.every_s)
    return np.asarray(item.vectors[min(row, len(item.vectors) - 1)], np.float32)


def _spread(background: Vector, vector: Vector) -> float:
    return max(float((background @ vector).std()), 1e-6)
