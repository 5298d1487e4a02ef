"""The bar of a step: its shape by the kind of step, and the confidence beside each edge."""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from tr_desktop.app.look import theme
from tr_desktop.app.look.painting import faded, meter, pen
from tr_desktop.app.look.translate import tr

_METER_PX, _NUMBER_PX = 3, 30
EDGE_PX = _METER_PX + _NUMBER_PX + 6  # a meter, a number and gaps
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Shape(Enum):
    """Rough: hatched and dashed. Step: an outline. Closer, a step that looked closer: two outlines. Kept: solid."""

    ROUGH = auto()
    STEP = auto()
    CLOSER = auto()
    KEPT = auto()


def paint_shape(painter: QPainter, bar: QRectF, colour: QColor, shape: Shape) -> None:
    """Paint the bar; kept bars are in the accent colour, whatever `colour` is."""
    inner = bar.adjusted(0.5, 0.5, -0.5, -0.5)
    painter.setBrush(faded(colour, 0.16))
    if shape is Shape.KEPT:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.colours().accent))
        painter.drawRoundedRect(bar, 2, 2)
        return
    painter.setPen(pen(colour, 1, Qt.PenStyle.DashLine if shape is Shape.ROUGH else Qt.PenStyle.SolidLine))
    painter.drawRoundedRect(inner, 2, 2)
    if shape is Shape.ROUGH:
        painter.setPen(Qt.PenStyle.NoPen)
        brush = painter.brush()
        brush.setColor(faded(colour, 0.55))
        brush.setStyle(Qt.BrushStyle.BDiagPattern)
        painter.setBrush(brush)
        painter.drawRect(inner)
    elif shape is Shape.CLOSER and bar.width() > 8:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(faded(colour, 0.8), 1))
        painter.drawRect(inner.adjusted(2, 2, -2, -2))


def paint_unmoved(painter: QPainter, bar: QRectF, seen: QRectF) -> None:
    """Paint a step that moved no edge: a faint line instead of a bar, with words in its middle if they fit.

    seen: the part of the bar that is in view, higher than the bar so that no letter is cut off.
    """
    text = tr("no change")
    painter.setFont(theme.font(theme.SMALL_PX))
    width = painter.fontMetrics().horizontalAdvance(text)
    gap = QRectF(seen.center().x() - width / 2 - 6, bar.top(), width + 12, bar.height())
    colours = theme.colours()
    painter.setPen(pen(faded(colours.dim, 0.55), 1))
    for x in (bar.left(), bar.right()):
        painter.drawLine(QPointF(x, bar.top()), QPointF(x, bar.bottom()))
    y = round(bar.center().y()) + 0.5
    if gap.width() > seen.width():
        painter.drawLine(QPointF(bar.left(), y), QPointF(bar.right(), y))
        return
    painter.drawLine(QPointF(bar.left(), y), QPointF(gap.left(), y))
    painter.drawLine(QPointF(gap.right(), y), QPointF(bar.right(), y))
    painter.setPen(QColor(colours.dim))
    painter.drawText(seen, Qt.AlignmentFlag.AlignCenter, text)


def paint_edge(
    painter: QPainter, bar: QRectF, room: QRectF, confidence: float | None, colour: QColor, ink: QColor, *, is_in: bool
) -> None:
    """Paint a meter beside the edge and the number beside the meter: outside the bar, or inside if `room` ends there.

    confidence: in [0, 1]; nothing is painted without one. colour: for a meter outside the bar; ink: for meter and
    number inside it.
    """
    if confidence is None:
        return
    painter.setFont(theme.figures_font(theme.SMALL_PX - 1))
    is_outside = bar.left() - EDGE_PX >= room.left() if is_in else bar.right() + EDGE_PX <= room.right()
    goes_left = is_in == is_outside
    edge = bar.left() if is_in else bar.right()
    left = edge - _METER_PX - 3 if goes_left else edge + 3
    if not is_outside and (bar.width() < 2 * EDGE_PX or not room.left() <= edge <= room.right()):
        return  # no room: the tooltip has the number
    meter(
        painter,
        QRectF(left, bar.top(), _METER_PX, bar.height()).adjusted(0, 1, 0, -1),
        confidence,
        colour if is_outside else ink,
    )
    painter.setPen(QColor(theme.colours().dim) if is_outside else ink)
    beside = left - _NUMBER_PX - 3 if goes_left else left + _METER_PX + 3
    place = QRectF(beside, bar.top() - 3, _NUMBER_PX, bar.height() + 6)
    painter.drawText(place, RIGHT if goes_left else LEFT, tr("{percent}%", percent=round(100 * confidence)))
