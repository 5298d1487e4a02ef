"""Notices when files and folders leave or come back, such as those of a drive."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, QTimer, Signal

from tr_desktop.app.work.jobs import Job, Jobs

EVERY_MS = 3000


class Presence(QObject):
    """Looks every few seconds, since systems report only some drives. missing: those of `paths` that aren't there.

    changed: `missing` is another set. left_or_returned: files that are still asked about have left or come back.
    """

    changed = Signal()
    left_or_returned = Signal()

    def __init__(self, jobs: Jobs, paths: Callable[[], Iterable[str]], parent: QObject) -> None:
        super().__init__(parent)
        self._jobs, self._paths = jobs, paths
        self.missing: frozenset[str] = frozenset()
        self._known: frozenset[str] = frozenset()
        self._job: Job | None = None
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.check)
        self._timer.start()

    def check(self) -> None:
        """Look now, unless the last look is still waiting for a slow drive."""
        if self._timer.isActive() and (self._job is None or self._job.is_over):
            paths = frozenset(self._paths())
            self._job = self._jobs.run(lambda _: (paths, _missing(paths)), lambda found: self._set(*found))

    def stop(self) -> None:
        self._timer.stop()

    def _set(self, paths: frozenset[str], missing: frozenset[str]) -> None:
        before, known = self.missing, self._known
        self.missing, self._known = missing, paths
        if missing != before:
            self.changed.emit()
        if (missing ^ before) & paths & known:
            self.left_or_returned.emit()


def _missing(paths: Iterable[str]) -> frozenset[str]:
    return frozenset(path for path in paths if not os.path.lexists(path))
