"""The local API inside the app: plugins and scripts search what the window searches, while the user allows it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from tr_desktop import paths
from tr_desktop.app.look.settings import Settings
from tr_desktop.app.look.translate import tr
from tr_desktop.app.work.editing import Editing
from tr_desktop.app.work.indexing import Indexing
from tr_desktop.app.work.jobs import Job, Jobs
from tr_desktop.engine import Engine
from tr_desktop.errors import LibraryError, UserError
from tr_desktop.moments import Moment, Segment
from tr_desktop.projects.decisions import Decision
from tr_desktop.serving.pairing import Paired, Pairing
from tr_desktop.this_program import how_to_get

if TYPE_CHECKING:
    from tr_desktop.serving.server import Server

_PATIENCE_S = 10.0
T = TypeVar("T")


class Serving(QObject):
    """Listens while it is switched on. changed: it listens now, or doesn't any more. failed: it can't listen."""

    changed = Signal()
    failed = Signal(UserError)

    def __init__(
        self, settings: Settings, indexing: Indexing, editing: Editing, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._settings, self._indexing, self._jobs = settings, indexing, jobs
        self.pairing = Pairing(settings.folder)
        self._engine: Engine | None = None
        self._selects = _Selects(editing, self._engine_now, self)
        self._server: Server | None = None
        self._lock = threading.Lock()  # of the server
        self._is_closed = False
        self._job: Job | None = None

    @property
    def is_wanted(self) -> bool:
        return self._settings.serves

    @property
    def port(self) -> int:
        """The port that it listens on; 0: it doesn't listen."""
        return 0 if self._server is None else self._server.port

    def use(self, engine: Engine) -> None:
        """Search with `engine` from now on, and listen if the user has switched it on."""
        self._engine = engine
        self._follow()

    def switch(self, is_wanted: bool) -> None:
        """Listen, or stop listening, now and at later starts."""
        self._settings.serves = is_wanted
        self._follow()

    def forget(self, plugin: Paired) -> None:
        """Let a plugin ask no more. Raises UserError."""
        self.pairing.forget(plugin.name)
        self.changed.emit()

    def close(self, patience_s: float) -> bool:
        """Stop listening; whether its work has ended within `patience_s`."""
        with self._lock:
            self._is_closed = True
            server, self._server = self._server, None
        return server is None or server.stop(patience_s)

    def _follow(self) -> None:
        """Start or stop the server as the user wants it, after what is under way."""
        if self._job is not None or self._engine is None or self.is_wanted == (self._server is not None):
            return
        wanted = self.is_wanted

        def ended() -> None:
            self._job = None
            self.changed.emit()
            if self.is_wanted != wanted:  # it was switched again meanwhile
                self._follow()

        work = self._start if wanted else self._stop
        self._job = self._jobs.run(work, on_failure=self._fail, on_end=ended)

    def _start(self, _: Job) -> None:
        try:
            # Its libraries take half a second to load, which the app spends only if it listens.
            from tr_desktop.serving.desk import Desk
            from tr_desktop.serving.server import Server
        except ModuleNotFoundError as error:
            what = tr("The local API needs {package}", package=error.name)
            raise UserError(what, remedy=how_to_get("app")) from error
        indexing = self._indexing
        desk = Desk(self._engine_now, lambda: indexing.status.present(indexing.folders), paths.outbox_folder())
        server = Server(desk, self.pairing, self._selects)
        with self._lock:
            if not self._is_closed:
                server.start()
                self._server = server

    def _stop(self, _: Job) -> None:
        if (server := self._server) is not None:
            server.stop()
        with self._lock:
            self._server = None

    def _engine_now(self) -> Engine:
        assert self._engine is not None
        return self._engine

    def _fail(self, error: UserError) -> None:
        self._settings.serves = False
        self.failed.emit(error)


class _Selects(QObject):
    """The project's selects, for threads of the server: every edit is made in Qt's thread."""

    _asked = Signal(object)  # a callable, for which Qt has no type

    def __init__(self, editing: Editing, engine: Callable[[], Engine], parent: QObject) -> None:
        super().__init__(parent)
        self._editing, self._engine = editing, engine
        self._asked.connect(self._call, Qt.ConnectionType.QueuedConnection)

    def all(self) -> tuple[Sequence[Moment], Sequence[str]]:
        footage_of = self._engine().catalog.footage
        moments, missing = [], []
        for decision in self._in_qt(lambda: self._editing.project.selects):
            try:
                moments.append(decision.moment(footage_of))
            except UserError as error:
                missing.append(str(error))
        return moments, missing

    def add(self, moment: Moment, segment: Segment | None) -> Moment:
        def accept() -> Decision:
            self._editing.remember([moment])
            self._editing.edit(lambda project: project.accept(moment, segment=segment))
            return self._editing.project.decision(moment)

        return self._in_qt(accept).moment(self._engine().catalog.footage)

    def _in_qt(self, call: Callable[[], T]) -> T:
        future: Future[T] = Future()

        def answer() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except Exception as error:  # noqa: BLE001 (raised in the thread that asked)
                    future.set_exception(error)

        self._asked.emit(answer)
        try:
            return future.result(_PATIENCE_S)
        except TimeoutError as error:
            if not future.cancel():  # it has begun
                return future.result()
            raise LibraryError(tr("The app is busy"), remedy=tr("Try again")) from error

    def _call(self, answer: Callable[[], None]) -> None:
        answer()
