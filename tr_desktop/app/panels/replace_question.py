"""Asks before an export replaces a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from tr_desktop.app.look.translate import tr


def ask_to_replace(parent: QWidget, paths: Sequence[Path], on_agreed: Callable[[], object]) -> None:
    """Show the question over `parent`'s window and return at once; `on_agreed` is called if the user agrees."""
    box = QMessageBox(parent.window(), textFormat=Qt.TextFormat.PlainText)
    box.setText(tr("Replace {names}?", names=", ".join(path.name for path in paths)))
    box.setInformativeText(
        tr("It exists already in {folder}, and it isn't an unchanged export of this project.", folder=paths[0].parent)
    )
    replace = box.addButton(tr("Replace"), QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    replace.clicked.connect(on_agreed)
    box.finished.connect(box.deleteLater)
    box.open()
