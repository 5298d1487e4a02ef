"""The line at the foot of the window: how much can be searched, and the counting of frames."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStatusBar, QToolButton

from tr_desktop.app.look.counter import Counting
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import Elided
from tr_desktop.app.panels.coverage_text import coverage_line
from tr_desktop.app.work.session import Session
from tr_desktop.library.index.counts import count


class StatusLine:
    """Writes into a window's status bar. counting: the button that switches between timecode, frames and seconds."""

    def __init__(self, bar: QStatusBar) -> None:
        self._text = Elided("", "small", Qt.TextElideMode.ElideRight)
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
            text = ". ".join(
                filter(None, [session.changing.text(), coverage_line(count(coverage), coverage.searched_s)])
            )
        self._text.set_text(text)

    def text(self) -> str:
        """How much can be searched."""
        return self._text.toolTip()

    def show_counting(self, counting: Counting) -> None:
        names = {
            Counting.TIMECODE: tr("Timecode"),
            Counting.FRAMES: tr("Frames"),
            Counting.SECONDS: tr("Seconds"),
        }
        self.counting.setText(names[counting])
