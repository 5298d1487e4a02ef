"""The local API inside the app: plugins and scripts search what the window searches, while the user allows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from tr_desktop import paths
from tr_desktop.app.look.settings import Settings
from tr_desktop.app.look.translate import tr
from tr_desktop.app.work.editing import Editing
from tr_desktop.app.work.indexing import Indexing
from tr_desktop.app.work.jobs import Job, Jobs
from tr_desktop.engine import Engine
from tr_desktop.errors import UserError
from tr_desktop.moments import Moment, Segment
from tr_desktop.serving.pairing import Paired, Pairing

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
        self._settings, self._indexing, self._editing, self._jobs = settings, indexing, editing, jobs
        self.pairing = Pairing(settings.folder)
        self._engine: Engine | None = None
        self._server: Server | None = None
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
        try:
            self.pairing.forget(plugin.name)
        except OSError as error:
            reason = error.strerror or str(error)
            raise UserError(tr("It can’t be removed: {reason}", reason=reason), path=error.filename) from error
        self.changed.emit()

    def close(self) -> None:
        """Stop listening."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def _follow(self) -> None:
        """Start or stop the server as the user wants it, after what is under way."""
        if self._job is not None or self._engine is None or self.is_wanted == (self._server is not None):
            return
        server = self._server

        def work(job: Job) -> Server | None:
            if server is None:
                started = self._started()
                if not job.stop.is_set():
                    return started
                started.stop()  # the window was closed meanwhile
            else:
                server.stop()
            return None

        def done(listening: Server | None) -> None:
            self._server = listening

        self._job = self._jobs.run(work, done, on_failure=self._fail, on_end=self._ended)

    def _started(self) -> Server:
        # Its libraries take a quarter of a second to load, which the app spends only if it listens.
        from tr_desktop.serving.desk import Desk
        from tr_desktop.serving.server import Server

        indexing = self._indexing
        desk = Desk(self._engine_now, lambda: indexing.status.present(indexing.folders), paths.outbox_folder())
        server = Server(desk, self.pairing, _Selects(self._editing, self._engine_now))
        server.start()
        return server

    def _engine_now(self) -> Engine:
        assert self._engine is not None
        return self._engine

    def _fail(self, error: UserError) -> None:
        self._settings.serves = False
        self.failed.emit(error)

    def _ended(self) -> None:
        self._job = None
        self.changed.emit()
        self._follow()  # it may have been switched again meanwhile


class _Selects(QObject):
    """The project's selects, for threads of the server: every edit is made in Qt's thread."""

    _asked = Signal(object)  # a callable, for which Qt has no type

    def __init__(self, editing: Editing, engine: Callable[[], Engine]) -> None:
        super().__init__()
        self._editing, self._engine = editing, engine
        self.moveToThread(editing.thread())
        self._asked.connect(self._call, Qt.ConnectionType.QueuedConnection)

    def all(self) -> Sequence[Moment]:
        footage_of = self._engine().catalog.footage
        moments = []
        for decision in self._in_qt(lambda: self._editing.project.selects):
            with suppress(UserError):  # its file has left the library
                moments.append(decision.moment(footage_of))
        return moments

    def add(self, moment: Moment, segment: Segment | None) -> Moment:
        def accept() -> Any:
            self._editing.remember([moment])
            self._editing.edit(lambda project: project.accept(moment, segment=segment))
            return self._editing.project.decision(moment)

        return self._in_qt(accept).moment(self._engine().catalog.footage)  # type: ignore[no-any-return]

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
            future.cancel()
            raise UserError(tr("The app is busy"), remedy=tr("Try again")) from error

    def _call(self, answer: Callable[[], None]) -> None:
        answer()
