"""Switching the theme, by the user or by the system."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from tr_desktop.app.look import theme
from tr_desktop.app.look.settings import Settings
from tr_desktop.app.look.theme import Theme
from tr_desktop.app.look.translate import tr


class Theming(QObject):
    """switched: the user chose another theme; one sentence."""

    switched = Signal(str)

    def __init__(self, app: QApplication, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._app, self._settings = app, settings
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)

    def switch(self) -> None:
        """Use the next theme."""
        order = list(Theme)
        self._settings.theme = order[(order.index(self._settings.theme) + 1) % len(order)]
        theme.use(self._app, self._settings.theme)
        names = {Theme.DARK: tr("dark"), Theme.LIGHT: tr("light"), Theme.SYSTEM: tr("same as the system")}
        self.switched.emit(tr("Theme: {name}.", name=names[self._settings.theme]))

    def _system_changed(self) -> None:
        if self._settings.theme is Theme.SYSTEM:
            theme.use(self._app, Theme.SYSTEM)
