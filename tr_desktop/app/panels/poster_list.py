"""A list whose rows have a poster: how results and selects are drawn, but for their words."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from tr_desktop.app.look import icons, theme
from tr_desktop.app.look.translate import tr
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.moments import Footage

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()
_LEAST_POSTER_PX = 64
_INSET_PX = 10  # from the row's left edge to the poster, and from there to the words


@dataclass(frozen=True)
class RowShape:
    """Sizes of a row, pixels. words_px: the least width of the words; margin_px: above and below the poster."""

    poster: QSize
    words_px: int
    margin_px: int
    radius_px: int
    icon_px: int


class PosterDelegate(QStyledItemDelegate):
    """Paints a row's ground and poster; subclasses choose the picture and paint the words.

    Qt's classes have a metaclass of their own, so it is the type checker that refuses a subclass without these.
    """

    def __init__(self, thumbnails: Thumbnails, view: QListView, shape: RowShape) -> None:
        super().__init__(view)
        self._thumbnails = thumbnails
        self._view = view
        self._shape = shape
        self.missing: frozenset[str] = frozenset()

    @abstractmethod
    def picture(self, row: int) -> QImage | None:
        """The row's poster, null if it can't be read; None: it isn't there yet."""

    @abstractmethod
    def path(self, row: int) -> str:
        """The path of the row's file."""

    def paint_over(self, painter: QPainter, row: int, box: QRect) -> None:
        """Paint on the poster, inside its rounded corners."""

    @abstractmethod
    def paint_words(self, painter: QPainter, row: int, box: QRect) -> None:
        """Paint what stands beside the poster."""

    def thumbnail(self, footage: Footage, frame: int) -> QImage | None:
        """A frame at the poster's height; if it isn't there yet, it is requested."""
        height_px = round(self._shape.poster.height() * self._view.devicePixelRatioF())
        image = self._thumbnails.image(footage.media.path, frame, height_px)
        if image is None:
            self._thumbnails.request(footage, frame, height_px)
        return image

    def poster_rect(self, row: QRect) -> QRect:
        return QRect(row.topLeft() + QPoint(_INSET_PX, self._shape.margin_px), self._poster_size(row))

    def _poster_size(self, row: QRect) -> QSize:
        """The poster is smaller if the words would have no room."""
        room = row.width() - self._shape.words_px - 3 * _INSET_PX
        width = min(max(room, _LEAST_POSTER_PX), self._shape.poster.width())
        return QSize(width, self._shape.poster.height() * width // self._shape.poster.width())

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self._shape.poster + QSize(self._shape.words_px, 2 * self._shape.margin_px)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        colours = theme.colours()
        row = index.row()
        rect = option.rect
        margin_px = self._shape.margin_px
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            is_selected = option.state & QStyle.StateFlag.State_Selected
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent_ground if is_selected else colours.hover))
            painter.drawRoundedRect(QRectF(rect).adjusted(4, 1, -4, -1), theme.RADIUS, theme.RADIUS)
        poster = self.poster_rect(rect)
        self._paint_poster(painter, row, poster)
        left = 2 * _INSET_PX + poster.width()
        self.paint_words(painter, row, rect.adjusted(left, margin_px, -_INSET_PX - 2, -margin_px))
        painter.restore()

    def _paint_poster(self, painter: QPainter, row: int, box: QRect) -> None:
        colours = theme.colours()
        image = self.picture(row)
        corners = QPainterPath()
        corners.addRoundedRect(QRectF(box), self._shape.radius_px, self._shape.radius_px)
        painter.save()
        painter.setClipPath(corners)
        painter.fillRect(box, QColor(colours.well))
        if image is not None and not image.isNull():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(box), image, _covering(image, box))
        else:
            side = self._shape.icon_px
            middle = box.center()
            icon_box = QRectF(middle.x() - side / 2, middle.y() - side / 2, side, side)
            icons.paint(painter, "film", icon_box, colours.line)
        self.paint_over(painter, row, box)
        if self.path(row) in self.missing:
            self._paint_offline(painter, box)
        painter.restore()

    def _paint_offline(self, painter: QPainter, box: QRect) -> None:
        colours = theme.colours()
        painter.setFont(theme.font(theme.SMALL_PX))
        width = painter.fontMetrics().horizontalAdvance(tr("offline")) + 12
        badge = QRect(box.left(), box.top(), min(width, box.width()), painter.fontMetrics().height() + 2)
        painter.fillRect(badge, QColor(colours.panel))
        painter.setPen(QColor(colours.warn))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, tr("offline"))


class PosterList(QListView):
    """A list of one choice, painted again when a poster is ready."""

    def __init__(self, name: str, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        thumbnails.ready.connect(self.repaint_rows)

    def set_missing(self, missing: frozenset[str]) -> None:
        """Mark the rows whose files are among these paths as offline."""
        delegate = self.itemDelegate()
        if isinstance(delegate, PosterDelegate):
            delegate.missing = missing
            self.repaint_rows()

    @Slot()
    def repaint_rows(self) -> None:
        self.viewport().update()


def draw_elided(painter: QPainter, box: QRect, text: str, mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
    """Draw one line, shortened with … if `box` is too narrow."""
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, painter.fontMetrics().elidedText(text, mode, box.width()))


def _covering(image: QImage, box: QRect) -> QRectF:
    """The part of `image` that fills `box` undistorted."""
    width, height = image.width(), image.height()
    scale = min(width / box.width(), height / box.height())
    wide, high = box.width() * scale, box.height() * scale
    return QRectF((width - wide) / 2, (height - high) / 2, wide, high)
