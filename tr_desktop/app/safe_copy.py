"""What a kill must not take: the project's safety copy, half a second behind every edit."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from tr_desktop.app.jobs import Jobs, Lane
from tr_desktop.project import Project
from tr_desktop.recovery import LeftBehind, Recovery, discard, left_behind

DELAY_MS = 500


class SafeCopy(QObject):
    """Keeps copies under `root`. failed: one sentence, when none can be kept."""

    failed = Signal(str)

    def __init__(self, root: Path, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._root, self._jobs = root, jobs
        self._recovery: Recovery | None = None
        self._left = ExitStack()
        self._project = Project()
        self._delay = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._delay.timeout.connect(self.keep_now)

    def keep(self, project: Project) -> None:
        """Soon; several edits in a row are one copy."""
        self._project = project
        self._delay.start()

    def keep_now(self) -> None:
        """Write the copy, or drop it where everything is saved. In the order in which it was asked for."""
        self._delay.stop()
        project, recovery = self._project, self._recovery
        if recovery is None:
            if not project.is_changed:
                return
            try:
                recovery = self._recovery = Recovery(self._root)
            except OSError as error:
                self.failed.emit(f"Unsaved work can't be kept safe: {(error.strerror or '').lower()}. Save often.")
                return
        if project.is_changed:
            content, path = project.content(), project.path
            self._jobs.run(lambda _: recovery.keep(content, path), lane=Lane.SAFETY)
        else:
            self._jobs.run(lambda _: recovery.drop(), lane=Lane.SAFETY)

    def look_for_left_behind(self) -> LeftBehind | None:
        """Unsaved work of an app that was killed, held until it is discarded or this is closed."""
        found = self._left.enter_context(left_behind(self._root))
        return found[0] if found else None

    def discard(self, left: LeftBehind) -> None:
        self._left.close()
        discard(left)

    def close(self) -> None:
        """The app ends well, its jobs have ended: nothing is left behind."""
        self._delay.stop()
        if self._recovery is not None:
            self._recovery.close()
        self._left.close()
