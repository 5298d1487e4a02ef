"""What the window shows and works on: one library, one project, one search. No widgets here.

The library and the models are opened beside the window, which is there at once. All that touches them runs in `Jobs`:
what writes to the library one after the other, searches and the rest beside it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tr_desktop import grounding
from tr_desktop.app.look.counter import counted
from tr_desktop.app.look.settings import Settings
from tr_desktop.app.work.jobs import Job, Jobs, Lane
from tr_desktop.app.work.safe_copy import SafeCopy
from tr_desktop.errors import UserError
from tr_desktop.evidence import evidence_for
from tr_desktop.footage.sample import make_sample
from tr_desktop.library.filters import FootageFilter
from tr_desktop.library.index.coverage import Coverage, IndexProgress
from tr_desktop.library.index.indexer import EVERYTHING, index_footage
from tr_desktop.library.index.walk import absolute_path
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.moments import Moment
from tr_desktop.projects.decisions import Decision, Key, key_of
from tr_desktop.projects.project import Project
from tr_desktop.projects.recovery import LeftBehind
from tr_desktop.refine.learned import open_refiner

TOP = 30
LONG_JOB_S = 10.0
SAMPLE_QUERY = "a cat"


@dataclass(frozen=True)
class Engine:
    """What answers searches; opened once, in a worker."""

    catalog: Catalog
    encoder: Encoder


@dataclass(frozen=True)
class Results:
    """moments: best first, as far as the search has come. is_final: whether it is done. error: why there are none.

    unread: how many files were not indexed, or not to their end, when it was done.
    """

    query: str
    moments: tuple[Moment, ...] = ()
    is_final: bool = False
    error: UserError | None = None
    unread: int = 0

    @property
    def has_confident(self) -> bool:
        return any(moment.confident for moment in self.moments)


@dataclass(frozen=True)
class LibraryStatus:
    """What the library covers. missing: folders that aren't there and that nothing is known of."""

    coverage: Coverage = field(default_factory=Coverage)
    missing: tuple[Path, ...] = ()


