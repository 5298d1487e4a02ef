"""The picture that is searched by, in place of words."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.icons import IconButton
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import Elided

_PICTURE_PX = 22


@dataclass(frozen=True)
class Example:
    """A search by a picture. name: as results and selects call it. example: MEDIA@SECONDS."""

    name: str
    example: str


class ExampleChip(QWidget):
    """A small picture with its name. closed: the editor doesn't want to search by it any more."""

    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.example: Example | None = None
        self._picture = QLabel()
        self._name = Elided("", "small", Qt.TextElideMode.ElideMiddle)
        self._name.setFixedWidth(180)
        close = IconButton("close", tr("Don’t search by this picture"))
        close.clicked.connect(self.closed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        for widget in (self._picture, self._name, close):
            row.addWidget(widget)
        self.hide()

    def show_example(self, example: Example | None, picture: QImage | None = None) -> None:
        self.example = example
        self.setVisible(example is not None)
        if example is not None:
            self._name.set_text(example.name)
        if picture is not None and not picture.isNull():
            scaled = picture.scaledToHeight(_PICTURE_PX, Qt.TransformationMode.SmoothTransformation)
            self._picture.setPixmap(QPixmap.fromImage(scaled))
