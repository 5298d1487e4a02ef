"""The sheet of all keys, made from the registry of actions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.widgets import title, words
from tr_desktop.app.shell.actions import ACTIONS, KEYS_FILE

_COLUMNS = (("File", "Edit", "View", "Help"), ("Moment",), ("Playback",))


class KeySheet(QDialog):
    def __init__(self, keys: Mapping[str, tuple[str, ...]], settings_folder: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        columns = QHBoxLayout()
        columns.setSpacing(32)
        for menus in _COLUMNS:
            column = QVBoxLayout()
            column.setSpacing(theme.SPACE)
            for menu in menus:
                column.addWidget(title(menu))
                column.addLayout(_table(menu, keys))
                column.addSpacing(theme.SPACE)
            column.addStretch(1)
            columns.addLayout(column)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(24, 20, 24, 20)
        rows.addLayout(columns)
        rows.addWidget(
            words(f"Other keys: write them into {settings_folder / KEYS_FILE}, by the names of the tips.", "small")
        )


def _table(menu: str, keys: Mapping[str, tuple[str, ...]]) -> QGridLayout:
    table = QGridLayout()
    table.setHorizontalSpacing(16)
    table.setVerticalSpacing(3)
    actions = [action for action in ACTIONS if action.menu == menu and keys[action.name]]
    for row, action in enumerate(actions):
        text = QLabel(action.text.rstrip("…"))
        text.setToolTip(action.name)
        shown = [QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in keys[action.name]]
        given = QLabel("  ".join(shown), alignment=Qt.AlignmentFlag.AlignRight)
        given.setProperty("role", "dim")
        table.addWidget(text, row, 0)
        table.addWidget(given, row, 1)
    table.setColumnStretch(0, 1)
    return table
