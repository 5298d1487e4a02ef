"""Running a pack's `refiner.onnx`: the votes of frames, and steps that move the edges of segments.

The graph needs no encoder: it reads `refine.signals`. Its contract (`training/refiner/export.py` writes it): inputs
channels [T, C], vectors [T, D], times [T], segments [M, 2], reach [M, K] (1 ≤ K ≤ MAX_STEPS); outputs dense [T, 3] and
steps [M, K + 1, 5], all fp32, times in seconds from the file's first frame.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tr_desktop.models.pack import Pack
from tr_desktop.models.runtime import open_session
from tr_desktop.refine.signals import Signals

Floats = npt.NDArray[np.float32]

FILE_NAME = "refiner.onnx"
_ANYWHERE = np.array([[0, 1]], np.float32)  # a placeholder for runs that need only the votes


class Refiner:
    """The learned refiner.

    content: bytes of a pack's `refiner.onnx`.
    score_scale, score_shift: calibration of a step's log-odds, from the graph's own metadata.
    """

    def __init__(self, content: bytes) -> None:
        # The graph is small: a CPU finishes before a GPU has received its inputs, and gains nothing from a second core.
        self._session = open_session(content, threads=1)
        about = self._session.get_modelmeta().custom_metadata_map
        self.score_scale = float(about.get("score_scale", 1))
        self.score_shift = float(about.get("score_shift", 0))

    def votes(self, index: Signals) -> Floats:
        """The vote of each frame: [T, 3] of chance, start_s, end_s."""
        return self._run(index, _ANYWHERE, _ANYWHERE[:, :1], "dense")

    def refine(self, seen: Signals, segments: Floats, reach_s: Floats) -> Floats:
        """segments: [M, 2] seconds; reach_s: [M, K], how far each step may move an edge. → [M, K + 1, 5]: the segments
        given and after each step as start_s, end_s, score, start_confidence, end_confidence."""
        return self._run(seen, segments, reach_s, "steps")

    def _run(self, seen: Signals, segments: Floats, reach_s: Floats, output: str) -> Floats:
        inputs = {
            "channels": seen.channels,
            "vectors": seen.vectors,
            "times": seen.times_s,
            "segments": segments,
            "reach": reach_s,
        }
        return np.asarray(self._session.run([output], inputs)[0], np.float32)


def open_refiner(pack: Pack) -> Refiner | None:
    """The pack's refiner; None if it has none. Raises PackError if the file is damaged."""
    if FILE_NAME not in pack.files:
        return None
    return Refiner(pack.read(FILE_NAME))


def log_odds(chance: Floats) -> Floats:
    sure = np.clip(chance, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(sure / (1 - sure)), np.float32)


def trusted(rows: Floats) -> Floats:
    """The steps [M, K + 1, 5] with only those moves after which the refiner trusts the edge and the segment more."""
    kept = rows.copy()
    for k in range(1, rows.shape[1]):
        before, after = kept[:, k - 1], rows[:, k]
        trust = [log_odds(row[:, 3:]) + log_odds(row[:, 2:3]) for row in (before, after)]  # [M, 2] each
        moves = trust[1] > trust[0]
        edges = np.where(moves, after[:, :2], before[:, :2])
        moves &= (edges[:, 1] > edges[:, 0])[:, None]
        kept[:, k, :2] = np.where(moves, after[:, :2], before[:, :2])
        kept[:, k, 3:] = np.where(moves, after[:, 3:], before[:, 3:])
        kept[:, k, 2] = np.where(moves.any(axis=1), after[:, 2], before[:, 2])
    return kept
