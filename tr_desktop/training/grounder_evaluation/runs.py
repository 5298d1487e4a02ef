"""`evaluate grounder`: ask every annotated query, print the figures, and fit the weights on request."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from tr_desktop.errors import UserError
from tr_desktop.grounders.video_llm.joining import VideoGrounder
from tr_desktop.grounders.video_llm.packs import keep_calibration, load_grounder
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.moments import Indexed
from tr_desktop.training.annotated_footage import annotated_footage
from tr_desktop.training.annotations import Annotation
from tr_desktop.training.grounder_evaluation.asking import Asker
from tr_desktop.training.grounder_evaluation.calibrating import calibrate, expect_enough
from tr_desktop.training.grounder_evaluation.figures import CONVENTIONS, table


@dataclass(frozen=True)
class Settings:
    """What is measured, as the command's options. cache: folder for the library of the footage."""

    footage: Path
    grounder: str
    model: str
    sweep: bool
    closer: bool
    timeout_s: float
    device: str
    quantise: str
    is_first_pair: bool
    round_s: float
    convention: str
    calibrate: bool
    cache: Path


def evaluate_grounder(settings: Settings) -> Iterator[str]:
    """The lines of the result.

    Raises UserError if the footage, the pack or the model can't be used, or if weights can't be fitted; then the pack
    stays as it was.
    """
    if not 0 < settings.timeout_s < math.inf or not 0 <= settings.round_s < math.inf:
        raise UserError("--ground-timeout and --round are seconds", remedy="Give numbers of 0 or more")
    pack = load_grounder(settings.grounder)
    grounder = VideoGrounder(
        pack,
        1,
        settings.timeout_s,
        everywhere=settings.sweep,
        closer=settings.closer,
        device=settings.device,
        quantise=settings.quantise,
    )
    with closing(grounder), Catalog(settings.cache / "library") as catalog:
        grounder.open()
        encoder = Encoder(load_pack(settings.model))
        annotations, files = annotated_footage(settings.footage, catalog, encoder)
        held = [each for each in annotations if each.windows and not each.whole]
        if not held:
            raise UserError("There are no annotated moments", path=settings.footage)
        if settings.calibrate:
            expect_enough([each.video for each in held])  # before anything is asked
        asker = Asker(catalog, encoder, grounder, settings.is_first_pair)
        asked = [asker.about(each, _path(each.video, files)) for each in tqdm(held, desc=pack.name, unit="query")]
        yield f"{pack.name} on {settings.footage}: {len(asked)} queries, {len(files)} videos"
        yield ""
        yield from table(asked, settings.round_s, CONVENTIONS[settings.convention])
        notes = [note for each in asked for note in each.notes if "gave no answer" in note]
        if notes:
            yield f"\nNo answer came about {len(notes)} windows. The first: {notes[0]}"
        if settings.calibrate:
            elsewhere = [
                asker.ask(query, path, ()) for query, path in tqdm(_nowhere(annotations, files), desc="absent")
            ]
            found = calibrate([*asked, *elsewhere])
            path = keep_calibration(settings.grounder, found.weights)
            weights = ", ".join(f"{name} {weight:.3f}" for name, weight in found.weights.items())
            yield f"\nCalibrated: {weights}; written to {path}"
            yield (
                f"On videos that the weights weren't fitted to: log loss {found.before:.3f} → {found.after:.3f},"
                f" ECE {found.ece_before:.3f} → {found.ece_after:.3f}"
            )


def _nowhere(annotations: Sequence[Annotation], files: Mapping[str, Indexed]) -> list[tuple[str, Path]]:
    """Queries with a file in which they don't hold: those annotated so, and each other one with the next video."""
    names = list(files)
    pairs = []
    for each in annotations:
        other = names[(names.index(each.video) + 1) % len(names)] if each.windows else each.video
        if not (each.windows and other == each.video):
            pairs.append((each.query, _path(other, files)))
    return pairs


def _path(video: str, files: Mapping[str, Indexed]) -> Path:
    return files[video].media.path
