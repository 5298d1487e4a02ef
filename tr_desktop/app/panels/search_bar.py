"""The search field, with earlier queries, and the filters under it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from PySide6.QtCore import QEvent, QRectF, QStringListModel, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QCompleter, QHBoxLayout, QLabel, QLineEdit, QPushButton, QSpinBox, QVBoxLayout, QWidget

from tr_desktop.app.look import icons, theme
from tr_desktop.app.look.icons import IconButton
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import indented
from tr_desktop.app.panels.example_chip import Example, ExampleChip
from tr_desktop.errors import UserError
from tr_desktop.library.filters import FootageFilter


class SearchField(QLineEdit):
    """A field for the query. Down opens the earlier ones."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "search")
        self.setPlaceholderText(tr("Describe what you remember: a dog jumps over a fence"))
        self.setAccessibleName(tr("Search"))
        self.setClearButtonEnabled(True)
        self.setTextMargins(24, 0, 0, 0)
        self._before = QStringListModel(self)
        self.suggestions = completer = QCompleter(self._before, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setMaxVisibleItems(10)
        self.setCompleter(completer)

    def set_history(self, queries: Sequence[str]) -> None:
        self._before.setStringList(list(queries))

    def close_history(self) -> None:
        if (popup := self.suggestions.popup()) is not None:
            popup.hide()

    def _is_open(self) -> bool:
        popup = self.suggestions.popup()
        return popup is not None and popup.isVisible()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down and not self._is_open():
            self.suggestions.setCompletionPrefix(self.text() if self.selectedText() != self.text() else "")
            self.suggestions.complete()
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        with QPainter(self) as painter:
            colour = theme.colours().accent if self.hasFocus() else theme.colours().dim
            icons.paint(painter, "search", QRectF(11, (self.height() - 16) / 2, 16, 16), colour)


class SearchBar(QWidget):
    """searched: (query, filter). searched_by: (picture, filter). failed: a filter can't be read. left: Escape was
    pressed in the field.
    """

    searched = Signal(str, FootageFilter)
    searched_by = Signal(Example, FootageFilter)
    failed = Signal(UserError)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self.field = SearchField()
        self.field.returnPressed.connect(self.search)
        self.field.installEventFilter(self)
        self.filters_button = IconButton("filter", tr("Filter by name, date, length or size"))
        self.filters_button.setCheckable(True)
        self.filters_button.toggled.connect(self._show_filters)
        self.chip = ExampleChip()
        self.chip.closed.connect(lambda: self.show_example(None))
        self.active = QPushButton(tr("Clear filters"))
        self.active.setToolTip(tr("Filters leave out some footage. Clear them and search again."))
        self.active.clicked.connect(self.clear_filters)
        self.active.hide()
        self._filters = self._make_filters()
        self.row = QHBoxLayout()
        self.row.setSpacing(theme.SPACE)
        self.row.addWidget(self.chip)
        self.row.addWidget(self.field, 1)
        self.row.addWidget(self.active)
        self.row.addWidget(self.filters_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(theme.SPACE)
        column.addLayout(self.row)
        column.addWidget(self._filters)
        self._filters.hide()

    def _make_filters(self) -> QWidget:
        made = QWidget()
        row = QHBoxLayout(made)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        self.name = QLineEdit(placeholderText=tr("any, or A001*.mov"))
        self.after = QLineEdit(placeholderText="2026-05-31")
        self.before = QLineEdit(placeholderText="2026-06-30")
        self.longer, self.shorter = QSpinBox(maximum=86400), QSpinBox(maximum=86400)
        self.height_px = QSpinBox(maximum=8640, singleStep=360)
        fields: list[tuple[str, QWidget, int]] = [
            (tr("Name"), self.name, 150),
            (tr("Modified from"), self.after, 112),
            (tr("before"), self.before, 112),
            (tr("Length from"), self.longer, 78),
            (tr("to"), self.shorter, 78),
            (tr("Height from"), self.height_px, 84),
        ]
        for spin, unit in ((self.longer, tr(" s")), (self.shorter, tr(" s")), (self.height_px, tr(" px"))):
            spin.setSpecialValueText(tr("any"))
            spin.setSuffix(unit)
            indented(spin)
        for text, field, wide in fields:
            name = QLabel(text)
            name.setProperty("role", "small")
            name.setBuddy(field)
            field.setAccessibleName(text)
            field.setFixedWidth(wide)
            row.addWidget(name)
            row.addWidget(field)
            if isinstance(field, QLineEdit):
                field.returnPressed.connect(self.search)
                field.textChanged.connect(self._show_active)
            elif isinstance(field, QSpinBox):
                field.lineEdit().returnPressed.connect(self.search)
                field.valueChanged.connect(self._show_active)
        self.shorter.setAccessibleName(tr("Length up to"))
        self.before.setAccessibleName(tr("Modified before"))
        row.addStretch(1)
        return made

    def footage_filter(self) -> FootageFilter:
        """The filter that the fields describe. Raises UserError for text that isn't a date."""
        return FootageFilter(
            name=self.name.text().strip(),
            after=_date(self.after.text()),
            before=_date(self.before.text()),
            shortest_s=Fraction(self.longer.value()) or None,
            longest_s=Fraction(self.shorter.value()) or None,
            height=self.height_px.value(),
        )

    @property
    def is_typed_in(self) -> bool:
        """Whether the user is typing a query that nothing was searched for yet."""
        return self.field.hasFocus() and self.field.isModified()

    def search(self) -> None:
        query = self.field.text().strip()
        self.field.setModified(False)
        try:
            footage_filter = self.footage_filter()
        except UserError as error:
            self.failed.emit(error)
            return
        if not query and self.chip.example is not None:
            self.searched_by.emit(self.chip.example, footage_filter)
        elif query:
            self.show_example(None)
            self.field.close_history()
            self.searched.emit(query, footage_filter)

    def show_example(self, example: Example | None, picture: QImage | None = None) -> None:
        """Search by a picture from now on, until words are searched for. None: search by words again."""
        self.chip.show_example(example, picture)
        if example is not None:
            self.field.clear()

    def clear_filters(self) -> None:
        for text in (self.name, self.after, self.before):
            text.clear()
        for spin in (self.longer, self.shorter, self.height_px):
            spin.setValue(0)
        self.search()

    def _show_active(self) -> None:
        """A filter counts also while its field is hidden."""
        texts = any(field.text().strip() for field in (self.name, self.after, self.before))
        self.active.setVisible(texts or any(spin.value() for spin in (self.longer, self.shorter, self.height_px)))

    def ask(self, query: str) -> None:
        """Search for `query` as if it had been typed."""
        self.field.setText(query)
        self.search()

    def _show_filters(self, is_wanted: bool) -> None:
        self._filters.setVisible(is_wanted)
        (self.name if is_wanted else self.field).setFocus()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            return True
        return False


def _date(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip()) if text.strip() else None
    except ValueError as error:
        raise UserError(tr("“{text}” isn't a date", text=text), remedy=tr("Write it like 2026-05-31")) from error
