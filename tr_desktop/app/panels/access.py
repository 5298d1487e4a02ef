"""Access for plugins and scripts on this machine: the switch, a code that pairs a plugin, and who is paired."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import breakable, words
from tr_desktop.app.panels.named_row import NamedRow, named_button
from tr_desktop.app.work.serving import Serving
from tr_desktop.errors import UserError
from tr_desktop.serving.pairing import Paired

_LOOK_MS = 1000  # a plugin is paired in a thread of the server


class AccessPanel(QWidget):
    """What `serving` allows. plugins: the rows of those that are paired, by their names."""

    def __init__(self, serving: Serving) -> None:
        super().__init__()
        self._serving = serving
        self._shown: list[Paired] | None = None
        self._before_code: list[Paired] = []
        self._shows_code = False
        self.plugins: dict[str, NamedRow] = {}
        self.switch = QCheckBox(tr("Let plugins search while the app is open"))
        self.switch.clicked.connect(serving.switch)
        self.state, self.said = words(), words(role="bad")
        self.said.hide()
        self.code_button = QPushButton(tr("Pair a plugin…"))
        self.code_button.clicked.connect(self._show_code)
        self.code = words(role="")
        self.code.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        pair = QHBoxLayout()
        pair.setSpacing(theme.SPACE)
        pair.addWidget(self.code_button)
        pair.addWidget(self.code, 1)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(2)
        access = QWidget()
        access.setObjectName("panel")
        access.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        inner = QVBoxLayout(access)
        inner.setContentsMargins(12, 10, 8, 10)
        inner.setSpacing(theme.SPACE)
        inner.addWidget(self.switch)
        inner.addWidget(self.state)
        inner.addLayout(pair)
        inner.addWidget(self.said)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(access)
        column.addLayout(self._rows)
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self._show)
        serving.changed.connect(self._show)
        serving.failed.connect(self._say)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if event.spontaneous():  # the window was minimised
            return
        self.said.hide()
        self._say_code("")
        self._timer.start()
        self._show()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if event.spontaneous():
            return
        self._timer.stop()
        self._serving.pairing.end_code()  # nobody can read it any more

    def _show(self) -> None:
        if not self.isVisible():
            return
        serving = self._serving
        self.switch.setChecked(serving.is_wanted)
        self.code_button.setEnabled(bool(serving.port))
        if serving.port:
            self.state.setText(
                tr(
                    "Plugins on this computer reach TimeRefine at 127.0.0.1:{port}. Other machines can’t. They search"
                    " what the window searches, and can add selects, which you can undo.",
                    port=serving.port,
                )
            )
        elif serving.is_wanted:
            self.state.setText(tr("TimeRefine begins to listen."))
        else:
            self.state.setText(tr("Off: nothing listens."))
        paired = serving.pairing.paired()
        if paired != self._shown:
            self._show_paired(paired)
        elif self._shows_code and not serving.pairing.has_code:
            self._say_code("")

    def _show_paired(self, paired: list[Paired]) -> None:
        new = [each for each in paired if each not in self._before_code]
        self._say_code(tr("{plugin} is paired.", plugin=new[-1].name) if self._shows_code and new else "")
        self._shown = paired
        for row in self.plugins.values():
            self._rows.removeWidget(row)
            row.deleteLater()
        self.plugins = {}
        for plugin in paired:
            row = self.plugins[plugin.name] = NamedRow(plugin.name)
            row.mark.show_icon("check", "good")
            row.lines.addWidget(words(tr("Paired on {day}", day=plugin.since), "small"))
            remove = named_button(QPushButton(), tr("Remove"), tr("Let {plugin} search no more", plugin=plugin.name))
            remove.clicked.connect(lambda _=False, plugin=plugin: self._forget(plugin))
            row.buttons.addWidget(remove)
            self._rows.addWidget(row)

    def _show_code(self) -> None:
        self._before_code = self._serving.pairing.paired()
        code = self._serving.pairing.new_code()
        self._say_code(tr("Enter {code} in the plugin within ten minutes. It pairs one plugin.", code=code))
        self._shows_code = True

    def _say_code(self, text: str) -> None:
        self.code.setText(text)
        self._shows_code = False

    def _forget(self, plugin: Paired) -> None:
        try:
            self._serving.forget(plugin)
        except UserError as error:
            self._say(error)

    def _say(self, error: UserError) -> None:
        self.said.setText(breakable(str(error)))
        self.said.show()
