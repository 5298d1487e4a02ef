"""Which keys belong to which action, and which keys belong to the field that the user types in.

`keys.json` in the settings folder changes the keys of actions: {"play.toggle": ["Space", "P"]}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
)

from tr_desktop.app.look.translate import tr
from tr_desktop.app.shell.actions import ACTIONS
from tr_desktop.errors import UserError

KEYS_FILE = "keys.json"


def keys_of(changes: Mapping[str, tuple[str, ...]] = {}) -> dict[str, tuple[str, ...]]:
    """The keys of every action, by its name.

    Raises UserError for an unknown action, an unknown key, or a key that two actions have.
    """
    keys = {action.name: action.keys for action in ACTIONS}
    if unknown := changes.keys() - keys.keys():
        raise UserError(
            tr("There is no action called “{name}”", name=sorted(unknown)[0]),
            remedy=tr("The tooltips in Help > Keyboard shortcuts show the action names"),
        )
    keys.update(changes)
    taken: dict[str, str] = {}
    for name, given in keys.items():
        for key in given:
            plain = QKeySequence(key, QKeySequence.SequenceFormat.PortableText).toString()
            if not plain:
                raise UserError(
                    tr("“{key}” is not a key (for {name})", key=key, name=name),
                    remedy=tr("Write keys like Ctrl+Shift+F or Space"),
                )
            if plain in taken:
                raise UserError(
                    tr("{key} is assigned to both {first} and {second}", key=plain, first=taken[plain], second=name),
                    remedy=tr("Assign a different key to one of them"),
                )
            taken[plain] = name
    return keys


def read_keys(folder: Path) -> dict[str, tuple[str, ...]]:
    """The keys of every action, with the changes in `folder`'s keys.json. Raises UserError if it can't be read."""
    path = folder / KEYS_FILE
    if not path.exists():
        return keys_of()
    try:
        changes = {str(name): tuple(map(str, keys)) for name, keys in json.loads(path.read_bytes()).items()}
        return keys_of(changes)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise UserError(
            tr("The keys can't be read: {reason}", reason=error), path=path, remedy=tr("Fix or delete the file")
        ) from error
    except UserError as error:
        raise UserError(error.what, path=path, remedy=error.remedy) from error


class TypingFirst(QObject):
    """Gives keys to the focused widget before any action: letters and arrows to a text field, Space to a button."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            focus = QApplication.focusWidget()
            typing = isinstance(focus, QLineEdit | QPlainTextEdit | QAbstractSpinBox | QComboBox)
            pressing = isinstance(focus, QAbstractButton) and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return)
            plain = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
            if (typing or pressing) and plain and event.key() != Qt.Key.Key_F1:
                event.accept()
                return True
        return False
