"""Which folders are searched, and the index of their footage: by the pack in use, then by the one that is to follow."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tr_desktop.app.look.settings import Settings
from tr_desktop.app.work.jobs import Job, Jobs, Lane
from tr_desktop.engine import Engine, LibraryStatus
from tr_desktop.errors import UserError
from tr_desktop.library.index.coverage import IndexProgress, TextProgress
from tr_desktop.library.index.screen_text import can_read
from tr_desktop.library.index.walk import absolute_path
from tr_desktop.library.store.lock import NotWritableError


class Indexing(QObject):
    """Keeps the index up to date with `folders`, in `Lane.LIBRARY`.

    removed: (a folder that isn't searched any more, its place in the list).
    progressed: a run is under way, of `at_work`. looked: the first pass of the engine in use is over. reading_text: the
    run reads the text in pictures. finished: the engine in use has read everything; the seconds that took, without
    text. ended: a run is over, however it ended. failed: (the engine of a run, why it failed).
    """

    folders_changed = Signal()
    removed = Signal(Path, int)
    status_changed = Signal(LibraryStatus)
    progressed = Signal(IndexProgress)
    looked = Signal()
    reading_text = Signal(TextProgress)
    finished = Signal(float)
    ended = Signal()
    failed = Signal(Engine, UserError)

    def __init__(self, settings: Settings, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._settings, self._jobs = settings, jobs
        self.folders = settings.folders
        self.status = LibraryStatus()
        self._engine: Engine | None = None
        self._next: Engine | None = None
        self.at_work: Engine | None = None
        self._job: Job | None = None
        self._pause = threading.Event()  # while set, indexing waits
        self._latest: IndexProgress | None = None  # of the run
        self._is_read = False  # whether the run that ends has read everything
        self._counted_at = 1  # number of the file that was being read when the numbers were counted last
        self._survey: Job | None = None

    def start(self, engine: Engine) -> None:
        """Index with `engine` from now on."""
        self._engine = engine
        if self._next is engine:
            self._next = None
        self.update()

    def prepare(self, engine: Engine | None) -> None:
        """After each run of the engine in use, index with this one too; None for no other."""
        if engine is not self._next:
            self._next = engine
            self.update()

    def add(self, paths: Sequence[Path]) -> None:
        """Search these files and folders too."""
        new = [path for path in map(absolute_path, paths) if path not in self.folders]
        if new:
            self._set_folders([*self.folders, *new])

    def remove(self, folder: Path) -> None:
        """Stop searching `folder`. The library keeps its index. The other folders are read on."""
        if folder in self.folders:
            at = self.folders.index(folder)
            self._set_folders([each for each in self.folders if each != folder])
            self.removed.emit(folder, at)

    def put_back(self, folder: Path, at: int) -> None:
        """Search a removed folder again, at its place in the list."""
        if folder not in self.folders:
            self._set_folders([*self.folders[:at], folder, *self.folders[at:]])

    @property
    def reads_text(self) -> bool:
        """Whether text in pictures is read: it is wanted, and the extra is installed."""
        return self._settings.reads_text and can_read()

    def read_text(self, is_wanted: bool) -> None:
        """Read the text in pictures, now and in later runs, or don't. What was read stays."""
        self._settings.reads_text = is_wanted
        self.update()

    def _set_folders(self, folders: list[Path]) -> None:
        self.folders = self._settings.folders = folders
        self.folders_changed.emit()
        self.update()

    def update(self) -> None:
        """Survey the folders and index new footage."""
        self.stop()
        if self._engine is not None:
            self._begin(self._engine)

    def _begin(self, engine: Engine) -> None:
        self._latest, self._counted_at, self._is_read = None, 1, False
        self.at_work = engine
        self._job = self._jobs.run(
            partial(_bring_up_to_date, engine, tuple(self.folders), self._pause, self.reads_text),
            self._finish,
            on_failure=partial(self.failed.emit, engine),
            on_progress=self._progress,
            on_end=self._end,
            lane=Lane.LIBRARY,
        )

    def stop(self) -> None:
        """Stop within a second; the next run continues from there."""
        if self._job is not None:
            self._job.cancel()

    def pause(self, is_paused: bool) -> None:
        """Pause or resume. What is stored can be searched meanwhile."""
        (self._pause.set if is_paused else self._pause.clear)()

    def _progress(self, value: LibraryStatus | IndexProgress | TextProgress) -> None:
        is_in_use = self.at_work is self._engine  # what the next engine reads can't be searched yet
        if isinstance(value, TextProgress):
            self.reading_text.emit(value)
        elif isinstance(value, IndexProgress):
            before, self._latest = self._latest, value
            self.progressed.emit(value)
            if is_in_use:
                self._keep_counting(before, value)
        elif is_in_use:
            self._set_status(value)

    def _keep_counting(self, before: IndexProgress | None, now: IndexProgress) -> None:
        """Count what can be searched after each file, and after the first pass."""
        if before is not None and before.is_first_pass and not now.is_first_pass:
            self._counted_at = 0  # count again, although a single file has the same number in both passes
            self.looked.emit()
        if now.file_number != self._counted_at and (self._survey is None or self._survey.is_over):
            self._counted_at = now.file_number
            self._count_again()

    def _count_again(self) -> None:
        """Count what can be searched by now, at most once at a time."""
        if self._engine is not None:
            engine, folders, job = self._engine, tuple(self.folders), self._job

            def done(status: LibraryStatus) -> None:
                if self._job is job and tuple(self.folders) == folders:  # otherwise newer numbers are on their way
                    self._set_status(status)

            self._survey = self._jobs.run(lambda _: engine.survey(folders), done)

    def _finish(self, status: LibraryStatus) -> None:
        self._is_read = True
        if self.at_work is self._engine:
            self._set_status(status)
            self.finished.emit(0.0 if self._latest is None else self._latest.elapsed_s)

    def _end(self) -> None:
        job = self._job
        if job is None or not job.is_over:
            return  # an earlier run ended, and a later one goes on
        done, self._job, self.at_work = self.at_work, None, None
        self._pause.clear()
        self.ended.emit()
        if job.stop.is_set():
            self._count_again()
        elif self._is_read and self._job is None and self._next not in (None, done):
            self._begin(self._next)

    def _set_status(self, status: LibraryStatus) -> None:
        self.status = status
        self.status_changed.emit(status)


def _bring_up_to_date(
    engine: Engine, folders: Sequence[Path], pause: threading.Event, reads_text: bool, job: Job
) -> LibraryStatus:
    """Report what can be searched now, index the rest, and then read the text in the pictures."""
    status = engine.survey(folders)
    if status.coverage.unread:
        job.report(status)
        status = LibraryStatus(engine.index(status.present(folders), job.report, job.stop, pause=pause), status.missing)
    if reads_text and not job.stop.is_set():
        job.report(status)
        with suppress(NotWritableError):  # another program is indexing; the next run reads it
            engine.read_text(status.coverage, job.report, job.stop, pause=pause)
    return status
