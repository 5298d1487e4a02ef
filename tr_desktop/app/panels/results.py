"""The results, the message shown while there are none, and guesses: at once if there is nothing better."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.counter import Counting, plural
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import Elided, words
from tr_desktop.app.panels.moment_list import MomentList
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.app.work.searching import Results
from tr_desktop.library.search.feedback import ranked
from tr_desktop.moments import Moment
from tr_desktop.projects.decisions import Decision, key_of


class ResultsPanel(QWidget):
    """The list of results, or a message in its place. chosen: a moment was clicked or walked to."""

    chosen = Signal(Moment)

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._results = Results("")
        self._shows_guesses = False
        self.list = MomentList(thumbnails)
        self.list.selectionModel().currentChanged.connect(self._choose)
        self._title = QLabel()
        self._title.setProperty("role", "title")
        self._title.setFixedHeight(theme.ROW)  # as high as the other panels' buttons: their titles stand on one line
        self._pack = Elided("", "small", Qt.TextElideMode.ElideRight)
        self._pack.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._names_pack = False
        self._message, self._why = words(role=""), words()
        for text in (self._message, self._why):
            text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._notice = words(role="")
        self._marks = words()
        self.clear_marks = QPushButton(tr("Clear"))
        self._marks_row = QWidget()
        self.more_guesses = QPushButton()
        self.more_guesses.clicked.connect(self.toggle_guesses)
        self._empty = QWidget()
        column = QVBoxLayout(self._empty)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(theme.SPACE)
        column.addStretch(2)
        column.addWidget(self._message)
        column.addWidget(self._why)
        column.addStretch(3)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.list)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, theme.SPACE + 2, 0, 0)
        rows.setSpacing(theme.SPACE)
        title_row = QVBoxLayout()
        title_row.setContentsMargins(14, 0, 14, 0)
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addWidget(self._pack, 1)
        title_row.addLayout(head)
        title_row.addWidget(self._marks_row)
        title_row.addWidget(self._notice)
        marks = QHBoxLayout(self._marks_row)
        marks.setContentsMargins(0, 0, 0, 0)
        marks.addWidget(self._marks, 1)
        marks.addWidget(self.clear_marks)
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
        # A video language model takes long: what it writes about guesses is seen while it writes.
        only_guesses = not confident and (results.is_final or results.is_model_looking)
        shown = list(results.moments) if self._shows_guesses or only_guesses else confident
        current, at = self.current(), self.list.currentIndex().row()
        self.list.moments.set_moments(shown, results.judgements)
        if current is not None:
            row = self.list.moments.row_of(key_of(current))
            if row >= 0:
                self.select(row)
            elif not ranked([current], results.judgements):
                self.select(at)  # it was marked wrong: the next one takes its place
        self._pages.setCurrentWidget(self.list if shown else self._empty)
        name = tr("Results").upper()
        self._title.setText(f"{name}  {len(shown)}" if shown else name)
        self._pack.set_text(results.pack if self._names_pack else "")
        self.more_guesses.setVisible(bool(confident and guesses))
        self.more_guesses.setText(
            tr("Hide guesses")
            if self._shows_guesses
            else plural(guesses, "Also show {count} guess", "Also show {count} guesses")
        )
        self._marks_row.setVisible(bool(results.judgements))
        self._marks.setText(_marked(results))
        message, why = _explained(results)
        self._notice.setVisible(bool(shown and (only_guesses or results.is_model_looking)))
        self._notice.setText(f"{message}. {tr('These are guesses.')}" if only_guesses else message)
        self._message.setText(message)
        self._why.setText(why)

    def name_pack(self, is_wanted: bool) -> None:
        """Say which model has answered, if there is more than one."""
        if is_wanted != self._names_pack:
            self._names_pack = is_wanted
            self.set_results(self._results)

    def pack(self) -> str:
        """The model that has answered, if it is shown."""
        return self._pack.toolTip()

    def marks(self) -> str:
        """The text about marked answers; empty without any."""
        return self._marks.text()

    def message(self) -> str:
        """The message in place of results."""
        return self._message.text()

    def notice(self) -> str:
        """The sentence above the list; empty if it isn't shown."""
        return "" if self._notice.isHidden() else self._notice.text()

    def why(self) -> str:
        """The explanation below the message."""
        return self._why.text()

    def toggle_guesses(self) -> None:
        self._shows_guesses = not self._shows_guesses
        self.set_results(self._results)
        if self._shows_guesses and self.current() is None:
            self.select(0)
        self.list.setFocus()

    def set_counting(self, counting: Counting) -> None:
        self.list.moments.counting = counting
        self.list.repaint_rows()

    def set_decisions(self, decisions: Sequence[Decision]) -> None:
        self.list.delegate.decisions = {each.key: each for each in decisions}
        self.list.repaint_rows()

    def current(self) -> Moment | None:
        index = self.list.currentIndex()
        return self.list.moments.moment(index.row()) if index.isValid() else None

    def select(self, row: int) -> None:
        """Go to a row, or to the nearest one there is."""
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


def _marked(results: Results) -> str:
    if not results.judgements:
        return ""
    said = plural(len(results.judgements), "{count} mark", "{count} marks")
    if results.unknown:
        unknown = plural(
            results.unknown,
            "{count} isn’t in use: its file isn’t in the library",
            "{count} aren’t in use: their files aren’t in the library",
        )
        said = f"{said} ({unknown})"
    return said


def _looking(results: Results) -> str:
    done, total = results.windows or (0, 0)
    if done >= total:
        return tr("Looking closer at the edges")
    return tr("The video language model looks at window {number} of {total}", number=done + 1, total=total)


def _explained(results: Results) -> tuple[str, str]:
    """(message, explanation) for results of which none is listed."""
    if results.error is not None:
        return results.error.what, results.error.remedy
    if not results.query:
        return tr("Nothing searched yet"), tr("Type what you remember, such as: a dog jumps over a fence")
    if results.is_model_looking:
        return _looking(results), ""
    if not results.is_final:
        return tr("Searching…"), ""
    if not results.moments:
        return tr("Nothing found for “{query}”", query=results.query), ""
    why = tr("The footage may not contain it, or may show it differently.")
    if results.unread:
        why = plural(
            results.unread,
            "{count} file is still being indexed. The search will rerun.",
            "{count} files are still being indexed. The search will rerun.",
        )
    return tr("No confident match for “{query}”", query=results.query), why
