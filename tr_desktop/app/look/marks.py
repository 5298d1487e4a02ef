"""Ratings and the colours of markers, as the app names and draws them."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap, QPolygonF

from tr_desktop.app.look.painting import diamond
from tr_desktop.app.look.translate import marked
from tr_desktop.moments import MARKER_COLOURS, MAX_RATING

COLOUR_NAMES = {
    "blue": marked("Blue"),
    "cyan": marked("Cyan"),
    "green": marked("Green"),
    "yellow": marked("Yellow"),
    "red": marked("Red"),
    "pink": marked("Pink"),
    "purple": marked("Purple"),
}
RATING_NAMES = (
    marked("No rating"),
    marked("Rating 1"),
    marked("Rating 2"),
    marked("Rating 3"),
    marked("Rating 4"),
    marked("Rating 5"),
)
_COLOURS = ("#4a8df0", "#2aa9bd", "#3aa868", "#cf9a1c", "#e0534b", "#dd64a8", "#9570dc")  # seen on dark and on light
_STAR_PX, _STAR_GAP_PX = 9.0, 1.5
assert tuple(COLOUR_NAMES) == MARKER_COLOURS and len(RATING_NAMES) == MAX_RATING + 1


def marker_colour(name: str) -> QColor:
    """The colour of a marker; the first one for a name that isn't known."""
    return QColor(dict(zip(MARKER_COLOURS, _COLOURS, strict=True)).get(name, _COLOURS[0]))


def marker_icon(name: str) -> QIcon:
    """A marker of this colour, for menus."""
    picture = QPixmap(QSize(32, 32))
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        diamond(painter, QPointF(16, 16), 11, marker_colour(name))
    return QIcon(picture)


def paint_rating(painter: QPainter, rating: int, box: QRectF) -> None:
    """Paint a rating as stars on a dark ground, in the lower left corner of a picture."""
    if not rating:
        return
    step = _STAR_PX + _STAR_GAP_PX
    ground = QRectF(box.left(), box.bottom() - _STAR_PX - 4, rating * step + 5, _STAR_PX + 5)
    painter.fillRect(ground, QColor(0, 0, 0, 170))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#ffd479"))
    for number in range(rating):
        centre = ground.topLeft() + QPointF(3 + number * step + _STAR_PX / 2, _STAR_PX / 2 + 2)
        points = (
            centre + QPointF(math.sin(turn * math.pi / 5), -math.cos(turn * math.pi / 5)) * radius
            for turn, radius in ((turn, _STAR_PX / (4 if turn % 2 else 2)) for turn in range(10))
        )
        painter.drawPolygon(QPolygonF(list(points)))
