"""From a segment to its score: the evidence for it, by name, and the pack's calibration of this evidence.

The score is the chance that this moment is right, among all that was searched. So the evidence is how far the
segment's best frames stand out from what the same query gets in unrelated pictures and in the best other file; how many
files were searched, since the best of many is often good by luck; and the refiner's own judgement of the segment.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tr_desktop.grounders.base import Search
from tr_desktop.models.pack import Pack
from tr_desktop.moments import Indexed, Segment
from tr_desktop.refine.pipeline import IndexedFrames, Query
from tr_desktop.refine.rough import contrast

# A segment's peak is the mean of this many frames; one alone is often a chance hit.
PEAK_FRAMES = 3
# A file's own best frame is among those of the search, up to rounding.
_SAME = 1e-4
_SURE = 1e-4


@dataclass(frozen=True)
class Scorer:
    """Scores the segments of one file for one query.

    curve: [T], the query's similarity to the file's rows. background: mean and standard deviation of its similarity to
    unrelated pictures. elsewhere: the best frame of the other files; of this one if it is the only file. files: the
    number searched.
    """

    pack: Pack
    item: Indexed
    curve: npt.NDArray[np.float32]
    background: tuple[float, float]
    elsewhere: float
    files: int

    @classmethod
    def of(cls, pack: Pack, item: Indexed, frames: IndexedFrames, query: Query, search: Search) -> Scorer:
        curve, unrelated = frames.vectors @ query.vector, query.background @ query.vector
        mean_std = (float(unrelated.mean()), max(float(unrelated.std()), 1e-6))
        own = float(curve.max())
        others = [best for best in search.best[:2] if abs(best - own) > _SAME] or search.best[1:2]
        return cls(pack, item, curve, mean_std, others[0] if others else own, search.files)

    def score(self, segment: Segment, chance: float) -> float:
        """The chance that the segment is right. chance: that the refiner gives it, knowing only this file."""
        return self.pack.calibrated_score(self.evidence(segment, chance))

    def evidence(self, segment: Segment, chance: float) -> dict[str, float]:
        """The evidence for a segment, by the names that a calibration may use."""
        first, last = self._rows(segment)
        peak = float(np.sort(self.curve[first:last])[-PEAK_FRAMES:].mean())
        mean, std = self.background
        sure = min(max(chance, _SURE), 1 - _SURE)
        found = {
            "peak_z": (peak - mean) / std,
            "gap": (peak - self.elsewhere) / std,
            "log_files": math.log(self.files),
            "refined": math.log(sure / (1 - sure)),
        }
        if "contrast" in self.pack.weights:  # older packs use it
            found["contrast"] = contrast(self.curve, first, last)
        return found

    def _rows(self, segment: Segment) -> tuple[int, int]:
        """The rows of the index in a segment; one that is between two rows is judged by the next one."""
        times, every_s = self.item.times, self.item.every_s
        first, last = (int(-(-times.time_s(frame) // every_s)) for frame in (segment.start_frame, segment.end_frame))
        first = min(first, len(self.curve) - 1)
        return first, max(last, first + 1)
