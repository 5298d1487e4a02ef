"""How the window divides its room: the welcome page, or the panels around the picture over the timeline."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from tr_desktop.app.look.settings import Settings

_LEAST_PX = (140, 215, 195)  # library, results, selects and export: whatever texts they show


class Panes(QStackedWidget):
    """Remembers its division in the settings."""

    def __init__(
        self, welcome: QWidget, left: tuple[QWidget, QWidget], picture: QWidget, right: QWidget, timeline: QWidget
    ) -> None:
        super().__init__()
        self._welcome = welcome
        self._upper = QSplitter(Qt.Orientation.Horizontal)
        for widget in (*left, picture, right):
            self._upper.addWidget(widget)
        for widget, width_px in zip((*left, right), _LEAST_PX, strict=True):
            widget.setMinimumWidth(width_px)
        self._upper.setStretchFactor(len(left), 1)
        self._upper.setSizes([200, 330, 490, 260])
        self._rows = QSplitter(Qt.Orientation.Vertical)
        self._rows.addWidget(self._upper)
        self._rows.addWidget(timeline)
        self._rows.setStretchFactor(0, 1)
        self._rows.setSizes([430, 250])
        self._splitters = {"upper": self._upper, "rows": self._rows}
        for splitter in self._splitters.values():
            splitter.setHandleWidth(2)
            splitter.setChildrenCollapsible(False)
        self.addWidget(welcome)
        self.addWidget(self._rows)

    def show_welcome(self, is_wanted: bool) -> None:
        """The welcome page, or the panels."""
        self.setCurrentWidget(self._welcome if is_wanted else self._rows)

    def shows_welcome(self) -> bool:
        return self.currentWidget() is self._welcome

    def restore(self, settings: Settings) -> None:
        for name, splitter in self._splitters.items():
            splitter.restoreState(settings.remembered(name))

    def remember(self, settings: Settings) -> None:
        for name, splitter in self._splitters.items():
            settings.remember(name, splitter.saveState())


def stacked(*widgets: QWidget, stretched: QWidget) -> QWidget:
    """`widgets` in a column without gaps; `stretched` is the one that grows."""
    made = QWidget()
    column = QVBoxLayout(made)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for widget in widgets:
        column.addWidget(widget, 1 if widget is stretched else 0)
    return made
