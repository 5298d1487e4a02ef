"""What the window shows and works on: one library, one search, one project. No widgets here.

The library and the models are opened in a worker, so the window is up at once.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tr_desktop.app.look.counter import counted
from tr_desktop.app.look.settings import Settings
from tr_desktop.app.look.translate import tr
from tr_desktop.app.work.changing import Changing
from tr_desktop.app.work.editing import Editing
from tr_desktop.app.work.indexing import Indexing
from tr_desktop.app.work.jobs import Job, Jobs, Lane
from tr_desktop.app.work.packs import Packs
from tr_desktop.app.work.plugins import Plugins
from tr_desktop.app.work.refining import Refining
from tr_desktop.app.work.searching import Results, Searching
from tr_desktop.app.work.serving import Serving
from tr_desktop.app.work.undoing import Undoing
from tr_desktop.app.work.video_model import VideoModel
from tr_desktop.engine import Engine, open_engine
from tr_desktop.errors import PackError, UserError
from tr_desktop.footage.sample import copy_sample
from tr_desktop.grounding import Answer
from tr_desktop.library.index.screen_text import can_read, not_installed
from tr_desktop.library.search.alike import asked_of
from tr_desktop.models.choice import keep_choice
from tr_desktop.models.pack import EMBEDDED_DEFAULT
from tr_desktop.paths import sample_clip
from tr_desktop.sample_index import index_sample

LONG_JOB_S = 10.0
SAMPLE_QUERY = "a cat"


class Session(QObject):
    """Owns all kinds of work and connects them. ready: the engine is open. notice: one sentence. changed_over: another
    model pack is in use; its name, and whether the last search was repeated with it.
    """

    ready = Signal()
    notice = Signal(str)
    changed_over = Signal(str, bool)
    failed = Signal(UserError)

    def __init__(self, settings: Settings, library: Path, pack: str, device: str) -> None:
        super().__init__()
        self.settings = settings
        self.jobs = Jobs(self)
        self.engine: Engine | None = None
        self.indexing = Indexing(settings, self.jobs, self)
        self.editing = Editing(settings, self.jobs, self)
        self.video_model = VideoModel(settings, self)
        self.searching = Searching(
            self.indexing,
            lambda query: self.editing.project.judgements(query),
            self.video_model.for_search,
            self.jobs,
            self,
        )
        self.refining = Refining(self.editing, self.searching, self.jobs, self)
        self.undoing = Undoing(self.editing, self.indexing, self)
        self.changing = Changing(settings, self.jobs, self.indexing, self)
        self.packs = Packs(settings, self.jobs, self.indexing, self.changing, self)
        self.plugins = Plugins(self.jobs, self)
        self.serving = Serving(settings, self.indexing, self.editing, self.jobs, self)
        self._library, self._pack, self._device = library, pack, device
        self._sample_job: Job | None = None
        self._has_said_unread = False  # that text in pictures can't be read
        settings.changed = lambda: self.jobs.run(lambda _: settings.save(), lane=Lane.SAFETY)
        self.jobs.failed.connect(self.failed)
        self.editing.safe_copy.failed.connect(self.failed)
        self.serving.failed.connect(self.failed)
        self.editing.notice.connect(self.notice)
        self.video_model.said.connect(self.notice)
        self.indexing.failed.connect(self._indexing_failed)
        self.changing.arrived.connect(self._change_over)
        self.indexing.looked.connect(self._complete_answer)
        self.indexing.finished.connect(self._indexed)
        self.indexing.ended.connect(self.refining.retry)
        self.indexing.removed.connect(lambda folder, _: self.searching.leave_out(folder))
        self.undoing.folder_back.connect(self.searching.repeat)
        self.editing.changed.connect(self.searching.rank_again)
        self.searching.results_changed.connect(self._remember)
        self.searching.answered.connect(self._answered)

    def open(self) -> None:
        """Open the library and the models in a worker; `ready` says when."""
        self.jobs.run(
            lambda _: _open(self._library, self._pack, self._device),
            lambda opened: self._opened(*opened),
            lane=Lane.LIBRARY,
        )

    def _opened(self, engine: Engine, error: PackError | None) -> None:
        self.engine = engine
        self.ready.emit()
        self.editing.start(engine.catalog)
        if error is not None:
            self._say_fallen_back(error)
            self._pack = EMBEDDED_DEFAULT
        self.jobs.run(lambda _: engine.warm_up(), on_failure=partial(self._pack_failed, engine))
        self._use(engine)
        self.searching.repeat()

    # The model pack

    def _use(self, engine: Engine) -> None:
        """Search, index and refine with `engine` from now on."""
        self.engine = engine
        self.searching.use(engine)
        self.indexing.start(engine)
        self.refining.start(engine)
        self.changing.start(engine, self._pack)
        self.packs.start(engine, self._pack)
        self.serving.use(engine)

    def _change_over(self, engine: Engine, pack: str, is_awaited: bool) -> None:
        self._pack = pack
        self.jobs.run(lambda _: keep_choice(pack), lane=Lane.SAFETY)
        self._use(engine)
        if is_awaited:
            self.searching.repeat()
        self.changed_over.emit(engine.encoder.pack.name, is_awaited)

    def _indexing_failed(self, engine: Engine, error: UserError) -> None:
        if not isinstance(error, PackError):
            self.failed.emit(error)
        elif engine is self.engine:
            self._pack_failed(engine, error)
        else:
            self.changing.fail(error)

    def _pack_failed(self, engine: Engine, error: UserError) -> None:
        """The pack in use is damaged, or files of it are gone: use the embedded one."""
        if engine is not self.engine:
            return  # it isn't in use any more
        if self._pack == EMBEDDED_DEFAULT or not isinstance(error, PackError):
            self.failed.emit(error)
            return
        self._pack = EMBEDDED_DEFAULT
        self._use(engine.with_pack(EMBEDDED_DEFAULT))
        self.searching.repeat()
        self._say_fallen_back(error)

    def _say_fallen_back(self, error: PackError) -> None:
        self.failed.emit(
            PackError(
                tr("Searches use {pack}: {reason}", pack=EMBEDDED_DEFAULT, reason=error.what),
                path=error.path,
                remedy=error.remedy,
            )
        )

    def close(self, patience_s: float) -> bool:
        """End all work and keep unsaved edits safe; whether every thread ended within `patience_s`."""
        self.editing.safe_copy.close()
        served = self.serving.close(patience_s)
        self.video_model.close()  # a search that waits for it goes on
        ended = self.jobs.shut_down(patience_s) and served
        if self.engine is not None and ended:
            self.engine.close()
        return ended

    def switch_text(self) -> None:
        """Read text in pictures if it isn't read, and the other way round; say so if it can't be read."""
        if can_read():
            self.indexing.read_text(not self.indexing.reads_text)
        else:
            self.failed.emit(not_installed())

    def try_sample(self) -> None:
        """Copy the sample clip to the library if necessary, add it, and search it."""
        if self._sample_job is not None and not self._sample_job.is_over:
            return  # one click is enough
        path, engine = sample_clip(self._library), self.engine

        def work(_: Job) -> None:
            if not path.exists():
                copy_sample(path)
            if engine is not None:
                index_sample(path, engine)

        self._sample_job = self.jobs.run(work, lambda _: self._search_sample(path))

    def _search_sample(self, path: Path) -> None:
        self.indexing.add([path])
        self.searching.search(SAMPLE_QUERY)

    def _remember(self, results: Results) -> None:
        self.editing.remember(results.moments)

    def _answered(self, answer: Answer) -> None:
        self.editing.follow(answer.moments)
        if answer.cut:
            self.notice.emit(tr("The query is longer than the model can read: only its beginning counts."))
        elif answer.notes:
            self.notice.emit(answer.notes[0])
        elif not self._has_said_unread and not can_read() and self._asks_for_text(answer):
            self._has_said_unread = True
            self.notice.emit(str(not_installed()))

    def _asks_for_text(self, answer: Answer) -> bool:
        return not self.searching.example_of(answer.query) and asked_of(answer.query).is_for_text

    def _indexed(self, elapsed_s: float) -> None:
        """Say that a long run has finished, and complete the last answer."""
        results = self.searching.results
        if elapsed_s > LONG_JOB_S:
            files = counted(len(self.indexing.status.coverage.searched), "file")
            if results.lacks_footage and results.has_confident:
                text = tr("Indexing has finished: {files} can be searched. Search again to include them.", files=files)
            else:
                text = tr("Indexing has finished: {files} can be searched.", files=files)
            self.notice.emit(text)
        self._complete_answer()

    def _complete_answer(self) -> None:
        """Search again if the last answer lacked footage that can be searched now. A good answer is left alone."""
        results = self.searching.results
        if results.lacks_footage and not results.has_confident:
            self.searching.repeat()


def _open(library: Path, pack: str, device: str) -> tuple[Engine, PackError | None]:
    """The library with `pack`, or with the embedded pack if that can't be opened, for this reason."""
    try:
        return open_engine(library, pack, device), None
    except PackError as error:
        if pack == EMBEDDED_DEFAULT:
            raise
        return open_engine(library, EMBEDDED_DEFAULT, device), error
