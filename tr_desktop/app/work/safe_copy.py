"""The project's safety copy, written half a second after every edit, for the next start after a crash."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from tr_desktop.app.work.jobs import Job, Jobs, Lane
from tr_desktop.errors import UserError
from tr_desktop.projects.file import Snapshot
from tr_desktop.projects.project import Project
from tr_desktop.projects.recovery import LeftBehind, Recovery, discard, left_behind

DELAY_MS = 500


class SafeCopy(QObject):
    """Keeps copies under `root`, in `Lane.SAFETY`. failed: a copy can't be kept."""

    failed = Signal(UserError)

    def __init__(self, root: Path, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._root, self._jobs = root, jobs
        self._recovery: Recovery | None = None  # used in the lane only
        self._left = ExitStack()  # used in the lane only
        self._project = Project()
        self._delay = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._delay.timeout.connect(self._keep_now)

    def keep(self, project: Project) -> None:
        """Keep a copy soon; several edits in a row make one copy."""
        self._project = project
        self._delay.start()

    def _keep_now(self) -> None:
        snapshot, is_changed = self._project.snapshot(), self._project.is_changed
        self._jobs.run(
            lambda _: self._write(snapshot) if is_changed else self._drop(),
            on_failure=self.failed.emit,
            lane=Lane.SAFETY,
        )

    def _write(self, snapshot: Snapshot) -> None:
        if self._recovery is None:
            self._recovery = Recovery(self._root)
        self._recovery.keep(snapshot.content(), snapshot.path)

    def _drop(self) -> None:
        """Everything is saved."""
        if self._recovery is not None:
            self._recovery.drop()

    def look_for_left_behind(self, on_found: Callable[[LeftBehind], None]) -> None:
        """Look for unsaved work of an app that was killed. It is locked until it is discarded or this is closed."""

        def work(_: Job) -> list[LeftBehind]:
            return self._left.enter_context(left_behind(self._root))

        self._jobs.run(work, lambda found: on_found(found[0]) if found else None, lane=Lane.SAFETY)

    def discard(self, left: LeftBehind) -> None:
        def work(_: Job) -> None:
            self._left.close()
            discard(left)

        self._jobs.run(work, lane=Lane.SAFETY)

    def close(self) -> None:
        """The app ends normally: delete the copy."""

        def work(_: Job) -> None:
            if self._recovery is not None:
                self._recovery.close()
            self._left.close()

        self._delay.stop()
        self._jobs.run(work, lane=Lane.SAFETY)
