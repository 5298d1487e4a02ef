"""The search: its results, which get better while it runs, and the evidence for one moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from tr_desktop.app.look.translate import tr
from tr_desktop.app.work.indexing import Indexing
from tr_desktop.app.work.jobs import Job, Jobs
from tr_desktop.engine import Engine
from tr_desktop.errors import UserError
from tr_desktop.evidence import Evidence
from tr_desktop.grounders.video_llm.joining import VideoGrounder
from tr_desktop.grounding import Answer
from tr_desktop.library.filters import FootageFilter
from tr_desktop.library.index.indexer import EVERYTHING
from tr_desktop.library.search.feedback import ranked
from tr_desktop.moments import Judgement, Moment
from tr_desktop.projects.decisions import Key, key_of

TOP = 30


@dataclass(frozen=True)
class Results:
    """moments: best first, as far as the search has come. is_final: whether it has ended. error: why it failed.

    windows: how many windows the video language model has looked at, and how many there are; None before it looks.
    unread: how many files were not indexed, or not completely, when it ended. pack: the model that answers; "" before
    it is open. judgements: answers marked right or wrong. unknown: how many of these don't count, since their files
    aren't in the library.
    """

    query: str
    moments: tuple[Moment, ...] = ()
    is_final: bool = False
    error: UserError | None = None
    windows: tuple[int, int] | None = None
    unread: int = 0
    pack: str = ""
    judgements: tuple[Judgement, ...] = ()
    unknown: int = 0

    @property
    def has_confident(self) -> bool:
        return any(moment.confident for moment in self.moments)

    @property
    def is_model_looking(self) -> bool:
        return not self.is_final and self.windows is not None

    @property
    def lacks_footage(self) -> bool:
        """Whether more indexed footage may give a better answer."""
        return bool(self.unread) or self.error is not None or not self.is_final


@dataclass(frozen=True)
class SearchRequest:
    """What the user asked for. example: PICTURE or MEDIA@SECONDS to search by; the query is then only a name."""

    query: str
    footage_filter: FootageFilter = EVERYTHING
    example: str | None = None
    judgements: tuple[Judgement, ...] = ()


class Searching(QObject):
    """Runs one search at a time over the folders of `indexing`. judgements_of: the marked answers to a query.
    grounder_of_search: the video language model to ask, if any.

    results_changed: more of the answer. answered: the search succeeded; sent after the last results_changed.
    """

    results_changed = Signal(Results)
    answered = Signal(Answer)
    evidence_ready = Signal(Key, Evidence)

    def __init__(
        self,
        indexing: Indexing,
        judgements_of: Callable[[str], tuple[Judgement, ...]],
        grounder_of_search: Callable[[], VideoGrounder | None],
        jobs: Jobs,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._indexing, self._judgements_of, self._jobs = indexing, judgements_of, jobs
        self._grounder_of_search = grounder_of_search
        self.results = Results("")
        self._engine: Engine | None = None
        self._asked: SearchRequest | None = None
        self._examples: dict[str, str] = {}  # of searches by example, by their names
        self._job: Job | None = None
        self._evidence_job: Job | None = None

    def use(self, engine: Engine) -> None:
        """Search with `engine` from now on. A search that is under way goes on as it began."""
        self._engine = engine

    def search(self, query: str, footage_filter: FootageFilter = EVERYTHING, example: str | None = None) -> None:
        """Search the indexed footage for `query`, or for `example`; `results_changed` brings the results."""
        if example is not None:
            self._examples[query] = example
        self._begin(SearchRequest(query, footage_filter, example, self._judgements_of(query)))

    def rank_again(self) -> None:
        """Repeat the search if other answers are marked now. The list changes at once, and again when all is known."""
        if self._asked is not None and self._judgements_of(self._asked.query) != self._asked.judgements:
            asked = replace(self._asked, judgements=self._judgements_of(self._asked.query))
            self._begin(asked, tuple(ranked(self.results.moments, asked.judgements)))

    def _begin(self, asked: SearchRequest, shown: tuple[Moment, ...] = ()) -> None:
        """shown: until as many moments are found."""
        if self._job is not None:
            self._job.cancel()
        self._asked = asked
        if self._engine is None:
            self._set_results(Results(asked.query, judgements=asked.judgements))
            return
        pack = self._engine.encoder.pack.name
        self._set_results(Results(asked.query, shown, pack=pack, judgements=asked.judgements))
        folders = self._indexing.status.present(self._indexing.folders)
        self._job = self._jobs.run(
            partial(_find, self._engine, asked, folders, self._grounder_of_search()),
            self._finish,
            on_progress=partial(self._progress, len(shown)),
            on_failure=self._fail,
            on_end=self._end,
        )

    def repeat(self) -> None:
        """Search again for what was asked for last."""
        if self._asked is not None:
            self.search(self._asked.query, self._asked.footage_filter, self._asked.example)

    def example_of(self, query: str) -> str:
        """What was searched for under this name, if it was an example; else empty."""
        return self._examples.get(query, "")

    def leave_out(self, folder: Path) -> None:
        """Take the moments of a removed folder out of the results, unless another folder has them too."""
        if self._job is not None and not self._job.is_over:
            self.repeat()
            return

        def is_in(path: Path, folders: Sequence[Path]) -> bool:
            return any(each == path or each in path.parents for each in folders)

        moments = tuple(
            each
            for each in self.results.moments
            if is_in(each.media.path, self._indexing.folders) or not is_in(each.media.path, [folder])
        )
        if moments != self.results.moments:
            self._set_results(replace(self.results, moments=moments))

    def _progress(self, least: int, so_far: _SoFar) -> None:
        if len(so_far.moments) >= least:
            self._set_results(replace(self.results, moments=so_far.moments, windows=so_far.windows))

    def _finish(self, answer: Answer) -> None:
        unread = answer.coverage.unread
        unknown = len(self.results.judgements) - len(answer.judgements)
        self._set_results(replace(self.results, moments=answer.moments, is_final=True, unread=unread, unknown=unknown))
        self.answered.emit(answer)

    def _fail(self, error: UserError) -> None:
        self._set_results(replace(self.results, moments=(), is_final=True, error=error))

    def _end(self) -> None:
        if self._job is not None and self._job.is_over and not self.results.is_final:  # a bug, reported elsewhere
            self._fail(UserError(tr("The search failed"), remedy=tr("Search again")))

    def _set_results(self, results: Results) -> None:
        self.results = results
        self.results_changed.emit(results)

    def look_up_evidence(self, moment: Moment) -> None:
        """Find the evidence that the scrubber draws behind a moment's steps; `evidence_ready` brings it."""
        if self._engine is None:
            return
        if self._evidence_job is not None:
            self._evidence_job.cancel()
        self._evidence_job = self._jobs.run(
            partial(_report_evidence, self._engine, moment, self._examples.get(moment.query)),
            on_progress=partial(self.evidence_ready.emit, key_of(moment)),
            on_failure=lambda _: None,  # a moment can be shown without it
        )


@dataclass(frozen=True)
class _SoFar:
    """What a search reports of its results, as a whole: only the latest report is delivered."""

    moments: tuple[Moment, ...] = ()
    windows: tuple[int, int] | None = None


def _find(
    engine: Engine, asked: SearchRequest, folders: list[Path], video_grounder: VideoGrounder | None, job: Job
) -> Answer:
    so_far = _SoFar()

    def report(**more: Any) -> None:
        nonlocal so_far
        so_far = replace(so_far, **more)
        job.report(so_far)

    return engine.find(
        asked.query,
        folders,
        top=TOP,
        example=asked.example,
        judgements=asked.judgements,
        footage_filter=asked.footage_filter,
        read_new=False,
        video_grounder=video_grounder,
        check=job.check,
        on_moments=lambda moments: report(moments=tuple(moments)),
        on_window=lambda done, total: report(windows=(done, total)),
    )


def _report_evidence(engine: Engine, moment: Moment, example: str | None, job: Job) -> None:
    for evidence in engine.evidence(moment, example):
        job.report(evidence)
