"""The files that aren't searched, under their reasons. A reason is shown in full, on as many lines as it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QTreeWidget, QTreeWidgetItem

from tr_desktop.app.look.translate import tr
from tr_desktop.app.panels.poster_list import Index

_MAX_NAMES = 200  # listed under one reason
_INDENT_PX = 12
_MARGIN_PX = 4  # at least, that a style leaves on each side of the text


class Reasons(QTreeWidget):
    """A tree of reasons and file names."""

    def __init__(self) -> None:
        super().__init__()
        self.setHeaderHidden(True)
        self.setIndentation(_INDENT_PX)
        self.setAccessibleName(tr("Files not searched, with reasons"))
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # file names
        self.setWordWrap(True)  # reasons
        self.setItemDelegate(_Wrapping(self))

    def fill(self, reasons: Mapping[str, Sequence[str]]) -> None:
        """Show file names by their reasons, the most frequent first."""
        self.clear()
        for reason, names in sorted(reasons.items(), key=lambda item: -len(item[1])):
            count = len(names)
            top = QTreeWidgetItem([f"{count}  {reason}"])
            top.setToolTip(0, reason)
            top.addChildren([QTreeWidgetItem([name]) for name in names[:_MAX_NAMES]])
            if count > _MAX_NAMES:
                top.addChild(QTreeWidgetItem([tr("and {count} more", count=count - _MAX_NAMES)]))
            self.addTopLevelItem(top)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()  # another width, other heights


class _Wrapping(QStyledItemDelegate):
    """Gives a reason the height of its lines: Qt's trees wrap a text only within the height of one."""

    def __init__(self, tree: QTreeWidget) -> None:
        super().__init__(tree)
        self._tree = tree

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        size = super().sizeHint(option, index)
        if index.parent().isValid():
            return size
        width = self._tree.viewport().width() - _INDENT_PX - 2 * _MARGIN_PX
        lines = self._tree.fontMetrics().boundingRect(
            QRect(0, 0, max(width, 1), 1 << 16), Qt.TextFlag.TextWordWrap, str(index.data())
        )
        return QSize(size.width(), max(size.height(), lines.height() + 2))
