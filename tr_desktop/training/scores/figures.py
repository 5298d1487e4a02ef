"""What scores are worth, in figures with bootstrap intervals over whole videos.

A score is the chance that a moment is right (tIoU of at least 0.5 with a true one, among all that was searched).
Beside it stands the trivial score, the share of right answers given to every answer: calibrated, but it tells nothing
apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tr_desktop.training.metrics import bootstrap_interval, expected_calibration_error
from tr_desktop.training.scores.answers import Answered
from tr_desktop.training.scores.questions import ABSENT, LIBRARY, NONSENSE, OTHER, OWN

Table = npt.NDArray[np.float64]
"""[answers, 3]: score, whether it is confident, whether it is right."""


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % bootstrap interval. count: the questions or answers behind it."""

    name: str
    value: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.name:58s} {self.value:6.3f}  [{self.low:.3f}, {self.high:.3f}]  n={self.count}"


def figures(answered: Sequence[Answered], title: str) -> list[Figure]:
    """The figures of some questions about one set, each name beginning with `title`."""
    found: list[Figure] = []
    for kind in (OWN, LIBRARY):
        some = [each for each in answered if each.question.kind == kind]
        if some:
            found += _about_answers(some, f"{title}, {kind}")
    for kind in (ABSENT, OTHER, NONSENSE):
        some = [each for each in answered if each.question.kind == kind]
        if some:
            groups = _grouped(some, lambda each: np.array([float(each.confident.any())]))
            found.append(_figure(f"{title}, {kind}: any confident", groups, _mean))
    return found


def table(answered: Sequence[Answered], kinds: Sequence[str], top: int) -> Table:
    """The `top` answers to every question of these kinds."""
    some = [_rows(each, top) for each in answered if each.question.kind in kinds]
    return np.concatenate(some) if some else np.empty((0, 3))


def area_under_curve(scores: npt.ArrayLike, right: npt.ArrayLike) -> float:
    """The chance that a right answer scores above a wrong one; ties count half, and 0.5 if either is missing."""
    values, is_right = np.asarray(scores, np.float64), np.asarray(right, bool)
    good, bad = values[is_right], values[~is_right]
    if not len(good) or not len(bad):
        return 0.5
    above = np.sign(good[:, None] - bad[None, :])
    return float((above + 1).mean() / 2)


def unavoidable_error(scores: npt.ArrayLike, draws: int = 200) -> float:
    """The mean ECE of these scores if they were the true chances: so few answers show as much by luck alone."""
    values, rng = np.asarray(scores, np.float64), np.random.default_rng(0)
    drawn = (rng.random((draws, len(values))) < values).astype(np.float64)
    return float(np.mean([expected_calibration_error(values, right) for right in drawn]))


def _about_answers(some: Sequence[Answered], title: str) -> list[Figure]:
    first = _grouped(some, lambda each: _rows(each, 1))
    five = _grouped(some, lambda each: _rows(each, 5))
    return [
        _figure(f"{title}: first answer right", first, lambda t: _mean(t[:, 2])),
        _figure(f"{title}: first answer, ECE", first, lambda t: expected_calibration_error(t[:, 0], t[:, 2])),
        _figure(f"{title}: first answer, ECE of luck alone", first, lambda t: unavoidable_error(t[:, 0], 20)),
        _figure(f"{title}: first answer, Brier", first, lambda t: _mean((t[:, 0] - t[:, 2]) ** 2)),
        _figure(
            f"{title}: first answer, Brier of the base rate", first, lambda t: t[:, 2].mean() * (1 - t[:, 2].mean())
        ),
        _figure(f"{title}: first answer, area under the curve", first, lambda t: area_under_curve(t[:, 0], t[:, 2])),
        _figure(f"{title}: first answer confident", first, lambda t: _mean(t[:, 1])),
        _figure(f"{title}: confident first answers right", first, lambda t: _share(t[:, 2], t[:, 1])),
        _figure(f"{title}: right first answers confident", first, lambda t: _share(t[:, 1], t[:, 2])),
        _figure(f"{title}: first five, ECE", five, lambda t: expected_calibration_error(t[:, 0], t[:, 2])),
        _figure(f"{title}: first five, area under the curve", five, lambda t: area_under_curve(t[:, 0], t[:, 2])),
        _figure(f"{title}: first five, confident", five, lambda t: _mean(t[:, 1])),
        _figure(f"{title}: first five, confident ones right", five, lambda t: _share(t[:, 2], t[:, 1])),
    ]


def _rows(each: Answered, top: int) -> Table:
    return np.column_stack([each.scores, each.confident, each.right])[:top].astype(np.float64)


def _grouped(some: Sequence[Answered], rows: Callable[[Answered], Table]) -> list[Table]:
    groups: dict[str, list[Table]] = {}
    for each in some:
        groups.setdefault(each.question.group, []).append(rows(each))
    return [np.concatenate(parts) for parts in groups.values()]


def _figure(name: str, groups: Sequence[Table], statistic: Callable[[Table], float]) -> Figure:
    everything = np.concatenate(groups)
    low, high = bootstrap_interval(groups, statistic, resamples=400)
    return Figure(name, float(statistic(everything)), low, high, len(everything))


def _mean(values: Table) -> float:
    return float(values.mean())


def _share(values: Table, among: Table) -> float:
    """The mean of `values` where `among` is 1; 0 if it is nowhere."""
    return float((values * among).sum() / max(among.sum(), 1.0))
