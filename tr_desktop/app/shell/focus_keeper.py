"""Where the keyboard goes when the control that has it is disabled or hidden.

Qt would pass the focus on to the next control, and with it the next Space or Enter: after *Accept*, to a button that
decides something else.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication, QWidget

from tr_desktop.app.scrubber.scrubber import Scrubber


class FocusKeeper(QObject):
    """Gives the focus of such a control to the scrubber, or to the search field while no scrubber is in view."""

    def __init__(self, app: QApplication, scrubber: Scrubber, search: QWidget, window: QWidget) -> None:
        super().__init__(window)
        self._scrubber, self._search, self._window = scrubber, search, window
        app.focusChanged.connect(self._moved)

    def _moved(self, before: QWidget | None, now: QWidget | None) -> None:
        if before is None or now is None or before.window() is not self._window or now.window() is not self._window:
            return
        if before.isVisible() and before.isEnabled() and not before.testAttribute(Qt.WidgetAttribute.WA_ForceDisabled):
            return  # the user went on
        (self._scrubber if self._scrubber.isVisible() else self._search).setFocus()
