"""Icons as lines on a grid of 16: sharp at every scale, in the colours of the current theme."""

from __future__ import annotations

import html

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtGui import Qt as Text
from PySide6.QtWidgets import QToolButton, QWidget

from tr_desktop.app.look.theme import ROW, colours

# Each line is x, y, x, y, …
_Line = tuple[float, ...]
_LINES: dict[str, tuple[_Line, ...]] = {
    "plus": ((8, 3, 8, 13), (3, 8, 13, 8)),
    "close": ((4, 4, 12, 12), (12, 4, 4, 12)),
    "check": ((3, 8.5, 6.5, 12, 13, 4.5),),
    "folder": ((2, 12.5, 2, 4, 6, 4, 7.5, 5.5, 14, 5.5, 14, 12.5, 2, 12.5),),
    "film": ((2, 3.5, 14, 3.5, 14, 12.5, 2, 12.5, 2, 3.5), (5, 3.5, 5, 12.5), (11, 3.5, 11, 12.5), (5, 8, 11, 8)),
    "filter": ((2, 4, 14, 4), (4.5, 8, 11.5, 8), (6.5, 12, 9.5, 12)),
    "export": ((8, 10, 8, 2.5), (5, 5.5, 8, 2.5, 11, 5.5), (3, 9, 3, 13, 13, 13, 13, 9)),
    "chevron-down": ((3.5, 6, 8, 10.5, 12.5, 6),),
    "in": ((10, 3, 6, 3, 6, 13, 10, 13),),
    "out": ((6, 3, 10, 3, 10, 13, 6, 13),),
    "loop": ((3, 7, 3, 4.5, 13, 4.5, 13, 9), (13, 9, 13, 11.5, 3, 11.5), (5, 9.5, 3, 11.5, 5, 13.5)),
    "marker": ((4, 2.5, 12, 2.5, 12, 9, 8, 13, 4, 9, 4, 2.5),),
    "step-back": ((11, 3.5, 5.5, 8, 11, 12.5), (4, 3.5, 4, 12.5)),
    "step-on": ((5, 3.5, 10.5, 8, 5, 12.5), (12, 3.5, 12, 12.5)),
    "warn": ((8, 2.5, 14.5, 13.5, 1.5, 13.5, 8, 2.5), (8, 6.5, 8, 9.5), (8, 11.4, 8, 11.6)),
    "more-like": (
        (2, 7.5, 4.5, 7.5, 4.5, 13.5, 2, 13.5, 2, 7.5),
        (4.5, 7.5, 7.5, 2.5, 9, 3.5, 8.5, 6.5, 13.5, 6.5, 12.5, 13.5, 4.5, 13.5),
    ),
    "less-like": (
        (2, 8.5, 4.5, 8.5, 4.5, 2.5, 2, 2.5, 2, 8.5),
        (4.5, 8.5, 7.5, 13.5, 9, 12.5, 8.5, 9.5, 13.5, 9.5, 12.5, 2.5, 4.5, 2.5),
    ),
    "search": ((9.9, 9.9, 13.5, 13.5),),
}
_FILLED: dict[str, tuple[_Line, ...]] = {
    "play": ((4.5, 2.8, 13, 8, 4.5, 13.2),),
    "pause": ((4, 3, 6.8, 3, 6.8, 13, 4, 13), (9.2, 3, 12, 3, 12, 13, 9.2, 13)),
}


def paint(painter: QPainter, name: str, box: QRectF, colour: str) -> None:
    """Draw an icon into `box`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(box.topLeft())
    painter.scale(box.width() / 16, box.height() / 16)
    if name in _FILLED:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        for line in _FILLED[name]:
            painter.drawPolygon(QPolygonF(_points(line)))
    else:
        pen = QPen(QColor(colour), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for line in _LINES[name]:
            path = QPainterPath()
            path.addPolygon(QPolygonF(_points(line)))
            painter.drawPath(path)
        if name == "search":
            painter.drawEllipse(QPointF(6.7, 6.7), 4.2, 4.2)
    painter.restore()


def _points(line: _Line) -> list[QPointF]:
    return [QPointF(x, y) for x, y in zip(line[::2], line[1::2], strict=True)]


def plain_tip(text: str) -> str:
    """A tool tip that shows `text` as it is: Qt takes what looks like HTML for HTML, and has no setting for that."""
    return html.escape(text) if Text.mightBeRichText(text) else text


class IconButton(QToolButton):
    """A button with an icon. text: for screen readers and the tool tip."""

    def __init__(self, name: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.setAccessibleName(text)
        self.setToolTip(plain_tip(text))
        self.setFixedSize(QSize(ROW, ROW))

    def set_icon(self, name: str) -> None:
        self._name = name
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        c = colours()
        colour = c.rough if not self.isEnabled() else c.accent if self.isChecked() else c.text
        with QPainter(self) as painter:
            side = 16.0
            corner = QPointF((self.width() - side) / 2, (self.height() - side) / 2)
            paint(painter, self._name, QRectF(corner.x(), corner.y(), side, side), colour)
