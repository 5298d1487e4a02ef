"""The sheet of all keys, made from the table of actions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import title, words
from tr_desktop.app.shell.actions import ACTIONS, MENUS
from tr_desktop.app.shell.keys import KEYS_FILE
from tr_desktop.app.shell.menus import shown_key

_WIDE_MENUS = MENUS[2:4]  # each fills a column; the others share the first one


class KeySheet(QDialog):
    def __init__(self, keys: Mapping[str, tuple[str, ...]], settings_folder: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keyboard shortcuts"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        columns = QHBoxLayout()
        columns.setSpacing(32)
        for menus in ([menu for menu in MENUS if menu not in _WIDE_MENUS], *([menu] for menu in _WIDE_MENUS)):
            column = QVBoxLayout()
            column.setSpacing(theme.SPACE)
            for menu in menus:
                column.addWidget(title(tr(menu)))
                column.addLayout(_table(menu, keys))
                column.addSpacing(theme.SPACE)
            column.addStretch(1)
            columns.addLayout(column)
        path = settings_folder / KEYS_FILE
        rows = QVBoxLayout(self)
        rows.setContentsMargins(24, 20, 24, 20)
        rows.addLayout(columns)
        rows.addWidget(
            words(tr("To change keys, edit {path}; the tooltips show the action names.", path=path), "small")
        )


def _table(menu: str, keys: Mapping[str, tuple[str, ...]]) -> QGridLayout:
    table = QGridLayout()
    table.setHorizontalSpacing(16)
    table.setVerticalSpacing(3)
    actions = [action for action in ACTIONS if action.menu == menu and keys[action.name]]
    for row, action in enumerate(actions):
        text = QLabel(tr(action.text).rstrip("…"))
        text.setToolTip(action.name)
        given = QLabel("  ".join(map(shown_key, keys[action.name])), alignment=Qt.AlignmentFlag.AlignRight)
        given.setProperty("role", "dim")
        table.addWidget(text, row, 0)
        table.addWidget(given, row, 1)
    table.setColumnStretch(0, 1)
    return table
