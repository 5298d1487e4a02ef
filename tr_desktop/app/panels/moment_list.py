"""A list of moments that draws only what is seen, with posters that play through the moment under the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Slot,
)
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPainterPath, QPen
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
from tr_desktop.app.look.counter import Counting, label, length_label
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.moments import Moment, Segment
from tr_desktop.projects.decisions import Decision, Key, key_of

_POSTER = QSize(118, 66)
_PAD = 10
_Index = QModelIndex | QPersistentModelIndex
_NO_PARENT = QModelIndex()


class MomentModel(QAbstractListModel):
    """Moments in a row. A change that only improves some of them keeps the rest, and the selection."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._moments: list[Moment] = []
        self.counting = Counting.TIMECODE

    def set_moments(self, moments: Sequence[Moment]) -> None:
        keys = [key_of(moment) for moment in moments]
        if keys == [key_of(moment) for moment in self._moments]:
            self._moments = list(moments)
            if moments:
                self.dataChanged.emit(self.index(0), self.index(len(moments) - 1))
            return
        self.beginResetModel()
        self._moments = list(moments)
        self.endResetModel()

    def moment(self, row: int) -> Moment:
        return self._moments[row]

    def row_of(self, key: Key) -> int:
        """-1 where it isn't among them."""
        return next((row for row, moment in enumerate(self._moments) if key_of(moment) == key), -1)

    def rowCount(self, parent: _Index = _NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._moments)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        moment = self._moments[index.row()]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            segment = moment.segment
            sure = "" if moment.confident else ", a guess"
            return (
                f"{moment.media.path.name}, {label(moment, segment.start_frame, self.counting)} to "
                f"{label(moment, segment.end_frame, self.counting)}, score {round(100 * moment.score)} percent{sure}"
            )
        if role == Qt.ItemDataRole.ToolTipRole:
            return str(moment.media.path)
        return None


