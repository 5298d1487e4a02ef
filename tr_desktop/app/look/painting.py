"""Marks and other small things that the scrubber paints; marks differ in shape first, then in colour."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFocusEvent, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QWidget

from tr_desktop.app.look import theme


class KeyFocus:
    """Mix-in before a widget class. has_ring: the widget has the focus, and a key gave it."""

    has_ring = False

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.has_ring = event.reason() in _BY_KEY
        super().focusInEvent(event)  # type: ignore[misc]

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.has_ring = False
        super().focusOutEvent(event)  # type: ignore[misc]


class Layer:
    """A painting that is kept until `forget` is called or the widget's size changes; the playhead moves above it."""

    def __init__(self) -> None:
        self._pixmap = QPixmap()

    def forget(self) -> None:
        self._pixmap = QPixmap()

    def draw(self, painter: QPainter, widget: QWidget, paint: Callable[[QPainter], None]) -> None:
        ratio = widget.devicePixelRatioF()
        size = widget.size() * ratio
        if self._pixmap.size() != size:
            self._pixmap = QPixmap(size)
            self._pixmap.setDevicePixelRatio(ratio)
            self._pixmap.fill(Qt.GlobalColor.transparent)
            with QPainter(self._pixmap) as on_layer:
                paint(on_layer)
        painter.drawPixmap(0, 0, self._pixmap)


def faded(colour: QColor | str, share: float) -> QColor:
    """The colour with an opacity in [0, 1]."""
    faint = QColor(colour)
    faint.setAlphaF(share)
    return faint


def pen(colour: QColor | str, width: float = 1, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    return QPen(QBrush(QColor(colour)), width, style, Qt.PenCapStyle.FlatCap)


_BY_KEY = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
"""The ring shows focus that a key gave; mouse users don't need it."""


def focus_ring(painter: QPainter, rect: QRectF) -> None:
    painter.setPen(pen(theme.colours().accent, 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 3, 3)


def tick(painter: QPainter, centre: QPointF, colour: QColor) -> None:
    """A check mark: the step that is kept."""
    painter.setPen(QPen(colour, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    painter.drawPolyline([centre + QPointF(-3.5, 0.2), centre + QPointF(-1, 2.8), centre + QPointF(3.5, -2.8)])


def lens(painter: QPainter, centre: QPointF, colour: QColor) -> None:
    """A magnifying glass: a step that looked at more frames."""
    painter.setPen(QPen(colour, 1.3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(centre + QPointF(-0.8, -0.8), 2.6, 2.6)
    painter.drawLine(centre + QPointF(1.2, 1.2), centre + QPointF(3.6, 3.6))


def diamond(painter: QPainter, centre: QPointF, radius: float, colour: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    around = [QPointF(0, -radius), QPointF(radius, 0), QPointF(0, radius), QPointF(-radius, 0)]
    painter.drawPolygon(QPolygonF([centre + point for point in around]))
