"""The line above the selects that is shown while files of theirs are missing."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.counter import plural
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import words


class OfflineBar(QWidget):
    """locate: the editor wants to choose the folder that the files are in."""

    locate = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._text = words(role="warn")
        self.button = QPushButton(tr("Locate folder…"))
        self.button.clicked.connect(self.locate)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 12, 4)
        column.setSpacing(theme.SPACE)
        column.addWidget(self._text)
        column.addWidget(self.button)
        self.hide()

    def show_missing(self, files: int) -> None:
        """files: how many files of the selects are missing."""
        self.setVisible(files > 0)
        self._text.setText(
            plural(
                files,
                "{count} file of the selects is offline. Connect its drive, or locate its folder.",
                "{count} files of the selects are offline. Connect their drive, or locate their folder.",
            )
        )

    def text(self) -> str:
        return self._text.text()
