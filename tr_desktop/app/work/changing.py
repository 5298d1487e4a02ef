"""Changing to another model pack: at once if it has indexed all footage, and as soon as it has otherwise.

Until then searches use the pack in use. The pack that is wanted is remembered in the settings, so indexing with it goes
on at the next start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tr_desktop.app.look.counter import plural
from tr_desktop.app.look.settings import Settings
from tr_desktop.app.work.indexing import Indexing
from tr_desktop.app.work.jobs import Job, Jobs
from tr_desktop.engine import Engine, Lacking, lacking
from tr_desktop.errors import UserError
from tr_desktop.library.index.counts import count
from tr_desktop.library.index.coverage import IndexProgress


@dataclass(frozen=True)
class Preparation:
    """How far the pack that is to follow has come. lacking: what it hasn't indexed, as counted last. progress: while it
    indexes, of `files` files altogether."""

    name: str
    lacking: Lacking
    progress: IndexProgress | None = None
    files: int = 0

    @property
    def file_number(self) -> int:
        """The file that is being read, of all `files`."""
        return 0 if self.progress is None else self.files - self.progress.files + self.progress.file_number


class Changing(QObject):
    """wanted: the name or path of the pack to change to, or "". changed: it, or how far it has come.

    arrived: use this engine from now on; the pack's name or path; whether the user waits for it. failed: the pack can't
    be used.
    """

    changed = Signal()
    arrived = Signal(Engine, str, bool)
    failed = Signal(UserError)

    def __init__(self, settings: Settings, jobs: Jobs, indexing: Indexing, parent: QObject) -> None:
        super().__init__(parent)
        self._settings, self._jobs, self._indexing = settings, jobs, indexing
        self.wanted = settings.wanted_pack
        self.preparation: Preparation | None = None
        self._engine: Engine | None = None  # in use
        self._pack = ""
        self._next: Engine | None = None
        self._job: Job | None = None
        indexing.progressed.connect(self._progressed)
        indexing.ended.connect(self._look_again)

    def start(self, engine: Engine, pack: str) -> None:
        """`engine`, of the pack with this name or path, is in use from now on."""
        self._engine, self._pack = engine, pack
        if self.wanted == pack:
            self.forget()
        elif self.wanted and self._next is None:
            self._open(self.wanted, is_awaited=False)

    def use(self, pack: str) -> None:
        """Change to the pack with this name or path."""
        self.forget()
        if pack != self._pack:
            self._want(pack)
            self._open(pack, is_awaited=True)

    def use_now(self) -> None:
        """Change to the wanted pack though it hasn't indexed all footage. It goes on indexing."""
        if self._next is not None:
            self._change_over(self._next, is_awaited=True)

    def forget(self) -> None:
        """Stay with the pack in use. What the other one has indexed is kept."""
        if self._job is not None:
            self._job.cancel()
        self._want("")
        self._next = self.preparation = None
        self._indexing.prepare(None)
        self.changed.emit()

    def fail(self, error: UserError) -> None:
        """The wanted pack can't be used."""
        self.forget()
        self.failed.emit(error)

    def text(self) -> str:
        """The preparation in one line; "" if there is none."""
        at, engine = self.preparation, self._engine
        if at is None or engine is None:
            return ""
        current = engine.encoder.pack.name
        if at.progress is None:
            return plural(
                at.lacking.files,
                "{count} file isn’t indexed with {pack} yet; searches use {current}",
                "{count} files aren’t indexed with {pack} yet; searches use {current}",
                pack=at.name,
                current=current,
            )
        return plural(
            at.files,
            "Indexing with {pack}: {number} of {count} file; searches use {current} until then",
            "Indexing with {pack}: {number} of {count} files; searches use {current} until then",
            number=at.file_number,
            pack=at.name,
            current=current,
        )

    def _want(self, pack: str) -> None:
        if self.wanted != pack:
            self.wanted = self._settings.wanted_pack = pack

    def _open(self, pack: str, *, is_awaited: bool) -> None:
        if self._engine is None:
            return  # `start` goes on
        self._job = self._jobs.run(
            partial(_opened, self._engine, pack, tuple(self._indexing.folders)),
            lambda opened: self._opened(*opened, is_awaited),
            on_failure=self.fail,
        )
        self.changed.emit()

    def _opened(self, engine: Engine, left: Lacking, is_awaited: bool) -> None:
        if not left.files:
            self._change_over(engine, is_awaited=is_awaited)
            return
        self._next = engine
        self.preparation = Preparation(engine.encoder.pack.name, left)
        self._indexing.prepare(engine)
        self.changed.emit()

    def _progressed(self, progress: IndexProgress) -> None:
        if self.preparation is not None and self._indexing.at_work is self._next:
            counts = count(self._indexing.status.coverage)
            files = max(counts.searchable + counts.waiting, progress.files)
            self.preparation = replace(self.preparation, progress=progress, files=files)
            self.changed.emit()

    def _look_again(self) -> None:
        """A run of either pack has ended: see whether the next one has indexed all that the pack in use has."""
        engine, following = self._engine, self._next
        if engine is None or following is None or self.preparation is None:
            return
        self.preparation = replace(self.preparation, progress=None)
        self.changed.emit()

        def done(left: Lacking) -> None:
            if self._next is not following or self.preparation is None:
                return
            if not left.files:
                self._change_over(following, is_awaited=False)
            else:
                self.preparation = replace(self.preparation, lacking=left)
                self.changed.emit()

        folders = tuple(self._indexing.folders)
        self._job = self._jobs.run(lambda _: _left(engine, following, folders), done)

    def _change_over(self, engine: Engine, *, is_awaited: bool) -> None:
        self._next = self.preparation = None
        self.arrived.emit(engine, self.wanted, is_awaited)


def _opened(engine: Engine, pack: str, folders: Sequence[Path], _: Job) -> tuple[Engine, Lacking]:
    """The library opened with another pack, whose models run, and what it hasn't indexed."""
    other = engine.with_pack(pack)
    other.try_out()
    return other, _left(engine, other, folders)


def _left(engine: Engine, other: Engine, folders: Sequence[Path]) -> Lacking:
    """What `other` hasn't indexed of all that `engine` can search."""
    return lacking(engine.catalog, other.encoder.pack, engine.survey(folders).coverage)
