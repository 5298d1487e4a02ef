"""Where a notice is shown."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint
from PySide6.QtWidgets import QWidget

_MARGIN = 12
_MIN_WIDTH, _MAX_WIDTH = 320, 640


class NoticePlace(QObject):
    """Keeps `notice` at the top of `picture`, or of `otherwise` while that is hidden.

    There it covers neither the steps nor the lists.
    """

    def __init__(self, notice: QWidget, window: QWidget, picture: QWidget, otherwise: QWidget) -> None:
        super().__init__(window)
        self._notice, self._window, self._picture, self._otherwise = notice, window, picture, otherwise
        notice.installEventFilter(self)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_shown = watched is self._notice and event.type() in (QEvent.Type.Show, QEvent.Type.LayoutRequest)
        is_resized = watched is self._window and event.type() == QEvent.Type.Resize
        if is_shown or is_resized:
            self._place()
        return False

    def _place(self) -> None:
        over = self._picture if self._picture.isVisible() else self._otherwise
        at = over.mapTo(self._window, QPoint(0, 0))
        width = min(_MAX_WIDTH, max(over.width() - 2 * _MARGIN, _MIN_WIDTH))
        left = min(at.x() + (over.width() - width) // 2, self._window.width() - width)
        self._notice.setGeometry(left, at.y() + _MARGIN, width, self._notice.heightForWidth(width))
        self._notice.raise_()
