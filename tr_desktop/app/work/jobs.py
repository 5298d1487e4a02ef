"""Background work: ordered lanes, a small thread pool, results delivered on the Qt thread.

A job is a function that receives its `Job`, to report progress and to check whether it was cancelled. A `UserError` is
shown as a sentence; any other exception is a bug and is raised in the Qt thread, where the bug hook and tests see it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from enum import Enum
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from tr_desktop.errors import UserError

_POOL = 3
_INDEXING_NICE, WORK_NICE = 10, 5  # the window goes first, then the work that an editor waits for
T = TypeVar("T")


class Lane(Enum):
    """Ordered work: a job begins when the one before it in the same lane has ended.

    LIBRARY: writing to the library. REFINING: the last steps of selects. PROJECT: reading and writing project files.
    MODELS: adding model packs. SAFETY: safety copies, settings, the choice of model packs and plugins inside editors,
    which can't wait for a project on a slow drive.
    """

    LIBRARY = "library"
    REFINING = "refining"
    PROJECT = "project"
    MODELS = "models"
    SAFETY = "safety"


class Cancelled(Exception):  # noqa: N818 (it is not an error)
    """Raised inside a job that was cancelled."""


class Job:
    """One piece of work. stop: set when it is cancelled, for work that checks by itself."""

    def __init__(
        self,
        lane: Lane | None,
        post: Callable[[Callable[[], None]], None],
        on_progress: Callable[[Any], None] | None,
    ) -> None:
        self.lane = lane
        self.stop = threading.Event()
        self.is_over = False
        self._post, self._on_progress = post, on_progress
        self._latest: list[Any] = []
        self._lock = threading.Lock()

    def cancel(self) -> None:
        """Deliver nothing more of it than its end."""
        self.stop.set()

    def check(self) -> None:
        """Raise Cancelled if the job was cancelled."""
        if self.stop.is_set():
            raise Cancelled

    def report(self, value: Any) -> None:
        """Report progress. Only the latest value is delivered: a fast job can't flood the window."""
        self.check()
        with self._lock:
            is_on_its_way = bool(self._latest)
            self._latest = [value]
        if not is_on_its_way:
            self._post(self._deliver)

    def _deliver(self) -> None:
        with self._lock:
            values, self._latest = self._latest, []
        if values and not self.stop.is_set() and self._on_progress is not None:
            self._on_progress(values[0])


class Jobs(QObject):
    """Runs jobs. failed: a job without an `on_failure` of its own raised this error."""

    failed = Signal(UserError)
    _posted = Signal(object)  # a callable, for which Qt has no type

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._posted.connect(self._call, Qt.ConnectionType.QueuedConnection)
        self._lanes = {
            Lane.LIBRARY: ThreadPoolExecutor(1, "library", give_way, (_INDEXING_NICE,)),
            Lane.REFINING: ThreadPoolExecutor(1, "refining", give_way, (WORK_NICE,)),
            Lane.PROJECT: ThreadPoolExecutor(1, "project"),
            Lane.MODELS: ThreadPoolExecutor(1, "models", give_way, (_INDEXING_NICE,)),
            Lane.SAFETY: ThreadPoolExecutor(1, "safety"),
        }
        self._pool = ThreadPoolExecutor(_POOL, "work", give_way, (WORK_NICE,))
        self._running: dict[Future[None], Job] = {}
        self._is_over = False

    def run(
        self,
        work: Callable[[Job], T],
        on_success: Callable[[T], None] = lambda _: None,
        *,
        on_failure: Callable[[UserError], None] | None = None,
        on_progress: Callable[[Any], None] | None = None,
        on_end: Callable[[], object] = lambda: None,
        lane: Lane | None = None,
    ) -> Job:
        """Start `work` and return at once. The callbacks run in Qt's thread; on_end comes last, whatever happened.

        lane: jobs in the same lane run one after the other.
        """
        job = Job(lane, self._posted.emit, on_progress)

        def end(deliver: Callable[[], None]) -> None:
            def at_the_end() -> None:
                job.is_over = True
                try:
                    if not job.stop.is_set():
                        deliver()
                finally:
                    on_end()

            self._posted.emit(at_the_end)

        def body() -> None:
            try:
                job.check()
                result = work(job)
            except Cancelled:
                end(lambda: None)
            except UserError as error:
                known = error
                end(lambda: (on_failure or self.failed.emit)(known))
            except BaseException as error:  # noqa: BLE001 (raised again, in Qt's thread)
                bug = error
                end(lambda: _raise(bug))
            else:
                end(lambda: on_success(result))

        future = (self._pool if lane is None else self._lanes[lane]).submit(body)
        self._running[future] = job
        future.add_done_callback(lambda done: self._running.pop(done, None))
        return job

    def shut_down(self, patience_s: float) -> bool:
        """Cancel everything except `Lane.SAFETY` and wait; whether all jobs ended within `patience_s`.

        Nothing is delivered after this.
        """
        self._is_over = True
        running = dict(self._running)
        cancelled = {future for future, job in running.items() if job.lane is not Lane.SAFETY}
        for future in cancelled:
            running[future].cancel()
        begun = [future for future in running if future not in cancelled or not future.cancel()]
        for executor in (*self._lanes.values(), self._pool):
            executor.shutdown(wait=False)
        return not wait(begun, patience_s).not_done

    def _call(self, deliver: Callable[[], None]) -> None:
        if not self._is_over:
            deliver()


def give_way(nice: int) -> None:
    """Lower the priority of this thread and its children. Linux only: elsewhere nice applies to the whole process."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):  # not allowed: the work has to be done all the same
            os.setpriority(os.PRIO_PROCESS, thread, max(nice, os.getpriority(os.PRIO_PROCESS, thread)))


def _raise(error: BaseException) -> None:
    if isinstance(error, Exception):
        raise error
    # A panic of native code, or an exit: in Qt's thread it would end the program.
    raise RuntimeError(f"{type(error).__name__}: {error}") from error
