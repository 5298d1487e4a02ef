"""What stands in the window before there is any footage."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.widgets import words

_STEPS = (
    ("1", "Add a folder", "It is indexed once, on this machine. Nothing is uploaded."),
    ("2", "Describe what you remember", "A sentence is enough: a dog jumps over a fence."),
    ("3", "Watch the edges settle", "Every refinement step is on the scrubber. Keep the one that sits right."),
    ("4", "Hand it over", "Exact to the frame, in the format that your editor reads."),
)


class Welcome(QWidget):
    """add_folder, try_sample: what a first user can do."""

    add_folder = Signal()
    try_sample = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        heading = QLabel("Find the moment you remember")
        heading.setProperty("role", "heading")
        self.add = QPushButton("Add a folder…")
        self.add.setProperty("role", "main")
        self.add.clicked.connect(self.add_folder)
        self.sample = QPushButton("Try it with a sample clip")
        self.sample.clicked.connect(self.try_sample)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SPACE)
        buttons.addWidget(self.add)
        buttons.addWidget(self.sample)
        buttons.addStretch(1)
        inner = QWidget()
        inner.setMaximumWidth(520)
        column = QVBoxLayout(inner)
        column.setSpacing(theme.SPACE)
        column.addWidget(heading)
        column.addSpacing(theme.SPACE)
        for number, name, text in _STEPS:
            column.addLayout(_step(number, name, text))
        column.addSpacing(2 * theme.SPACE)
        column.addLayout(buttons)
        column.addWidget(words("Or drop files and folders anywhere in this window.", "small"))
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(inner, 4)
        middle.addStretch(1)
        rows = QVBoxLayout(self)
        rows.addStretch(2)
        rows.addLayout(middle)
        rows.addStretch(3)


def _step(number: str, name: str, text: str) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(12)
    figure = QLabel(number, alignment=Qt.AlignmentFlag.AlignTop)
    figure.setProperty("role", "dim")
    figure.setFixedWidth(16)
    lines = QVBoxLayout()
    lines.setSpacing(1)
    head = QLabel(name)
    head.setFont(theme.font(is_bold=True))
    lines.addWidget(head)
    lines.addWidget(words(text))
    row.addWidget(figure, 0, Qt.AlignmentFlag.AlignTop)
    row.addLayout(lines, 1)
    return row