class Session(QObject):
    """Signals carry what changed; the attributes hold what is.

    standing_changed: Standing. indexing_changed: Progress, or None when it ends. results_changed: Results.
    project_changed: decisions, name or path. evidence_ready: (Key, Evidence). notice: one sentence.
    """

    ready = Signal()
    folders_changed = Signal()
    status_changed = Signal(object)
    indexing_changed = Signal(object)
    results_changed = Signal(object)
    project_changed = Signal()
    evidence_ready = Signal(object, object)
    notice = Signal(str)
    failed = Signal(object)

    def __init__(self, settings: Settings, library: Path, pack: str, device: str) -> None:
        super().__init__()
        self.settings = settings
        self.jobs = Jobs(self)
        self.jobs.failed.connect(self.failed)
        self.project = Project()
        self.folders = settings.folders
        self.status = LibraryStatus()
        self.results = Results("")
        self.moments: dict[Key, Moment] = {}  # all that were found, and those of the project, as they were found
        self.unresolved: dict[Key, str] = {}  # of the project, why they can't be shown
        self.engine: Engine | None = None
        self._examples: dict[str, str] = {}  # of searches by example, by the name they go under
        self._library, self._pack, self._device = library, pack, device
        self._search: Job | None = None
        self._indexing: Job | None = None
        self._pause = threading.Event()  # while set, indexing waits
        self._evidence: Job | None = None
        self._asked: tuple[str, FootageFilter, str | None] | None = None  # the last search
        self.safe_copy = SafeCopy(settings.folder / "recovery", self.jobs, self)
        self.safe_copy.failed.connect(self.failed)
        self._saving: Job | None = None
        settings.changed = lambda: self.jobs.run(lambda _: settings.save(), lane=Lane.SAFETY)

    # Opening and closing

    def open(self) -> None:
        """Open the library and the models in a worker; `ready` tells when."""

        def work(_: Job) -> Engine:
            encoder = Encoder(load_pack(self._pack), self._device)
            return Engine(Catalog(self._library), encoder)

        self.jobs.run(work, self._opened, lane=Lane.LIBRARY)

    def _opened(self, engine: Engine) -> None:
        self.engine = engine
        self.jobs.run(lambda _: _warm_up(engine.encoder))
        self.ready.emit()
        self.update_index()
        self._resolve_project()
        if self._asked is not None:
            self.search(*self._asked)

    def close(self, patience_s: float) -> bool:
        """End all work and keep what has to be kept; whether every thread has ended within `patience_s`."""
        self.safe_copy.close()
        ended = self.jobs.shut_down(patience_s)
        if self.engine is not None and ended:
            self.engine.catalog.close()
        return ended

    # The library

    def add(self, paths: Sequence[Path]) -> None:
        """Search these files and folders too, from now on."""
        new = [path for path in map(absolute_path, paths) if path not in self.folders]
        if new:
            self._set_folders([*self.folders, *new])

    def remove(self, folder: Path) -> None:
        """Don't search `folder` any more. What is known of it stays in the library."""
        self._set_folders([each for each in self.folders if each != folder])

    def _set_folders(self, folders: list[Path]) -> None:
        self.folders = self.settings.folders = folders
        self.folders_changed.emit()
        self.update_index()

    def add_sample(self) -> None:
        """Make the sample clip, search it, and ask something of it."""
        path = self._library / "sample" / "sample.mp4"

        def work(_: Job) -> Path:
            if not path.exists():
                make_sample(path)
            return path

        def made(path: Path) -> None:
            self.add([path])
            self.search(SAMPLE_QUERY)

        self.jobs.run(work, made)

    def update_index(self) -> None:
        """Look what is under the folders, and index what is new."""
        self.stop_indexing()
        if self.engine is None:
            return
        engine, folders = self.engine, list(self.folders)
        long_s = 0.0

        def work(job: Job) -> LibraryStatus:
            status = survey(folders, engine)
            if status.coverage.waiting or status.coverage.incomplete:
                job.report(status)
                searchable = [folder for folder in folders if folder not in status.missing]
                coverage = index_footage(
                    searchable, engine.catalog, engine.encoder, job.report, job.stop, pause=self._pause
                )
                status = LibraryStatus(coverage, status.missing)
            return status

        def progress(value: LibraryStatus | IndexProgress) -> None:
            nonlocal long_s
            if isinstance(value, LibraryStatus):
                self._set_status(value)
            else:
                long_s = value.elapsed_s
                self.indexing_changed.emit(value)

        def done(status: LibraryStatus) -> None:
            self._set_status(status)
            results = self.results
            lacked = bool(results.unread or results.error is not None or not results.is_final)
            if long_s > LONG_JOB_S:
                again = " Search again to look into what is new." if lacked and results.has_confident else ""
                self.notice.emit(
                    f"Indexing is done: {counted(len(status.coverage.searched), 'file')} can be searched.{again}"
                )
            if self._asked is not None and lacked and not results.has_confident:
                self.search(*self._asked)  # it was asked of a library that lacked this footage

        def ended() -> None:
            self._indexing_ended(job)

        job = self._indexing = self.jobs.run(work, done, on_progress=progress, on_end=ended, lane=Lane.LIBRARY)

    def stop_indexing(self) -> None:
        """Stop within a second; the next time reads on from there."""
        if self._indexing is not None:
            self._indexing.cancel()

    def pause_indexing(self, is_paused: bool) -> None:
        """Let indexing wait, with all that is stored searchable, until it may go on."""
        (self._pause.set if is_paused else self._pause.clear)()

    def _indexing_ended(self, job: Job) -> None:
        if job is self._indexing:
            self._indexing = None
            self._pause.clear()
            self.indexing_changed.emit(None)
            if job.stop.is_set() and self.engine is not None:
                engine, folders = self.engine, list(self.folders)
                self.jobs.run(lambda _: survey(folders, engine), self._set_status)

    def _set_status(self, status: LibraryStatus) -> None:
        self.status = status
        self.status_changed.emit(status)

    # Searching

    def search(self, query: str, footage_filter: FootageFilter = EVERYTHING, example: str | None = None) -> None:
        """Look for `query` in what is indexed; `results_changed` tells every time the answer gets better."""
        if self._search is not None:
            self._search.cancel()
        if example is not None:
            self._examples[query] = example
        self._asked = query, footage_filter, example
        self._set_results(Results(query))
        if self.engine is None:
            return
        engine = self.engine
        folders = [folder for folder in self.folders if folder not in self.status.missing]

        def work(job: Job) -> grounding.Answer:
            return grounding.find(
                query,
                folders,
                engine.catalog,
                engine.encoder,
                top=TOP,
                example=example,
                footage_filter=footage_filter,
                read_new=False,
                on_moments=lambda moments: job.report(tuple(moments)),
            )

        def done(answer: grounding.Answer) -> None:
            self._set_status(LibraryStatus(answer.coverage, self.status.missing))
            unread = len(answer.coverage.waiting) + len(answer.coverage.incomplete)
            self._set_results(Results(query, answer.moments, is_final=True, unread=unread))
            if moved := self.project.follow(answer.moments):
                self.notice.emit(
                    f"The search has ended: {counted(moved, 'moment')} that you decided on before got the last edges."
                    " Undo brings back the earlier ones."
                )
                self.edited()

        def failed(error: UserError) -> None:
            self._set_results(Results(query, is_final=True, error=error))

        def ended() -> None:
            if job is self._search and not self.results.is_final:  # a bug, which is told elsewhere
                failed(UserError("The search failed", remedy="Search again"))

        job = self._search = self.jobs.run(
            work,
            done,
            on_progress=lambda moments: self._set_results(Results(query, moments)),
            on_failure=failed,
            on_end=ended,
        )

    def _set_results(self, results: Results) -> None:
        self.results = results
        self.moments.update((key_of(moment), moment) for moment in results.moments)
        self.results_changed.emit(results)

    def look_up_evidence(self, moment: Moment) -> None:
        """Find what the scrubber draws behind a moment's steps; `evidence_ready` brings it."""
        if self.engine is None:
            return
        engine, key, example = self.engine, key_of(moment), self._examples.get(moment.query)
        if self._evidence is not None:
            self._evidence.cancel()

        def work(job: Job) -> None:
            for evidence in evidence_for(moment, engine.catalog, engine.encoder, example):
                job.report(evidence)

        self._evidence = self.jobs.run(
            work,
            on_progress=lambda evidence: self.evidence_ready.emit(key, evidence),
            on_failure=lambda _: None,  # a moment stands without it as well
        )

    # The project

    def use_project(self, project: Project) -> None:
        """Put it in the place of the present one."""
        self.project, self.unresolved = project, {}
        self._resolve_project()
        self.edited()

    def load_project(self, path: Path, on_loaded: Callable[[Project], None]) -> None:
        """Read a project; `use_project` puts it in the place of the present one."""
        self.jobs.run(lambda _: Project.load(path), on_loaded, lane=Lane.PROJECT)

    def save_project(self, path: Path, on_saved: Callable[[], object] = lambda: None) -> None:
        """Save the project as it stands now, after what is being saved already. Where that fails nothing is lost."""
        project, snapshot = self.project, self.project.snapshot()

        def saved(_: None) -> None:
            project.saved(snapshot, path)
            self.edited()
            on_saved()

        self._saving = self.jobs.run(lambda _: snapshot.save(path), saved, lane=Lane.PROJECT)

    @property
    def is_saving(self) -> bool:
        return self._saving is not None and not self._saving.is_over

    def after_saving(self, call: Callable[[], object]) -> None:
        """Call it once all is saved, or could not be."""
        self.jobs.run(lambda _: None, on_end=call, lane=Lane.PROJECT)

    def edited(self) -> None:
        """To be called after every change of the project."""
        self.safe_copy.keep(self.project)
        self.project_changed.emit()

    def decided_moment(self, decision: Decision) -> Moment | None:
        """The moment that a decision is about, as it was found; None where it can't be shown."""
        return self.moments.get(decision.key)

    def _resolve_project(self) -> None:
        """Find the footage of the project's decisions in the library."""
        if self.engine is None:
            return
        engine, decisions = self.engine, self.project.decisions

        def work(_: Job) -> tuple[dict[Key, Moment], dict[Key, str]]:
            found, missing = {}, {}
            for decision in decisions:
                try:
                    found[decision.key] = decision.found_moment(engine.catalog.footage)
                except UserError as error:
                    missing[decision.key] = str(error)
            return found, missing

        def done(resolved: tuple[dict[Key, Moment], dict[Key, str]]) -> None:
            self.moments = {**resolved[0], **self.moments}
            self.unresolved = resolved[1]
            self.project_changed.emit()

        self.jobs.run(work, done)

    def recover(self, left: LeftBehind) -> None:
        """Go on with what an app that was killed left behind. Raises ProjectError where it is damaged."""
        self.use_project(left.project())
        self.safe_copy.discard(left)


def survey(folders: Sequence[Path], engine: Engine) -> LibraryStatus:
    """What can be searched now, without reading anything new."""
    known = [os.fsdecode(name) for name in engine.catalog.known(engine.encoder.pack.sha256)]
    missing = tuple(
        folder
        for folder in folders
        if not os.path.lexists(folder) and not any(name.startswith(str(folder)) for name in known)
    )
    searchable = [folder for folder in folders if folder not in missing]
    return LibraryStatus(index_footage(searchable, engine.catalog, engine.encoder, read_new=False), missing)


def _warm_up(encoder: Encoder) -> None:
    """Open what the first search needs."""
    encoder.encode_text(["a first sentence"])
    _ = open_refiner(encoder.pack), encoder.background
