"""The menu of a marker on the timeline: its colour, and removing it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QMenu, QWidget

from tr_desktop.app.look.marks import COLOUR_NAMES, marker_icon
from tr_desktop.app.look.translate import tr
from tr_desktop.moments import Mark


class MarkerMenu(QMenu):
    """coloured: (frame of the marker, one of `MARKER_COLOURS`). removed: frame of the marker."""

    coloured = Signal(int, str)
    removed = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(tr("Marker"), parent)
        self._frame = 0
        self._colours = {}
        for colour, name in COLOUR_NAMES.items():
            action = self.addAction(marker_icon(colour), tr(name))
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, colour=colour: self.coloured.emit(self._frame, colour))
            self._colours[colour] = action
        self.addSeparator()
        self.addAction(tr("Remove marker")).triggered.connect(lambda: self.removed.emit(self._frame))

    def open_for(self, marker: Mark, at: QPoint) -> None:
        """Open at a point of the screen."""
        self._frame = marker.frame
        for colour, action in self._colours.items():
            action.setChecked(colour == marker.colour)
        self.popup(at)
