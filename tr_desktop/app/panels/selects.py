"""The selects: accepted moments in the order in which they are exported, with their names and notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QPainter, QPainterPath
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from tr_desktop.app.look import icons, theme
from tr_desktop.app.look.counter import Counting, label, length_label
from tr_desktop.app.look.widgets import words
from tr_desktop.app.panels.moment_list import cover
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.moments import Moment
from tr_desktop.projects.decisions import Decision, Key

_POSTER = QSize(80, 45)
_Index = QModelIndex | QPersistentModelIndex
_NO_PARENT = QModelIndex()


class SelectsModel(QAbstractListModel):
    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.decisions: tuple[Decision, ...] = ()

    def set_decisions(self, decisions: tuple[Decision, ...]) -> None:
        if [each.key for each in decisions] == [each.key for each in self.decisions]:
            self.decisions = decisions
            if decisions:
                self.dataChanged.emit(self.index(0), self.index(len(decisions) - 1))
            return
        self.beginResetModel()
        self.decisions = decisions
        self.endResetModel()

    def rowCount(self, parent: _Index = _NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self.decisions)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        decision = self.decisions[index.row()]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{decision.name or decision.query}, {decision.key.media}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(filter(None, (decision.name, decision.note, decision.key.media)))
        return None


class SelectDelegate(QStyledItemDelegate):
    def __init__(
        self,
        thumbnails: Thumbnails,
        moment_of: Callable[[Decision], Moment | None],
        reason_of: Callable[[Key], str],
        view: QListView,
    ) -> None:
        super().__init__(view)
        self._thumbnails, self._moment_of, self._reason_of, self._view = thumbnails, moment_of, reason_of, view
        self.counting = Counting.TIMECODE

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(_POSTER.width() + 100, _POSTER.height() + 12)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        model = index.model()
        assert isinstance(model, SelectsModel)
        decision = model.decisions[index.row()]
        moment = self._moment_of(decision)
        c, rect = theme.colours(), option.rect
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(c.accent_ground if state & QStyle.StateFlag.State_Selected else c.hover))
            painter.drawRoundedRect(QRectF(rect).adjusted(4, 1, -4, -1), theme.RADIUS, theme.RADIUS)
        box = QRect(rect.left() + 10, rect.top() + 6, _POSTER.width(), _POSTER.height())
        self._paint_poster(painter, decision, moment, box)
        text = rect.adjusted(20 + _POSTER.width(), 6, -12, -6)
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.TextElideMode.ElideRight
        line = text.height() // 2
        painter.setFont(theme.font(is_bold=True))
        painter.setPen(QColor(c.text))
        above = QRect(text.left(), text.top(), text.width(), line)
        name = f"{index.row() + 1}  {decision.name or decision.query}"
        painter.drawText(above, middle, painter.fontMetrics().elidedText(name, right, above.width()))
        below = QRect(text.left(), text.top() + line, text.width(), line)
        painter.setFont(theme.figures_font(theme.SMALL_PX))
        if moment is None:
            painter.setPen(QColor(c.warn))
            message = self._reason_of(decision.key) or "looking for its footage…"
        else:
            painter.setPen(QColor(c.dim))
            segment = decision.segment
            length = length_label(moment, segment.start_frame, segment.end_frame, self.counting)
            message = f"{label(moment, segment.start_frame, self.counting)}  {length}"
            if decision.markers:
                message += f"  {len(decision.markers)} ◆"
        painter.drawText(below, middle, painter.fontMetrics().elidedText(message, right, below.width()))
        painter.restore()

    def _paint_poster(self, painter: QPainter, decision: Decision, moment: Moment | None, box: QRect) -> None:
        c = theme.colours()
        clip = QPainterPath()
        clip.addRoundedRect(QRectF(box), 3, 3)
        painter.save()
        painter.setClipPath(clip)
        painter.fillRect(box, QColor(c.well))
        image = None
        if moment is not None:
            frame = (decision.segment.start_frame + decision.segment.end_frame) // 2
            height_px = round(_POSTER.height() * self._view.devicePixelRatioF())
            image = self._thumbnails.image(moment.media.path, frame, height_px)
            if image is None:
                self._thumbnails.request(moment.footage, frame, height_px)
        if image is not None and not image.isNull():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(box), image, cover(image, box))
        else:
            icons.paint(painter, "film", QRectF(box.center().x() - 8, box.center().y() - 8, 16, 16), c.line)
        painter.restore()


class SelectsPanel(QWidget):
    """chosen: a Decision was clicked or walked to. described: (Decision, name, note)."""

    chosen = Signal(object)
    described = Signal(object, str, str)

    def __init__(
        self,
        thumbnails: Thumbnails,
        moment_of: Callable[[Decision], Moment | None],
        reason_of: Callable[[Key], str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.model = SelectsModel(self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.delegate = SelectDelegate(thumbnails, moment_of, reason_of, self.list)
        self.list.setItemDelegate(self.delegate)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Selects")
        self.list.selectionModel().currentChanged.connect(self._choose)
        thumbnails.ready.connect(self._repaint)
        self.name = QLineEdit(placeholderText="Name")
        self.note = QLineEdit(placeholderText="Note")
        for field in (self.name, self.note):
            field.setAccessibleName(f"{field.placeholderText()} of the select")
            field.editingFinished.connect(self._describe)
        self._form = QWidget()
        form = QVBoxLayout(self._form)
        form.setContentsMargins(12, 0, 12, 12)
        form.setSpacing(6)
        form.addWidget(self.name)
        form.addWidget(self.note)
        nothing = QWidget()
        column = QVBoxLayout(nothing)
        column.setContentsMargins(20, 20, 20, 20)
        column.addStretch(1)
        message = words("Accept a moment with Enter and it is kept here, with the edges you gave it.")
        message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(message)
        column.addStretch(2)
        self._pages = QStackedWidget()
        self._pages.addWidget(nothing)
        self._pages.addWidget(self.list)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(theme.SPACE)
        rows.addWidget(self._pages, 1)
        rows.addWidget(self._form)
        self._form.hide()
        self._is_following = False

    @Slot()
    def _repaint(self) -> None:
        self.list.viewport().update()

    def set_decisions(self, decisions: tuple[Decision, ...]) -> None:
        current = self.current()
        self.model.set_decisions(decisions)
        self._pages.setCurrentIndex(1 if decisions else 0)
        self.follow(None if current is None else current.key)
        self.list.viewport().update()

    def follow(self, key: Key | None) -> None:
        """Show which select is on the stage, if one is, without choosing it."""
        row = next((row for row, each in enumerate(self.model.decisions) if each.key == key), -1)
        self._is_following = True
        self.list.setCurrentIndex(self.model.index(row) if row >= 0 else QModelIndex())
        self._is_following = False
        decision = self.current()
        self._form.setVisible(decision is not None)
        if decision is not None:
            for field, text in ((self.name, decision.name), (self.note, decision.note)):
                if field.text() != text and not field.hasFocus():
                    field.setText(text)

    def current(self) -> Decision | None:
        index = self.list.currentIndex()
        return self.model.decisions[index.row()] if 0 <= index.row() < len(self.model.decisions) else None

    def set_counting(self, counting: Counting) -> None:
        self.delegate.counting = counting
        self.list.viewport().update()

    def _choose(self, index: QModelIndex, _: QModelIndex) -> None:
        if index.isValid() and not self._is_following:
            self.chosen.emit(self.model.decisions[index.row()])

    def _describe(self) -> None:
        decision = self.current()
        if decision is not None and (decision.name, decision.note) != (self.name.text(), self.note.text()):
            self.described.emit(decision, self.name.text(), self.note.text())
