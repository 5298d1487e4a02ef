"""The results, what stands in their place while there are none, and the guesses behind one click."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.counter import Counting, counted
from tr_desktop.app.panels.moment_list import MomentList
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.app.work.searching import Results
from tr_desktop.moments import Moment
from tr_desktop.projects.decisions import Decision, key_of


class ResultsPanel(QWidget):
    """The list with what stands in its place while there is none, and the guesses behind one click.

    chosen: a moment was clicked or walked to.
    """

    chosen = Signal(object)

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._results = Results("")
        self._shows_guesses = False
        self.list = MomentList(thumbnails)
        self.list.selectionModel().currentChanged.connect(self._choose)
        self._title = QLabel("RESULTS")
        self._title.setProperty("role", "title")
        self._title.setFixedHeight(theme.ROW)  # as high as the other panels' buttons: their titles stand on one line
        self._message = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self._why = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self._why.setProperty("role", "dim")
        self.show_guesses = QPushButton("Show the best guesses")
        self.show_guesses.clicked.connect(self.toggle_guesses)
        self.more_guesses = QPushButton()
        self.more_guesses.clicked.connect(self.toggle_guesses)
        nothing = QWidget()
        column = QVBoxLayout(nothing)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(theme.SPACE)
        column.addStretch(2)
        column.addWidget(self._message)
        column.addWidget(self._why)
        column.addSpacing(theme.SPACE)
        column.addWidget(self.show_guesses, alignment=Qt.AlignmentFlag.AlignCenter)
        column.addStretch(3)
        self._pages = QStackedWidget()
        self._pages.addWidget(nothing)
        self._pages.addWidget(self.list)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, theme.SPACE + 2, 0, 0)
        rows.setSpacing(theme.SPACE)
        title_row = QVBoxLayout()
        title_row.setContentsMargins(14, 0, 14, 0)
        title_row.addWidget(self._title)
        rows.addLayout(title_row)
        rows.addWidget(self._pages, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(10, 0, 10, theme.SPACE)
        foot.addWidget(self.more_guesses)
        rows.addLayout(foot)
        self.set_results(Results(""))

    def set_results(self, results: Results) -> None:
        if results.query != self._results.query:
            self._shows_guesses = False
        self._results = results
        confident = [moment for moment in results.moments if moment.confident]
        guesses = len(results.moments) - len(confident)
        shown = list(results.moments) if self._shows_guesses else confident
        current = self.current()
        self.list.moments.set_moments(shown)
        if current is not None and (row := self.list.moments.row_of(key_of(current))) >= 0:
            self.select(row)
        self._pages.setCurrentIndex(1 if shown else 0)
        self._title.setText(f"RESULTS  {len(shown)}" if shown else "RESULTS")
        self.more_guesses.setVisible(bool(confident and guesses))
        self.more_guesses.setText(
            "Hide guesses" if self._shows_guesses else f"Show {guesses} more that are only guesses"
        )
        self.show_guesses.setVisible(bool(not shown and guesses and results.is_final))
        self.show_guesses.setText("Show the best guess" if guesses == 1 else f"Show {guesses} best guesses")
        self._say(results)

    def _say(self, results: Results) -> None:
        message, why = "", ""
        if results.error is not None:
            message, why = results.error.what, results.error.remedy
        elif not results.query:
            message, why = "Nothing searched yet", "Type what you remember, such as: a dog jumps over a fence"
        elif not results.is_final:
            message = "Searching…"
        elif results.moments:
            message, why = (
                f"No confident match for “{results.query}”",
                "The footage may not have it, or show it differently.",
            )
            if results.unread:
                why = f"{counted(results.unread, 'file')} not wholly indexed yet; then it is searched again."
        else:
            message, why = f"Nothing found for “{results.query}”", ""
        self._message.setText(message)
        self._why.setText(why)

    def message(self) -> str:
        """What stands in the place of results."""
        return self._message.text()

    def why(self) -> str:
        """What stands below that."""
        return self._why.text()

    def toggle_guesses(self) -> None:
        self._shows_guesses = not self._shows_guesses
        self.set_results(self._results)
        if self._shows_guesses and self.current() is None:
            self.select(0)
        self.list.setFocus()

    def set_counting(self, counting: Counting) -> None:
        self.list.moments.counting = counting
        self.list.viewport().update()

    def set_decisions(self, decisions: Sequence[Decision]) -> None:
        self.list.delegate.decisions = {each.key: each for each in decisions}
        self.list.viewport().update()

    def current(self) -> Moment | None:
        index = self.list.currentIndex()
        return self.list.moments.moment(index.row()) if index.isValid() else None

    def select(self, row: int) -> None:
        """Go to a row, the last or first one where there is none such."""
        if count := self.list.moments.rowCount():
            self.list.setCurrentIndex(self.list.moments.index(min(max(row, 0), count - 1)))

    def walk(self, by: int) -> None:
        index = self.list.currentIndex()
        self.select(index.row() + by if index.isValid() else 0)

    def clear_choice(self) -> None:
        self.list.selectionModel().clear()

    def _choose(self, index: QModelIndex, _: QModelIndex) -> None:
        if index.isValid():
            self.chosen.emit(self.list.moments.moment(index.row()))
