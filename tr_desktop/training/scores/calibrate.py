"""Calibrating a pack: to libraries composed from captioned clips that it never saw, or to annotated footage.

A score is the chance that a moment is right among all that was searched, so it is fitted on what a search answers: the
first answers from libraries of several sizes, also of queries that nothing there answers.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tr_desktop.errors import UserError
from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import Pack
from tr_desktop.training.annotated_footage import ANNOTATIONS, annotated_footage
from tr_desktop.training.refiner.sources import Sources
from tr_desktop.training.scores.adjusting import adjusted
from tr_desktop.training.scores.fitting import Calibration, calibration_of, error, fit, threshold
from tr_desktop.training.scores.material import CLIP_FRAMES, encoded_clips, halves
from tr_desktop.training.scores.questions import SIZES, SPARE_VIDEOS, ComposedLibraries, about_footage
from tr_desktop.training.scores.samples import Sample, gather, together

MOST_NONSENSE = 100


@dataclass(frozen=True)
class Calibrated:
    """A calibration, and the threshold for it. before, after: ECE on what it wasn't fitted to, of the pack's own and of
    this one."""

    calibration: Calibration
    threshold: float
    before: float
    after: float


def calibrate(pack: Pack, folder: Path, cache: Path, count: int, seed: int) -> Calibrated:
    """The calibration of a pack by the videos and annotations, or the captioned clips, in `folder`.

    cache: folder for encoded clips and the index of footage. count: queries asked of composed libraries of each size.
    Raises UserError if `folder` holds neither, or if annotated footage doesn't improve the pack's own calibration.
    """
    if (folder / ANNOTATIONS).is_file():
        return _by_footage(pack, folder, cache, seed)
    if (folder / CLIP_FRAMES).is_file():
        return _by_clips(pack, folder, cache, count, seed)
    remedy = f"Give a folder with videos and {ANNOTATIONS}, or one with {CLIP_FRAMES}"
    raise UserError("There is nothing to calibrate with", path=folder, remedy=remedy)


def _by_clips(pack: Pack, data: Path, cache: Path, count: int, seed: int) -> Calibrated:
    """Libraries of each of SIZES are composed from each half of the clips and asked `count` queries, as many whose
    answer isn't there, and half as much nonsense. The ECE is of fitting to one half and testing on the other, in turn.
    """
    encoder = Encoder(pack)
    with tempfile.TemporaryDirectory(prefix="tr-calibrate-") as folder, Catalog(Path(folder)) as catalog:
        grounder = TwoTower(catalog, encoder)
        first, second = (
            _asked(part, encoder, grounder, count, seed + number)
            for number, part in enumerate(halves(encoded_clips(data, cache, encoder)))
        )
    everything, before = together([first, second]), calibration_of(pack)
    found = fit(everything)
    return Calibrated(
        found,
        threshold(everything, found.scores(everything)),
        (error(before, first) + error(before, second)) / 2,
        (error(fit(first), second) + error(fit(second), first)) / 2,
    )


def _asked(sources: Sources, encoder: Encoder, grounder: TwoTower, count: int, seed: int) -> Sample:
    libraries = ComposedLibraries(sources, max(SIZES) + SPARE_VIDEOS, seed, 1 / encoder.pack.sample_fps)
    samples = []
    for size in SIZES:
        strange = libraries.nonsense(size, count // 2, encoder.encode_text, seed)
        samples.append(gather([*libraries.questions(size, count), *strange], grounder))
    return together(samples)


def _by_footage(pack: Pack, footage: Path, cache: Path, seed: int) -> Calibrated:
    encoder = Encoder(pack)
    with Catalog(cache / "library") as catalog:
        annotations, files = annotated_footage(footage, catalog, encoder)
        strange = min(len(annotations) // 2, MOST_NONSENSE)
        questions = list(about_footage(annotations, files, encoder.encode_text, seed, strange))
        sample = gather(questions, TwoTower(catalog, encoder))
    own = calibration_of(pack)
    found, before, after = adjusted(own, sample, [question.video for question in questions])
    if found is own:
        raise UserError(
            "Adjusting doesn't improve the pack's scores: on videos that it wasn't fitted to, they are off by"
            f" {before:.3f} (ECE) now and would be by {after:.3f}",
            path=footage,
            remedy="Keep the pack, or annotate more videos",
        )
    return Calibrated(found, threshold(sample, found.scores(sample)), before, after)
