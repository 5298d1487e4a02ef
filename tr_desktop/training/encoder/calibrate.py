"""From evidence to a score: a logistic fitted on reels composed of validation clips and pictures.

A reel is a row of shots from different sources at the pack's sampling rate; a query is a caption of one of its shots,
or of another reel (a wrong-video query). The segment that `grounding` would answer is right if its tIoU with the shot
reaches 0.5. The evidence is computed as in the app. It is the peak alone: the contrast of a segment to the rest
of its file added nothing that held on other reels, and ranked files worse (docs/experiments.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tr_desktop.grounders.scoring import peak_of
from tr_desktop.refine.rough import rough_segments
from tr_desktop.training.encoder.corpus import Picture

Array = NDArray[np.float64]
NAME = "peak_z"
REELS = 600
WRONG_ALLOWED = 0.12  # a little less than the 15 % promised
DRIFT = 0.25  # how far the frames of a still wander, relative to its length


@dataclass(frozen=True)
class CalibrationEvidence:
    """peak_z [Q]; right [Q]: the answer was; wrong_video [Q]: no answer could be."""

    peak_z: Array
    right: NDArray[np.bool_]
    wrong_video: NDArray[np.bool_]


@dataclass(frozen=True)
class Calibration:
    """The fitted logistic, and the score from which an answer is confident.

    weights: by evidence name. scores: [Q], of the `evidence` that it was fitted on.
    """

    bias: float
    weights: dict[str, float]
    threshold: float
    scores: Array
    evidence: CalibrationEvidence

    def confident(self) -> tuple[float, float]:
        """Shares of the wrong-video queries and of the right answers that reach the threshold."""
        over = self.scores >= self.threshold
        return float(over[self.evidence.wrong_video].mean()), float(over[self.evidence.right].mean())


def peak_z(curve: NDArray[np.float32], unrelated: NDArray[np.float32], start: int, end: int) -> float:
    """The best of frames [start, end) of a query's similarity curve [T], in standard deviations of its similarities [B]
    to the background pictures (`unrelated`)."""
    return (peak_of(curve[start:end]) - float(unrelated.mean())) / float(unrelated.std())


def composed_evidence(
    images: NDArray[np.float32], pictures: Sequence[Picture], encode_text: Callable[[list[str]], NDArray[np.float32]],
    background: NDArray[np.float32], seed: int,
) -> CalibrationEvidence:  # fmt: skip
    """Evidence of queries about REELS composed reels, half of them about a reel that has no answer.

    images: vectors [N,D] of `pictures`, all of them captioned and none trained on.
    """
    rng = np.random.default_rng(seed)
    shots: dict[str, list[int]] = {}
    for n, picture in enumerate(pictures):
        shots.setdefault(picture.clip or picture.key, []).append(n)
    clips = [k for k, rows in shots.items() if len(rows) > 1]
    stills = [k for k, rows in shots.items() if len(rows) == 1]
    reels, queries = [], []
    for _ in range(REELS):
        count = int(rng.integers(3, 9))
        from_clips = min(int(rng.integers(max(0, count - len(stills)), count + 1)), len(clips))
        names = [*rng.choice(clips, from_clips, replace=False)] if from_clips else []
        names += rng.choice(stills, count - from_clips, replace=False).tolist()
        names = [names[i] for i in rng.permutation(count)]
        parts, ends = [], [0]
        for name in names:
            parts.append(_shot(images[shots[name]], int(rng.integers(3, 24)), rng))
            ends.append(ends[-1] + len(parts[-1]))
        target = int(rng.integers(count))
        captions = pictures[shots[names[target]][0]].captions
        reels.append((np.concatenate(parts), ends[target], ends[target + 1], set(names)))
        queries.append((captions[rng.integers(len(captions))], names[target]))
    vectors = encode_text([text for text, _ in queries])
    peaks, right, wrong = [], [], []
    for n, (reel, start, end, _) in enumerate(reels):
        other = next(m % REELS for m in range(n + 1, n + REELS) if queries[n][1] not in reels[m % REELS][3])
        for frames, holds in ((reel, True), (reels[other][0], False)):
            curve = frames @ vectors[n]
            got = rough_segments(curve, 1)[0]
            peaks.append(peak_z(curve, background @ vectors[n], *got))
            overlap = max(0, min(got[1], end) - max(got[0], start)) / (max(got[1], end) - min(got[0], start))
            right.append(holds and overlap >= 0.5)
            wrong.append(not holds)
    return CalibrationEvidence(np.array(peaks), np.array(right), np.array(wrong))


def fit_calibration(evidence: CalibrationEvidence) -> Calibration:
    """Logistic regression by Newton's method, and the threshold that WRONG_ALLOWED of the wrong-video queries pass."""
    x = np.column_stack([np.ones(len(evidence.right)), evidence.peak_z])
    # Moments in the right video but placed wrongly say little about whether the query occurs there: they count half.
    weight = np.where(~evidence.right & ~evidence.wrong_video, 0.5, 1.0)
    y, w = evidence.right.astype(np.float64), np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(len(w))
        w += np.linalg.solve(hessian, x.T @ (weight * (y - p)))
    scores = 1 / (1 + np.exp(-x @ w))
    threshold = float(np.quantile(scores[evidence.wrong_video], 1 - WRONG_ALLOWED))
    return Calibration(float(w[0]), {NAME: float(w[1])}, threshold, scores, evidence)


def _shot(frames: NDArray[np.float32], length: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """`length` frames [length,D] that run through `frames`, with the drift that a still lacks."""
    place = np.minimum(np.arange(length) * len(frames) // length, len(frames) - 1)
    walk = np.cumsum(rng.normal(size=(length, frames.shape[1])), 0) / np.sqrt(length * frames.shape[1])
    moved = frames[place] + DRIFT * walk
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)
