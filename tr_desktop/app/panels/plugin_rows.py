"""The plugins inside editors, each with what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import breakable, words
from tr_desktop.app.panels import plugin_text
from tr_desktop.app.panels.named_row import NamedRow, named_button
from tr_desktop.app.work.plugins import KnownPlugin, Plugins
from tr_desktop.editor_plugins import PLUGINS, Plugin, State
from tr_desktop.errors import UserError


class PluginRow(NamedRow):
    """The plugin for one editor. install, remove: the user wants it.

    said: what came of the user's last click; `say` and `say_error` set it.
    """

    install = Signal()
    remove = Signal()

    def __init__(self, plugin: Plugin) -> None:
        super().__init__(plugin.editor)
        self.name.setMinimumHeight(theme.ROW)  # as high as with buttons
        self.state, self.steps, self.places, self.said = words(), words(role=""), words(role="small"), words(role="")
        self._line = ""
        self._folder = plugin.folder()
        for label in (self.state, self.places, self.steps):
            self.lines.addWidget(label)
        self._add_console(plugin)
        self.lines.addWidget(self.said)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.said.hide()
        editor = plugin.editor
        self.folder_button = named_button(
            QPushButton(), tr("Open folder"), tr("Open the folder of the plugin for {editor}", editor=editor)
        )
        self.folder_button.clicked.connect(self._open_folder)
        self.remove_button = named_button(
            QPushButton(), tr("Remove"), tr("Remove the plugin for {editor}", editor=editor)
        )
        self.install_button = named_button(
            QPushButton(), tr("Install"), tr("Install the plugin for {editor}", editor=editor)
        )
        for button, signal in ((self.remove_button, self.remove), (self.install_button, self.install)):
            button.clicked.connect(self.setFocus)  # the button goes: Enter would press the one that is next to it
            button.clicked.connect(signal)
        for button in (self.folder_button, self.remove_button, self.install_button):
            button.setVisible(False)  # until the folders were looked at
            self.buttons.addWidget(button)

    def _add_console(self, plugin: Plugin) -> None:
        """The button that copies the line for the editor's console; beside it, what the line is for."""
        console = QWidget()
        self.copy_button = QPushButton(tr("Copy line for the Console"))
        self.copy_button.setEnabled(False)
        self.copy_button.clicked.connect(self._copy)
        row = QHBoxLayout(console)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        row.addWidget(words(tr(plugin.console.advice) if plugin.console is not None else "", "small"), 1)
        row.addWidget(self.copy_button)
        console.setVisible(plugin.console is not None)
        self.lines.addWidget(console)

    def show_plugin(self, known: KnownPlugin, *, is_at_work: bool) -> None:
        """is_at_work: whether it is being installed or removed."""
        is_installed = known.state is State.INSTALLED
        if known.state is State.OTHER:
            self.mark.show_icon("warn", "warn")
        else:
            self.mark.show_icon("check", "panel" if not is_installed else "dim" if known.plugin.by_hand else "good")
        self.state.setText(breakable(plugin_text.state(known)))
        self.places.setText(breakable(plugin_text.targets(known)))
        steps = plugin_text.next_steps(known)
        self.steps.setText(steps)
        self.steps.setVisible(bool(steps))
        self._line = known.line
        self.copy_button.setEnabled(is_installed)
        self.folder_button.setVisible(is_installed and bool(known.plugin.by_hand))
        self.remove_button.setVisible(known.was_installed)
        self.remove_button.setEnabled(not is_at_work)
        self.install_button.setText(tr("Install again") if known.state is State.OTHER else tr("Install"))
        self.install_button.setVisible(known.state in (State.MISSING, State.OTHER))
        self.install_button.setEnabled(not is_at_work)

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._line)
        self.say(tr("Copied {line}", line=self._line))

    def say(self, text: str, role: str = "") -> None:
        """Show `text`, or nothing if it is empty."""
        self.said.setText(breakable(text))
        self.said.setVisible(bool(text))
        if self.said.property("role") != role:
            self.said.setProperty("role", role)
            self.said.style().polish(self.said)

    def say_error(self, error: UserError) -> None:
        self.say(str(error), "bad")


class PluginRows(QWidget):
    """A row for each plugin, by its name."""

    def __init__(self, plugins: Plugins) -> None:
        super().__init__()
        self._plugins = plugins
        self.rows = {name: PluginRow(plugin) for name, plugin in PLUGINS.items()}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for name, row in self.rows.items():
            row.install.connect(lambda plugin=PLUGINS[name]: self._install(plugin))
            row.remove.connect(lambda plugin=PLUGINS[name]: self._remove(plugin))
            column.addWidget(row)
        plugins.changed.connect(self._show)

    def look(self) -> None:
        """Forget what came of earlier clicks, and look at the folders of the editors again."""
        for row in self.rows.values():
            row.say("")
        self._plugins.refresh()

    def _install(self, plugin: Plugin) -> None:
        row = self.rows[plugin.name]
        self._plugins.install(plugin, lambda files: row.say(plugin_text.wrote(files)), row.say_error)

    def _remove(self, plugin: Plugin) -> None:
        row = self.rows[plugin.name]
        self._plugins.remove(plugin, lambda removal: row.say(plugin_text.removed(plugin, removal)), row.say_error)

    def _show(self) -> None:
        for name, known in self._plugins.known.items():
            self.rows[name].show_plugin(known, is_at_work=name in self._plugins.at_work)
