"""The line at the foot of the window: how much can be searched, and the counting of frames."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QStatusBar, QToolButton

from tr_desktop.app.look.counter import Counting, counted, duration_label
from tr_desktop.app.look.translate import tr
from tr_desktop.app.work.session import Session


class StatusLine:
    """Writes into a window's status bar. counting: the button that switches between timecode, frames and seconds."""

    def __init__(self, bar: QStatusBar) -> None:
        self._text = QLabel()
        self._text.setProperty("role", "small")
        self._text.setContentsMargins(10, 0, 0, 0)
        self.counting = QToolButton()
        self.counting.setProperty("role", "text")
        bar.setSizeGripEnabled(False)
        bar.addWidget(self._text, 1)
        bar.addPermanentWidget(self.counting)

    def show_coverage(self, session: Session) -> None:
        coverage = session.indexing.status.coverage
        if session.engine is None:
            text = tr("Opening the library…")
        elif not session.indexing.folders:
            text = tr("Everything happens on this machine. Nothing is uploaded or downloaded.")
        else:
            files, length = counted(len(coverage.searched), "file"), duration_label(float(coverage.searched_s))
            text = tr("{files}, {length} of footage", files=files, length=length)
            if coverage.offline:
                text += tr(", {count} offline", count=len(coverage.offline))
            if coverage.skipped:
                text += tr(", {count} not searched", count=len(coverage.skipped))
        self._text.setText(text)

    def show_counting(self, counting: Counting) -> None:
        names = {
            Counting.TIMECODE: tr("Timecode"),
            Counting.FRAMES: tr("Frames"),
            Counting.SECONDS: tr("Seconds"),
        }
        self.counting.setText(names[counting])
