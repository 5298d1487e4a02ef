"""The bar of a step: its shape by the kind of step, and a word beside each edge."""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter

from tr_desktop.app.look import theme
from tr_desktop.app.look.edge_words import edge_word
from tr_desktop.app.look.painting import faded, pen
from tr_desktop.app.look.translate import tr
from tr_desktop.confidence import Edge

_GAP_PX = 5
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Shape(Enum):
    """Rough: hatched and dashed. Step: an outline. Written, by a video language model: dotted, with a heavy start.
    Closer, a step that looked closer: two outlines. Kept: solid."""

    ROUGH = auto()
    STEP = auto()
    WRITTEN = auto()
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
    lines = {Shape.ROUGH: Qt.PenStyle.DashLine, Shape.WRITTEN: Qt.PenStyle.DotLine}
    painter.setPen(pen(colour, 1, lines.get(shape, Qt.PenStyle.SolidLine)))
    painter.drawRoundedRect(inner, 2, 2)
    if shape is Shape.ROUGH:
        painter.setPen(Qt.PenStyle.NoPen)
        brush = painter.brush()
        brush.setColor(faded(colour, 0.55))
        brush.setStyle(Qt.BrushStyle.BDiagPattern)
        painter.setBrush(brush)
        painter.drawRect(inner)
    elif shape is Shape.WRITTEN:
        painter.fillRect(QRectF(inner.left(), inner.top(), min(3.0, inner.width()), inner.height()), colour)
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


def edge_px(word: Edge) -> int:
    """The width of a word and the gap to its edge, pixels."""
    return QFontMetrics(theme.font(theme.SMALL_PX)).horizontalAdvance(edge_word(word)) + _GAP_PX


def paint_edge(painter: QPainter, bar: QRectF, room_px: float, word: Edge, ink: QColor, *, is_in: bool) -> None:
    """Paint the word beside the edge: outside the bar, or inside if the lane ends there.

    room_px: width of the lane. ink: for a word inside the bar.
    """
    width = edge_px(word)
    is_outside = bar.left() - width >= 0 if is_in else bar.right() + width <= room_px
    edge = bar.left() if is_in else bar.right()
    if not is_outside and (bar.width() < 2 * width or not 0 <= edge <= room_px):
        return  # no room: the tooltip has the word
    goes_left = is_in == is_outside
    place = QRectF(edge - width if goes_left else edge + _GAP_PX, bar.top() - 3, width - _GAP_PX, bar.height() + 6)
    colours = theme.colours()
    painter.setFont(theme.font(theme.SMALL_PX))
    painter.setPen(QColor(colours.warn if word is Edge.CHECK else colours.dim) if is_outside else ink)
    if not is_outside and ink != QColor(colours.on_accent):  # the bar's pattern would cross the letters
        ground = place.adjusted(-2, 4, 0, -4)
        painter.fillRect(ground, QColor(colours.panel))
    painter.drawText(place, RIGHT if goes_left else LEFT, edge_word(word))
