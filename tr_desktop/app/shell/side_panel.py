"""The panel at the right: selects and export, one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.translate import tr


class Side(Enum):
    SELECTS = "selects"
    EXPORT = "export"


class SidePanel(QWidget):
    """One tab a page."""

    def __init__(self, pages: Mapping[Side, QWidget]) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        names = {Side.SELECTS: tr("Selects"), Side.EXPORT: tr("Export")}
        self._pages, self._stack, self._tabs = dict(pages), QStackedWidget(), dict[Side, QToolButton]()
        group = QButtonGroup(self)
        row = QHBoxLayout()
        row.setContentsMargins(12, 8, 12, 0)
        row.setSpacing(theme.SPACE)
        for side, page in pages.items():
            tab = QToolButton()
            tab.setText(names[side])
            tab.setCheckable(True)
            tab.setProperty("role", "tab")
            tab.clicked.connect(lambda _=False, side=side: self.show_page(side))
            group.addButton(tab)
            row.addWidget(tab)
            self._tabs[side] = tab
            self._stack.addWidget(page)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self._stack, 1)
        self.show_page(Side.SELECTS)

    def show_page(self, side: Side) -> None:
        self._tabs[side].setChecked(True)
        self._stack.setCurrentWidget(self._pages[side])

    def show_select_count(self, count: int) -> None:
        text = tr("Selects  {count}", count=count) if count else tr("Selects")
        self._tabs[Side.SELECTS].setText(text)
