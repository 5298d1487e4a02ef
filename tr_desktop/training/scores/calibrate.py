"""From evidence to a score: a logistic regression fitted on libraries composed from clips that the pack never saw.

A score is the chance that a moment is right among all that was searched, so it is fitted on what a search answers: the
first answers from libraries of several sizes, also of queries that nothing there answers. The weights have the signs
that they must have: evidence of another sign than its meaning is left out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.limits import DEFAULT_STEPS, DEFAULT_TOP
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import Pack
from tr_desktop.training.metrics import expected_calibration_error
from tr_desktop.training.refiner.sources import Sources
from tr_desktop.training.scores.answers import best_first, is_right
from tr_desktop.training.scores.material import encoded_clips, halves
from tr_desktop.training.scores.questions import SIZES, SPARE_VIDEOS, ComposedLibraries, Question

Array = npt.NDArray[np.float64]

SIGNS = {"peak_z": 1, "refined": 1, "gap": 1, "log_files": -1}
"""The evidence: 1 if more of it must never lower a score, -1 if it must never raise one."""
FILES = 6  # of those with the best frames; the others hardly ever have one of the first answers
ROUNDS = 4
RIDGE = 1e-4
UNANSWERED_WEIGHT = 0.2  # most searches are for things that the footage has
NOWHERE_ALLOWED = 0.05  # share of the unanswered questions with a confident answer


@dataclass(frozen=True)
class Sample:
    """Answers to questions. evidence: [A] values by name. question: [A], which one it answers; right, weight: [A]."""

    evidence: Mapping[str, Array]
    question: npt.NDArray[np.int64]
    right: npt.NDArray[np.bool_]
    weight: Array


@dataclass(frozen=True)
class Calibration:
    """The fitted logistic. weights: by name of the evidence."""

    bias: float
    weights: Mapping[str, float]

    def scores(self, sample: Sample) -> Array:
        """The scores [A] of the sample's answers."""
        logit = np.full(len(sample.right), self.bias)
        for name, weight in self.weights.items():
            logit += weight * sample.evidence[name]
        return np.asarray(1 / (1 + np.exp(-np.clip(logit, -60, 60))), np.float64)


def calibrate(pack: Pack, data: Path, cache: Path, count: int, seed: int) -> tuple[Calibration, float, float]:
    """(calibration, threshold, ECE on clips that it wasn't fitted to) of a pack, from the clips of `data`.

    Libraries of each of SIZES are composed from each half of the clips and asked `count` queries, as many whose answer
    isn't there, and half as much nonsense. The ECE is of fitting to one half and testing on the other, in turn.
    cache: folder for encoded clips.
    """
    encoder = Encoder(pack)
    with tempfile.TemporaryDirectory(prefix="tr-calibrate-") as folder, Catalog(Path(folder)) as catalog:
        grounder = TwoTower(catalog, encoder)
        first, second = (
            _asked(part, encoder, grounder, count, seed + number)
            for number, part in enumerate(halves(encoded_clips(data, cache, encoder)))
        )
    everything = together([first, second])
    found = fit(everything)
    error = (_error(fit(first), second) + _error(fit(second), first)) / 2
    return found, threshold(everything, found.scores(everything)), error


def _asked(sources: Sources, encoder: Encoder, grounder: TwoTower, count: int, seed: int) -> Sample:
    libraries = ComposedLibraries(sources, max(SIZES) + SPARE_VIDEOS, seed, 1 / encoder.pack.sample_fps)
    samples = []
    for size in SIZES:
        strange = libraries.nonsense(size, count // 2, encoder.encode_text, seed)
        samples.append(gather([*libraries.questions(size, count), *strange], grounder))
    return together(samples)


def _error(calibration: Calibration, sample: Sample) -> float:
    """The ECE of the first answers to questions that have one."""
    scores = calibration.scores(sample)
    first = _first(sample.question, scores, 1) & (sample.weight == 1)
    return expected_calibration_error(scores[first], sample.right[first])


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


def fit(sample: Sample, signs: Mapping[str, int] = SIGNS) -> Calibration:
    """The calibration by the evidence named in `signs`: 1 if more of it must never lower a score, -1 if never raise it.

    It is fitted on the answers that it puts first itself.
    """
    names = list(signs)
    while True:
        chosen = np.ones(len(sample.right), bool)
        for _ in range(ROUNDS):
            found = _logistic(sample, names, chosen)
            chosen = _first(sample.question, found.scores(sample), DEFAULT_TOP)
        wrong = [name for name in names if found.weights[name] * signs[name] < 0]
        if not wrong:
            return found
        names = [name for name in names if name not in wrong]


def threshold(sample: Sample, scores: Array) -> float:
    """The score from which a moment is confident: a half, since it is then more likely right than wrong; higher if more
    than NOWHERE_ALLOWED of the questions without an answer would get a confident one."""
    best = _first(sample.question, scores, 1)
    nowhere = scores[best][sample.weight[best] < 1]
    return max(0.5, float(np.quantile(nowhere, 1 - NOWHERE_ALLOWED))) if len(nowhere) else 0.5


def _logistic(sample: Sample, names: Sequence[str], chosen: npt.NDArray[np.bool_]) -> Calibration:
    """Newton's method on standardised evidence."""
    x = np.column_stack([np.empty((int(chosen.sum()), 0)), *(sample.evidence[name][chosen] for name in names)])
    y, weight = sample.right[chosen].astype(np.float64), sample.weight[chosen]
    mean, std = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    z = np.column_stack([np.ones(len(y)), (x - mean) / std])
    w, ridge = np.zeros(z.shape[1]), RIDGE * weight.sum() * np.diag([0.0, *np.ones(len(names))])
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(z @ w, -30, 30)))
        hessian = (z * (weight * p * (1 - p))[:, None]).T @ z + ridge + 1e-9 * np.eye(len(w))
        w += np.linalg.solve(hessian, z.T @ (weight * (y - p)) - ridge @ w)
    weights = w[1:] / std
    return Calibration(float(w[0] - weights @ mean), dict(zip(names, weights.tolist(), strict=True)))


def _first(question: npt.NDArray[np.int64], scores: Array, top: int) -> npt.NDArray[np.bool_]:
    """Which of the answers [A] are among the `top` of their question."""
    order = np.lexsort((-scores, question))
    place = np.arange(len(order)) - np.searchsorted(question[order], question[order])
    first = np.empty(len(order), bool)
    first[order] = place < top
    return first
