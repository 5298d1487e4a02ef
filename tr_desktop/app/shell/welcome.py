"""The page that the window shows before any footage is added."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import words


class Welcome(QWidget):
    """add_folder, try_sample: the two ways to begin."""

    add_folder = Signal()
    try_sample = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        heading = QLabel(tr("Find the moment you remember"))
        heading.setProperty("role", "heading")
        self.add = QPushButton(tr("Add a folder…"))
        self.add.setProperty("role", "main")
        self.add.clicked.connect(self.add_folder)
        self.sample = QPushButton(tr("Try a sample clip"))
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
        for number, (name, text) in enumerate(_steps(), 1):
            column.addLayout(_step(number, name, text))
        column.addSpacing(2 * theme.SPACE)
        column.addLayout(buttons)
        column.addWidget(words(tr("Or drop files and folders anywhere in this window."), "small"))
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(inner, 4)
        middle.addStretch(1)
        rows = QVBoxLayout(self)
        rows.addStretch(2)
        rows.addLayout(middle)
        rows.addStretch(3)


def _steps() -> list[tuple[str, str]]:
    return [
        (tr("Add a folder"), tr("It is indexed once, on this machine. Nothing is uploaded.")),
        (tr("Describe what you remember"), tr("A sentence is enough: a dog jumps over a fence.")),
        (
            tr("Watch the edges settle"),
            tr("The scrubber shows every refinement step. Keep the step that fits best."),
        ),
        (tr("Export"), tr("Exact to the frame, in the format that your editor reads.")),
    ]


def _step(number: int, name: str, text: str) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(12)
    figure = QLabel(str(number), alignment=Qt.AlignmentFlag.AlignTop)
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
