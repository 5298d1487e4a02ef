"""The bars around the picture: playing and accepting under it, the refinement's steps over the scrubber.

The window names the buttons after their actions, with the actions' keys.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.icons import IconButton
from tr_desktop.app.look.widgets import Elided, title


class Transport(QWidget):
    """Under the picture: playing, the place in the source, and what is accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.back = IconButton("step-back", "")
        self.play = IconButton("play", "")
        self.on = IconButton("step-on", "")
        self.loop = IconButton("loop", "")
        self.mark_in = IconButton("in", "")
        self.mark_out = IconButton("out", "")
        self.marker = IconButton("marker", "")
        self.place = QLineEdit()
        self.place.setAccessibleName("Place in the source; type a timecode to go there")
        self.place.setFont(theme.figures_font(15))
        self.place.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.place.setFixedWidth(132)
        self.accept = QPushButton("Accept")
        self.accept.setProperty("role", "main")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 8, 6)
        row.setSpacing(2)
        for button in (self.back, self.play, self.on, self.loop):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.place)
        row.addStretch(1)
        for button in (self.mark_in, self.mark_out, self.marker):
            row.addWidget(button)
        row.addSpacing(theme.SPACE)
        row.addWidget(self.accept)
        self.buttons = (self.back, self.play, self.on, self.loop, self.mark_in, self.mark_out, self.marker, self.accept)


class StepsBar(QWidget):
    """Over the scrubber: the file, the moment's edges, and which refinement step is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.name = Elided("", "")
        self.edges = QLabel()
        self.edges.setFont(theme.figures_font())
        self.edges.setProperty("role", "dim")
        self.step = QLabel()
        self.step.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.previous = IconButton("step-back", "")
        self.next = IconButton("step-on", "")
        self.keep = QPushButton("Keep this step")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        row.addWidget(title("Refinement"))
        row.addWidget(self.name, 1)
        row.addWidget(self.edges)
        row.addStretch(1)
        row.addWidget(self.step)
        row.addWidget(self.previous)
        row.addWidget(self.next)
        row.addWidget(self.keep)
