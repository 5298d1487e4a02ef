"""The similarity curve, scaled to its range over the whole file and painted for the part in view; shot changes."""

from __future__ import annotations

import bisect
from fractions import Fraction

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from tr_desktop.app.look import theme
from tr_desktop.app.look.painting import faded, pen
from tr_desktop.app.scrubber.geometry import View
from tr_desktop.app.scrubber.state import ScrubberState

_SHOT_PX = 8


def paint_curve(painter: QPainter, state: ScrubberState, view: View, rect: QRectF) -> None:
    """Paint the similarity within `view`, filled down to the bottom of `rect`; both begin at the left."""
    if state.curve is None or len(state.curve) < 2:
        return
    low, high = float(state.curve.min()), float(state.curve.max())
    levels = (state.curve - low) / max(high - low, 1e-6)
    tick_s = view.times.tick_s
    row_px = float(state.every_s / tick_s * view.width_px / view.span)
    xs = np.arange(len(levels)) * row_px + view.x_at_s(Fraction(0))
    if row_px < 1:  # several values per pixel: the highest counts
        first = np.flatnonzero(np.diff(np.floor(xs), prepend=-np.inf))
        xs, levels = np.floor(xs[first]), np.maximum.reduceat(levels, first)
    seen = np.flatnonzero((xs > -row_px - 2) & (xs < view.width_px + row_px + 2))
    if len(seen) < 2:
        return
    floor, height = rect.bottom(), rect.height() - 3
    points = [QPointF(x, floor - level * height) for x, level in zip(xs[seen], levels[seen], strict=True)]
    if seen[-1] == len(xs) - 1:
        points.append(QPointF(view.x_of(len(view.times)), points[-1].y()))
    ground = faded(theme.colours().dim, 0.22)
    painter.save()
    if row_px < 1:  # columns: smoothing them would take longer than all other painting
        painter.setPen(pen(ground))
        painter.drawLines([QLineF(point.x(), floor, point.x(), point.y()) for point in points])
    else:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawPolygon([QPointF(points[0].x(), floor), *points, QPointF(points[-1].x(), floor)])
    painter.setPen(pen(theme.colours().dim, 1.2))
    painter.drawPolyline(points)
    painter.restore()


def paint_shots(painter: QPainter, state: ScrubberState, curve: QRectF) -> None:
    """Mark the frames that begin a shot."""
    colour = QColor(theme.colours().text)
    dotted = pen(faded(colour, 0.4), 1, Qt.PenStyle.DotLine)
    filled = faded(colour, 0.75)
    view = state.view
    shots = state.shots
    at = bisect.bisect_left(shots, view.frame_at(0))
    while at < len(shots) and (x := round(view.x_of(shots[at])) + 0.5) <= curve.width():
        at = max(at + 1, bisect.bisect_left(shots, view.frame_at(x + _SHOT_PX)))  # one of those that share a place
        painter.setPen(dotted)
        painter.drawLine(QPointF(x, curve.top()), QPointF(x, curve.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(filled)
        tip = QPointF(x, curve.bottom() - 5)
        painter.drawPolygon(QPolygonF([tip, tip + QPointF(4, 5), tip + QPointF(-4, 5)]))
