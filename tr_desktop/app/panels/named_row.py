"""One named thing in a list, with buttons for what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.icons import plain_tip
from tr_desktop.app.look.widgets import Icon


class NamedRow(QWidget):
    """A name and buttons over lines of text."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.mark = Icon("check", "panel")
        self.name = QLabel(name, textFormat=Qt.TextFormat.PlainText)
        self.name.setFont(theme.font(is_bold=True))
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(theme.SPACE // 2)
        head = QHBoxLayout()
        head.setSpacing(theme.SPACE)
        head.addWidget(self.mark)
        head.addWidget(self.name, 1)
        head.addLayout(self.buttons)
        self.lines = QVBoxLayout()
        self.lines.setContentsMargins(16 + theme.SPACE, 0, 0, 0)  # below the name
        self.lines.setSpacing(2)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(12, 4, 8, 10)
        rows.setSpacing(0)
        rows.addLayout(head)
        rows.addLayout(self.lines)


def named_button(button: QPushButton | QToolButton, text: str, what: str) -> QPushButton | QToolButton:
    """`button` with a short text. what: the action with its object, for the tool tip and screen readers."""
    button.setText(text)
    button.setToolTip(plain_tip(what))
    button.setAccessibleName(what)
    return button
