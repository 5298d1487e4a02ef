"""One annotated query, answered as `find` does, without the model and with it: where each step puts the moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tr_desktop.grounders.video_llm.found import Judged
from tr_desktop.grounders.video_llm.joining import Looked, VideoGrounder
from tr_desktop.grounding import find
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Moment, RefineStep, StepSource
from tr_desktop.training.annotations import Annotation
from tr_desktop.training.metrics import best_iou

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

Place = tuple[float, float]  # seconds
ROUGH, REFINED, CLOSE, FIRST, ANSWER, CLOSER, JOINED = STAGES = (
    "search, rough",
    "refiner, on the index",
    "refiner, closer look",
    "model, first step",
    "model, answer",
    "model, closer window",
    "search with the model, closer look",
)
OF_MODEL = (FIRST, ANSWER, CLOSER)
RIGHT = 0.5  # tIoU


@dataclass(frozen=True)
class Weighed:
    """One answer of the model: what speaks for it, by name, and whether it is right."""

    evidence: dict[str, float]
    is_right: bool


@dataclass(frozen=True)
class Asked:
    """video: the one that was searched. windows_s: in which the query holds there. places: by stage; None for one that
    gave no answer. notes: what went wrong."""

    video: str
    duration_s: float
    windows_s: Sequence[Place]
    places: dict[str, Place | None]
    weighed: tuple[Weighed, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Asker:
    """is_first_pair: which of several answers counts, the first or the last one."""

    catalog: Catalog
    encoder: Encoder
    grounder: VideoGrounder
    is_first_pair: bool

    def ask(self, query: str, path: Path, windows_s: Sequence[Place]) -> Asked:
        """Search one indexed file. Raises UserError if it can't be searched."""
        plain = self._search(query, path, None)
        joined = self._search(query, path, self.grounder)
        places = dict.fromkeys(STAGES, None) | _of_search(plain) | self._of_model()
        places[JOINED] = _place(joined.refinement.kept)
        return Asked(
            video=path.name,
            duration_s=float(plain.times.duration_s),
            windows_s=windows_s,
            places=places,
            weighed=tuple(
                Weighed(each.evidence, best_iou(_place(each.best.step), windows_s) >= RIGHT)
                for looked in self.grounder.looked
                for each in looked.answers
            ),
            notes=tuple(self.grounder.notes),
        )

    def about(self, annotation: Annotation, path: Path) -> Asked:
        """The annotated query, asked of its own file."""
        return self.ask(annotation.query, path, annotation.windows)

    def _search(self, query: str, path: Path, grounder: VideoGrounder | None) -> Moment:
        return find(query, [path], self.catalog, self.encoder, read_new=False, video_grounder=grounder).moments[0]

    def _of_model(self) -> dict[str, Place | None]:
        """What the model wrote about the window that it finds likeliest."""
        looked = max(self.grounder.looked, key=_likely, default=None)
        if looked is None or looked.first is None:
            return {}
        chosen = self._chosen(looked.answers)
        return {
            FIRST: _place(looked.first.step),
            ANSWER: None if chosen is None else _place(chosen.answer.step),
            CLOSER: None if chosen is None else _place(chosen.best.step),
        }

    def _chosen(self, answers: Sequence[Judged]) -> Judged | None:
        return None if not answers else answers[0 if self.is_first_pair else -1]


def _of_search(moment: Moment) -> dict[str, Place | None]:
    steps, kept = moment.refinement.steps, moment.refinement.kept
    indexed = [step for step in steps if step.by is StepSource.INDEX]
    return {ROUGH: _place(steps[0]), REFINED: _place((indexed or steps)[-1]), CLOSE: _place(kept)}


def _likely(looked: Looked) -> float:
    return 0.5 if looked.presence is None else looked.presence


def _place(step: RefineStep) -> Place:
    return float(step.start_s), float(step.end_s)
