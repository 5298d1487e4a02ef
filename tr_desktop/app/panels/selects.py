"""The selects: accepted moments in the order in which they are exported, with their names and notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QLineEdit, QListView, QStackedWidget, QVBoxLayout, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.counter import Counting, label, length_label
from tr_desktop.app.look.marks import paint_rating
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import words
from tr_desktop.app.panels.poster_list import NO_PARENT, Index, PosterDelegate, PosterList, RowShape, draw_elided
from tr_desktop.app.panels.rating_menu import RatingMenu
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.app.work.refining import Refining
from tr_desktop.moments import Moment
from tr_desktop.projects.decisions import Decision, Key

_SHAPE = RowShape(poster=QSize(80, 45), words_px=100, margin_px=6, radius_px=3, icon_px=16)


class SelectsModel(QAbstractListModel):
    def __init__(self, refining: Refining, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._refining = refining
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

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self.decisions)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        decision = self.decisions[index.row()]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            rating = [tr("rating {rating}", rating=decision.rating)] if decision.rating else []
            text = ", ".join([decision.name or decision.query, *rating, decision.key.media])
            if self._refining.is_unfinished(decision):
                return tr("{select}, still refining", select=text)
            return text
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(filter(None, (decision.name, decision.note, decision.key.media)))
        return None


class SelectDelegate(PosterDelegate):
    """Draws a select: poster, number and name, then in, length and markers, or the reason why it can't be shown."""

    def __init__(
        self,
        thumbnails: Thumbnails,
        model: SelectsModel,
        moment_of: Callable[[Decision], Moment | None],
        reason_of: Callable[[Key], str],
        refining: Refining,
        view: QListView,
    ) -> None:
        super().__init__(thumbnails, view, _SHAPE)
        self._model = model
        self._moment_of = moment_of
        self._reason_of = reason_of
        self._refining = refining
        self.counting = Counting.TIMECODE

    def picture(self, row: int) -> QImage | None:
        decision = self._model.decisions[row]
        moment = self._moment_of(decision)
        segment = decision.segment
        if moment is None:
            return None
        return self.thumbnail(moment.footage, (segment.start_frame + segment.end_frame) // 2)

    def path(self, row: int) -> str:
        return self._model.decisions[row].found.media

    def paint_over(self, painter: QPainter, row: int, box: QRect) -> None:
        paint_rating(painter, self._model.decisions[row].rating, QRectF(box))

    def paint_words(self, painter: QPainter, row: int, box: QRect) -> None:
        decision = self._model.decisions[row]
        moment = self._moment_of(decision)
        colours = theme.colours()
        line = box.height() // 2
        painter.setFont(theme.font(is_bold=True))
        painter.setPen(QColor(colours.text))
        above = QRect(box.left(), box.top(), box.width(), line)
        draw_elided(painter, above, f"{row + 1}  {decision.name or decision.query}")
        painter.setFont(theme.figures_font(theme.SMALL_PX))
        painter.setPen(QColor(colours.warn if moment is None else colours.dim))
        draw_elided(painter, above.translated(0, line), self._facts(decision, moment))

    def _facts(self, decision: Decision, moment: Moment | None) -> str:
        if moment is None:
            return self._reason_of(decision.key) or tr("Looking for its footage…")
        segment = decision.segment
        facts = [
            label(moment, segment.start_frame, self.counting),
            length_label(moment, segment.start_frame, segment.end_frame, self.counting),
        ]
        if decision.markers:
            facts.append(f"{len(decision.markers)} ◆")
        if self._refining.is_unfinished(decision):
            facts.append(tr("still refining"))
        return "  ".join(facts)


class SelectsPanel(QWidget):
    """The list, and the name and note of the current one.

    chosen: a select was clicked or walked to. described: (select, name, note) as the editor typed them. rated: (select,
    rating) from the menu of its row.
    """

    chosen = Signal(Decision)
    described = Signal(Decision, str, str)
    rated = Signal(Decision, int)

    def __init__(
        self,
        thumbnails: Thumbnails,
        moment_of: Callable[[Decision], Moment | None],
        reason_of: Callable[[Key], str],
        refining: Refining,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.model = SelectsModel(refining, self)
        self.list = PosterList(tr("Selects"), thumbnails)
        self.list.setModel(self.model)
        self.delegate = SelectDelegate(thumbnails, self.model, moment_of, reason_of, refining, self.list)
        self.list.setItemDelegate(self.delegate)
        refining.changed.connect(self.list.repaint_rows)
        self.list.selectionModel().currentChanged.connect(self._choose)
        self.menu = RatingMenu(self)
        self.menu.rated.connect(self.rated)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._open_menu)
        self.name = QLineEdit(placeholderText=tr("Name"))
        self.name.setAccessibleName(tr("Name of the select"))
        self.note = QLineEdit(placeholderText=tr("Note"))
        self.note.setAccessibleName(tr("Note of the select"))
        for field in (self.name, self.note):
            field.editingFinished.connect(self._describe)
        self._form = QWidget()
        form = QVBoxLayout(self._form)
        form.setContentsMargins(12, 0, 12, 12)
        form.setSpacing(6)
        form.addWidget(self.name)
        form.addWidget(self.note)
        self._empty = QWidget()
        column = QVBoxLayout(self._empty)
        column.setContentsMargins(20, 20, 20, 20)
        column.addStretch(1)
        message = words(tr("Press Enter to accept a moment. It is kept here with the edges you set."))
        message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(message)
        column.addStretch(2)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.list)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(theme.SPACE)
        rows.addWidget(self._pages, 1)
        rows.addWidget(self._form)
        self._form.hide()
        self._is_following = False

    def set_decisions(self, decisions: tuple[Decision, ...]) -> None:
        current = self.current()
        self.model.set_decisions(decisions)
        self._pages.setCurrentWidget(self.list if decisions else self._empty)
        self.follow(None if current is None else current.key)
        self.list.repaint_rows()

    def walk(self, by: int) -> None:
        """Choose the select that many rows further down, at most the last."""
        row = min(max(self.list.currentIndex().row() + by, 0), self.model.rowCount() - 1)
        self.list.setCurrentIndex(self.model.index(row))

    def follow(self, key: Key | None) -> None:
        """Make the select on the stage the current one, without emitting `chosen`; None, or no select: none is."""
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
        self.list.repaint_rows()

    def _choose(self, index: QModelIndex, _: QModelIndex) -> None:
        if index.isValid() and not self._is_following:
            self.chosen.emit(self.model.decisions[index.row()])

    def _open_menu(self, at: QPoint) -> None:
        index = self.list.indexAt(at)
        if index.isValid():
            self.menu.open_for(self.model.decisions[index.row()], self.list.viewport().mapToGlobal(at))

    def _describe(self) -> None:
        decision = self.current()
        if decision is not None and (decision.name, decision.note) != (self.name.text(), self.note.text()):
            self.described.emit(decision, self.name.text(), self.note.text())
