"""*Editors*: the plugins inside other programs, and who may search."""

from __future__ import annotations

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import scrolling, title, words
from tr_desktop.app.panels.access import AccessPanel
from tr_desktop.app.panels.plugin_rows import PluginRows
from tr_desktop.app.work.session import Session


class EditorsDialog(QDialog):
    """Stays open beside the window, which goes on as usual. plugins: their rows. access: who may search."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self.setWindowTitle(tr("Editors"))
        self.plugins = PluginRows(session.plugins)
        self.access = AccessPanel(session.serving)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(title(tr("Plugins inside editors")))
        column.addWidget(
            words(
                tr(
                    "A plugin puts what you send from the File menu into the project that is open in the editor."
                    " It is copied into a folder of yours: nothing needs an administrator."
                )
            )
        )
        column.addWidget(self.plugins)
        column.addWidget(title(tr("Search from a plugin or a script")))
        column.addWidget(self.access)
        column.addStretch(1)
        close = QPushButton(tr("Close"))
        close.setDefault(True)  # not one of the rows' buttons
        close.clicked.connect(self.close)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(close)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(16, 14, 16, 14)
        rows.setSpacing(theme.SPACE)
        rows.addWidget(scrolling(inner), 1)
        rows.addLayout(foot)
        self.setMinimumSize(420, 320)
        self.resize(720, 560)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.plugins.look()
