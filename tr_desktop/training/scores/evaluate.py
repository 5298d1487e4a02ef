"""`evaluate scores`: questions to footage and to composed libraries of several sizes, answered as `find` does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.training.annotated_footage import annotated_footage
from tr_desktop.training.refiner.sources import joined, load_sources
from tr_desktop.training.reliability_plot import Panel, reliability_plot
from tr_desktop.training.scores.answers import Answered, answer
from tr_desktop.training.scores.figures import Figure, figures, table
from tr_desktop.training.scores.material import encoded_clips, halves
from tr_desktop.training.scores.questions import LIBRARY, OWN, SPARE_VIDEOS, ComposedLibraries, about_footage


@dataclass(frozen=True)
class Settings:
    """What is measured.

    data: training data whose clips weren't trained on. sources: instead, files from `encode_sources`. splits: of these,
    those that weren't trained on. cache: folder for the library of the footage and for encoded clips.
    """

    model: str
    footage: Path | None
    data: Path | None
    sources: tuple[Path, ...]
    splits: tuple[str, ...]
    sizes: tuple[int, ...]
    questions: int
    nonsense: int
    cache: Path
    plot: Path | None
    seed: int


def evaluate_scores(settings: Settings) -> Iterator[Figure]:
    """The figures of each set as soon as they are known. Raises UserError if a folder or file can't be read."""
    encoder = Encoder(load_pack(settings.model))
    panels: list[Panel] = []
    with Catalog(settings.cache / "library") as catalog:
        grounder = TwoTower(catalog, encoder)
        for title, answered in _sets(settings, catalog, encoder, grounder):
            yield from figures(answered, title)
            for kind in (OWN, LIBRARY):
                rows = table(answered, [kind], 5)
                if len(rows):
                    name = f"{title}, {kind}: this moment is right"
                    panels.append(Panel(name, rows[:, 0], rows[:, 2], encoder.pack.threshold))
    if settings.plot is not None:
        settings.plot.write_text(reliability_plot(panels), encoding="utf-8")


def _sets(
    settings: Settings, catalog: Catalog, encoder: Encoder, grounder: TwoTower
) -> Iterator[tuple[str, list[Answered]]]:
    if settings.footage is not None:
        annotations, files = annotated_footage(settings.footage, catalog, encoder)
        questions = about_footage(annotations, files, encoder.encode_text, settings.seed, settings.nonsense)
        yield "footage", list(answer(questions, grounder))
    if settings.data is not None or settings.sources:
        parts = [load_sources(path) for path in settings.sources]
        if settings.data is not None:
            parts.append(encoded_clips(settings.data, settings.cache, encoder))
        _, sources = halves(joined(parts).of_splits(*settings.splits))
        every_s = 1 / encoder.pack.sample_fps
        libraries = ComposedLibraries(sources, max(settings.sizes) + SPARE_VIDEOS, settings.seed, every_s)
        for size in settings.sizes:
            asked = list(answer(libraries.questions(size, settings.questions), grounder))
            strange = libraries.nonsense(size, settings.nonsense, encoder.encode_text, settings.seed)
            yield f"{size} composed", [*asked, *answer(strange, grounder)]
