"""Small widgets that several panels share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from tr_desktop.app.look import icons, theme
from tr_desktop.app.look.icons import IconButton, plain_tip
from tr_desktop.app.look.translate import tr
from tr_desktop.errors import UserError

_READ_MS = 10_000
_Spin = TypeVar("_Spin", bound=QAbstractSpinBox)


def title(text: str) -> QLabel:
    """A panel's name, in capitals."""
    made = QLabel(text.upper())
    made.setProperty("role", "title")
    return made


def words(text: str = "", role: str = "dim") -> QLabel:
    """A sentence that wraps, shown as it is: names in it may look like HTML."""
    made = QLabel(text, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    return made


def breakable(text: str) -> str:
    """`text` for a label that wraps, with places in its long words, such as file names, where it may wrap."""
    return re.sub(r"[^\s\u200b]{12}(?=\S)", "\\g<0>\u200b", text)


def panel(widget: QWidget) -> QVBoxLayout:
    """Style `widget` as a panel and return its column layout."""
    widget.setObjectName("panel")
    widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    column = QVBoxLayout(widget)
    column.setContentsMargins(12, 10, 12, 12)
    column.setSpacing(theme.SPACE)
    return column


def scrolling(widget: QWidget) -> QScrollArea:
    """`widget` in an area that scrolls if it is too low."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(widget)
    widget.setAutoFillBackground(False)
    area.viewport().setAutoFillBackground(False)
    return area


def indented(spin: _Spin) -> _Spin:
    """Align a number field's text with that of other fields."""
    spin.lineEdit().setTextMargins(8, 0, 8, 0)
    return spin


class ComboBox(QComboBox):
    """A combo box whose arrow is one of our icons."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        with QPainter(self) as painter:
            box = QRectF(self.width() - 22, (self.height() - 14) / 2, 14, 14)
            icons.paint(painter, "chevron-down", box, theme.colours().dim)


class Elided(QLabel):
    """One line, shortened with … if there is no room; the tool tip has all of it."""

    def __init__(self, text: str = "", role: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle) -> None:
        super().__init__()
        self._whole = ""
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.set_text(text)

    def set_text(self, text: str) -> None:
        self._whole = text
        self.setToolTip(plain_tip(text))
        self.setAccessibleName(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        self.setText(self.fontMetrics().elidedText(self._whole, self._mode, max(self.width(), 20)))


class Icon(QWidget):
    """An icon that is no button."""

    def __init__(self, name: str, role: str = "dim", side: int = 16) -> None:
        super().__init__()
        self._name = name
        self._role = role
        self.setFixedSize(QSize(side, side))

    def show_icon(self, name: str, role: str) -> None:
        self._name = name
        self._role = role
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            icons.paint(painter, self._name, QRectF(self.rect()), getattr(theme.colours(), self._role))


class Notice(QFrame):
    """One sentence with buttons for its actions; the next notice replaces it.

    A notice without actions hides after a while. Errors, and notices with actions, stay until they are closed.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._icon = Icon("warn", "warn")
        self._text = words(role="")
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._said = ""
        self._buttons: list[QPushButton] = []
        close = IconButton("close", tr("Close this notice"))
        close.clicked.connect(self.hide)
        self._leaving = QTimer(self, singleShot=True)
        self._leaving.timeout.connect(self.hide)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 6, 6, 6)
        self._row.setSpacing(theme.SPACE)
        self._row.addWidget(self._icon)
        self._row.addWidget(self._text, 1)
        self._row.addWidget(close)
        self.hide()

    def say(self, text: str, *actions: tuple[str, Callable[[], object]], is_error: bool = False) -> None:
        for button in self._buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self._buttons = []
        for name, call in actions:
            button = QPushButton(name)
            button.clicked.connect(self.hide)
            button.clicked.connect(lambda _=False, call=call: call())
            self._row.insertWidget(self._row.count() - 1, button)
            self._buttons.append(button)
        self._icon.show_icon("warn" if is_error else "check", "bad" if is_error else "good")
        self._said = text
        self._text.setText(breakable(text))
        self.setAccessibleName(text)
        self.show()
        self._leaving.stop()
        if not actions and not is_error:
            self._leaving.start(_READ_MS)

    def hideEvent(self, event: QHideEvent) -> None:
        self._leaving.stop()
        super().hideEvent(event)

    def say_error(self, error: UserError) -> None:
        self.say(str(error), is_error=True)

    def text(self) -> str:
        """The sentence; empty while the notice is hidden."""
        return self._said if self.isVisible() else ""

    def press(self, name: str) -> None:
        next(button for button in self._buttons if button.text() == name).click()