class MomentDelegate(QStyledItemDelegate):
    """Draws a moment: poster, file, in and out, score. Posters come from `thumbnails` when they are ready."""

    def __init__(self, thumbnails: Thumbnails, model: MomentModel, view: QListView) -> None:
        super().__init__(view)
        self._thumbnails, self._model, self._view = thumbnails, model, view
        self.hover: tuple[int, float] | None = None  # row, and how far through the moment, in [0, 1]
        self.decisions: dict[Key, Decision] = {}
        self._posters: dict[Key, QImage] = {}  # the last that was there, until a better one is

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(_POSTER.width() + 150, _POSTER.height() + _PAD)

    def poster_rect(self, row: QRect) -> QRect:
        return QRect(row.left() + _PAD, row.top() + _PAD // 2, _POSTER.width(), _POSTER.height())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        moment: Moment = self._model.moment(index.row())
        c, rect = theme.colours(), option.rect
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_selected = bool(state & QStyle.StateFlag.State_Selected)
        is_under = bool(state & QStyle.StateFlag.State_MouseOver)
        if is_selected or is_under:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(c.accent_ground if is_selected else c.hover))
            painter.drawRoundedRect(QRectF(rect).adjusted(4, 1, -4, -1), theme.RADIUS, theme.RADIUS)
        self._paint_poster(painter, moment, index.row(), self.poster_rect(rect))
        text = rect.adjusted(2 * _PAD + _POSTER.width(), _PAD // 2, -_PAD - 2, -_PAD // 2)
        self._paint_words(painter, moment, text)
        painter.restore()

    def _paint_poster(self, painter: QPainter, moment: Moment, row: int, box: QRect) -> None:
        c, segment = theme.colours(), self._segment(moment)
        share = self.hover[1] if self.hover and self.hover[0] == row else None
        image = self._picture(moment, frame_through(segment, 0.5 if share is None else share))
        if image is None:
            image = self._posters.get(key_of(moment))
        elif share is None:
            self._posters[key_of(moment)] = image
        clip = QPainterPath()
        clip.addRoundedRect(QRectF(box), 4, 4)
        painter.save()
        painter.setClipPath(clip)
        painter.fillRect(box, QColor(c.well))
        if image is not None and not image.isNull():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(box), image, cover(image, box))
        else:
            icons.paint(painter, "film", QRectF(box.center().x() - 10, box.center().y() - 10, 20, 20), c.line)
        if share is not None:
            x = box.left() + share * box.width()
            painter.fillRect(QRectF(x - 1, box.top(), 2, box.height()), QColor(c.accent))
        else:  # where in its file the moment lies
            last = max(len(moment.times), 1)
            left = box.left() + box.width() * segment.start_frame / last
            wide = max(box.width() * segment.frames / last, 3.0)
            painter.fillRect(QRectF(box.left(), box.bottom() - 2, box.width(), 3), QColor(0, 0, 0, 150))
            painter.fillRect(QRectF(left, box.bottom() - 2, wide, 3), QColor(c.accent if moment.confident else c.rough))
        painter.restore()

    def _segment(self, moment: Moment) -> Segment:
        """What would be exported."""
        decision = self.decisions.get(key_of(moment))
        return moment.segment if decision is None else decision.segment

    def _picture(self, moment: Moment, frame: int) -> QImage | None:
        height_px = round(_POSTER.height() * self._view.devicePixelRatioF())
        image = self._thumbnails.image(moment.media.path, frame, height_px)
        if image is None:
            self._thumbnails.request(moment.footage, frame, height_px)
        return image

    def _paint_words(self, painter: QPainter, moment: Moment, box: QRect) -> None:
        c, segment, counting = theme.colours(), self._segment(moment), self._model.counting
        line = box.height() // 3
        decision = self.decisions.get(key_of(moment))
        is_accepted = decision is not None and decision.is_accepted
        name_box = QRect(box.left(), box.top(), box.width() - (18 if is_accepted else 0), line)
        painter.setFont(theme.font(is_bold=True))
        painter.setPen(QColor(c.text))
        metrics = painter.fontMetrics()
        middle = Qt.AlignmentFlag.AlignVCenter
        name = metrics.elidedText(moment.media.path.name, Qt.TextElideMode.ElideMiddle, name_box.width())
        painter.drawText(name_box, middle, name)
        if is_accepted:
            icons.paint(painter, "check", QRectF(box.right() - 14, box.top() + (line - 14) / 2, 14, 14), c.good)
        painter.setFont(theme.figures_font(theme.FONT_PX - 1))
        painter.setPen(QColor(c.dim))
        edges = f"{label(moment, segment.start_frame, counting)} – {label(moment, segment.end_frame, counting)}"
        edges_box = QRect(box.left(), box.top() + line, box.width(), line)
        painter.drawText(edges_box, middle, painter.fontMetrics().elidedText(edges, _RIGHT, edges_box.width()))
        low = QRect(box.left(), box.top() + 2 * line, box.width(), line)
        length = length_label(moment, segment.start_frame, segment.end_frame, counting)
        painter.drawText(low, middle | Qt.AlignmentFlag.AlignRight, length)
        rest = low.width() - painter.fontMetrics().horizontalAdvance(length) - 4
        self._paint_score(painter, moment, QRect(low.left(), low.top(), rest, line))

    def _paint_score(self, painter: QPainter, moment: Moment, box: QRect) -> None:
        c = theme.colours()
        colour = QColor(c.good if moment.confident else c.rough)
        y, wide = box.center().y() + 1, 46.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(c.line))
        painter.drawRoundedRect(QRectF(box.left(), y - 2, wide, 4), 2, 2)
        painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(box.left(), y - 2, max(wide * moment.score, 4.0), 4), 2, 2)
        painter.setFont(theme.figures_font(theme.SMALL_PX))
        painter.setPen(QPen(QColor(c.text if moment.confident else c.dim)))
        words = f"{round(100 * moment.score)} %" + ("" if moment.confident else "  guess")
        if moment.quote is not None:
            words += "  said"
        text = QRect(box.left() + int(wide) + 7, box.top(), box.width() - int(wide) - 7, box.height())
        words = painter.fontMetrics().elidedText(words, _RIGHT, text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, words)


_RIGHT = Qt.TextElideMode.ElideRight


def frame_through(segment: Segment, share: float) -> int:
    """The frame at `share` of a segment, in [0, 1]; one of 25, so that going over it again needs no decoding."""
    frames = segment.frames
    return segment.start_frame + min(int(frames * round(share * 24) / 24), frames - 1)


def cover(image: QImage, box: QRect) -> QRectF:
    """The part of `image` that fills `box` without being squeezed."""
    wide, high = image.width(), image.height()
    scale = min(wide / box.width(), high / box.height())
    w, h = box.width() * scale, box.height() * scale
    return QRectF((wide - w) / 2, (high - h) / 2, w, h)


class MomentList(QListView):
    """The pointer over a poster plays through its moment."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.moments = MomentModel(self)
        self.setModel(self.moments)
        self.delegate = MomentDelegate(thumbnails, self.moments, self)
        self.setItemDelegate(self.delegate)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Results")
        thumbnails.ready.connect(self._repaint)

    @Slot()
    def _repaint(self) -> None:
        self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._set_hover(None)

    def _hover(self, at: QPointF) -> None:
        index = self.indexAt(at.toPoint())
        if not index.isValid():
            self._set_hover(None)
            return
        box = self.delegate.poster_rect(self.visualRect(index))
        inside = box.left() <= at.x() <= box.right()
        self._set_hover((index.row(), (at.x() - box.left()) / box.width()) if inside else None)

    def _set_hover(self, hover: tuple[int, float] | None) -> None:
        if hover != self.delegate.hover:
            self.delegate.hover = hover
            self.viewport().update()
