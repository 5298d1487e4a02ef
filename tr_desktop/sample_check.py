"""How well a pack tells moments apart, tried on the sample clip whose shots are known."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tr_desktop.engine import Engine, open_engine
from tr_desktop.footage.sample import RATE, SHOTS, copy_sample
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.models.pack import Pack

_ENOUGH = 3  # of five sentences: by chance, as many find their shot in 6 % of trials


@dataclass(frozen=True)
class SampleResult:
    """found: the number of sentences whose best moment lies in the shot that they are true of, out of `asked`.

    margin: by how much the best frame of this shot is above that of the next best shot, on average, in standard
    deviations of the sentences' similarity to unrelated pictures; negative if below.
    """

    found: int
    asked: int
    margin: float

    def __str__(self) -> str:
        said = (
            f"On the sample clip, {self.found} of {self.asked} sentences find their shot (by chance 1 of {self.asked});"
            f" it is {self.margin:.1f} standard deviations above the next best shot, on average."
        )
        if self.found < _ENOUGH:
            said += " That is hardly better than chance: this pack doesn't tell these shots apart by English sentences."
        return said


def sample_report(pack: Pack, device: str) -> str:
    """What `check_on_sample` finds, as a sentence. Raises UserError as it does."""
    return str(check_on_sample(pack, device))


def check_on_sample(pack: Pack, device: str) -> SampleResult:
    """Index the sample clip with `pack` and search it for each of its shots.

    Raises UserError if the pack or the device doesn't work.
    """
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "sample.mp4")
        copy_sample(clip)
        with open_engine(Path(folder, "library"), str(pack.location), device) as engine:
            index_footage([clip], engine.catalog, engine.encoder)
            return _searched(engine, clip)


def _searched(engine: Engine, clip: Path) -> SampleResult:
    item = engine.catalog.load(clip, engine.encoder.pack.sha256)
    vectors, background = item.vectors.astype(np.float32), engine.encoder.background
    ends_s = np.cumsum([seconds for _, seconds, _ in SHOTS])
    shots = np.searchsorted(ends_s, np.arange(len(vectors)) * float(item.every_s), side="right")
    found, margins = 0, list[float]()
    for number, (_, seconds, sentence) in enumerate(SHOTS):
        moments = engine.find(sentence, [clip], top=1, steps=1, read_new=False).moments
        if moments:
            middle_s = (moments[0].segment.start_frame + moments[0].segment.end_frame) / 2 / float(RATE)
            found += ends_s[number] - seconds <= middle_s < ends_s[number]
        query = engine.encoder.encode_text([sentence])[0]
        curve, unrelated = vectors @ query, background @ query
        best = [float(curve[shots == shot].max()) for shot in range(len(SHOTS))]
        own = best.pop(number)
        margins.append((own - max(best)) / max(float(unrelated.std()), 1e-6))
    return SampleResult(found, len(SHOTS), float(np.mean(margins)))
