"""The menu of a select in the list: its rating."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QMenu, QWidget

from tr_desktop.app.look.marks import RATING_NAMES
from tr_desktop.app.look.translate import tr
from tr_desktop.projects.decisions import Decision


class RatingMenu(QMenu):
    """rated: (select, rating)."""

    rated = Signal(Decision, int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(tr("Rating"), parent)
        self._select: Decision | None = None
        self._ratings = [self.addAction(tr(name)) for name in RATING_NAMES]
        for rating, action in enumerate(self._ratings):
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, rating=rating: self.rated.emit(self._select, rating))

    def open_for(self, select: Decision, at: QPoint) -> None:
        """Open at a point of the screen."""
        self._select = select
        for rating, action in enumerate(self._ratings):
            action.setChecked(rating == select.rating)
        self.popup(at)
