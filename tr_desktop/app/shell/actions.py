"""Everything that can be done, once: its name, words, keys and menu. Menus, shortcuts and the sheet come from here.

`keys.json` in the settings folder gives actions other keys: {"play.toggle": ["Space", "P"]}. No two share a key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from tr_desktop.errors import UserError

KEYS_FILE = "keys.json"


@dataclass(frozen=True)
class Action:
    """name: what keys.json calls it. menu: where it stands. needs_moment: only with a moment on the stage."""

    name: str
    text: str
    keys: tuple[str, ...]
    menu: str
    needs_moment: bool = False


_MOMENT, _PLAY = "Moment", "Playback"
ACTIONS: tuple[Action, ...] = (
    Action("project.new", "New project", ("Ctrl+N",), "File"),
    Action("project.open", "Open project…", ("Ctrl+O",), "File"),
    Action("project.save", "Save project", ("Ctrl+S",), "File"),
    Action("project.save-as", "Save project as…", ("Ctrl+Shift+S",), "File"),
    Action("library.add-folder", "Add folder…", ("Ctrl+Shift+O",), "File"),
    Action("library.add-files", "Add files…", (), "File"),
    Action("library.update", "Index what is new", ("F5",), "File"),
    Action("export", "Export…", ("E",), "File"),
    Action("app.quit", "Quit", ("Ctrl+Q",), "File"),
    Action("edit.undo", "Undo", ("Ctrl+Z",), "Edit"),
    Action("edit.redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Edit"),
    Action("search.focus", "Search", ("Ctrl+F",), "Edit"),
    Action("search.filters", "Filters", ("Ctrl+Shift+F",), "Edit"),
    Action("search.like", "Find what looks like this frame", ("Shift+F",), "Edit", True),
    Action("result.next", "Next result", ("Down",), _MOMENT),
    Action("result.previous", "Previous result", ("Up",), _MOMENT),
    Action("moment.accept", "Accept into the selects", ("Return", "Enter"), _MOMENT, True),
    Action("select.remove", "Remove from the selects", ("Delete",), _MOMENT, True),
    Action("select.describe", "Name and note…", ("F2",), _MOMENT, True),
    Action("select.earlier", "Move select up", ("Alt+Up",), _MOMENT, True),
    Action("select.later", "Move select down", ("Alt+Down",), _MOMENT, True),
    Action("step.previous", "Previous refinement step", ("[",), _MOMENT, True),
    Action("step.next", "Next refinement step", ("]",), _MOMENT, True),
    Action("step.keep", "Keep this step", ("Backspace",), _MOMENT, True),
    Action("mark.in", "Set in here", ("I",), _MOMENT, True),
    Action("mark.out", "Set out here", ("O",), _MOMENT, True),
    Action("mark.in-earlier", "In one frame earlier", ("Ctrl+Left",), _MOMENT, True),
    Action("mark.in-later", "In one frame later", ("Ctrl+Right",), _MOMENT, True),
    Action("mark.out-earlier", "Out one frame earlier", ("Alt+Left",), _MOMENT, True),
    Action("mark.out-later", "Out one frame later", ("Alt+Right",), _MOMENT, True),
    Action("mark.clear", "Back to the kept step’s edges", ("Alt+X",), _MOMENT, True),
    Action("marker.toggle", "Marker", ("M",), _MOMENT, True),
    Action("marker.next", "Next marker", ("Shift+M",), _MOMENT, True),
    Action("play.toggle", "Play or pause", ("Space",), _PLAY, True),
    Action("play.backward", "Play backward, faster each time", ("J",), _PLAY, True),
    Action("play.pause", "Pause", ("K",), _PLAY, True),
    Action("play.forward", "Play forward, faster each time", ("L",), _PLAY, True),
    Action("play.moment", "Play the moment, looped", ("/",), _PLAY, True),
    Action("go.frame-back", "One frame back", ("Left", ","), _PLAY, True),
    Action("go.frame-on", "One frame on", ("Right", "."), _PLAY, True),
    Action("go.second-back", "One second back", ("Shift+Left",), _PLAY, True),
    Action("go.second-on", "One second on", ("Shift+Right",), _PLAY, True),
    Action("go.in", "Go to in", ("Shift+I",), _PLAY, True),
    Action("go.out", "Go to out", ("Shift+O",), _PLAY, True),
    Action("go.to", "Go to timecode…", ("G",), _PLAY, True),
    Action("view.zoom-in", "Closer on the scrubber", ("+", "="), "View", True),
    Action("view.zoom-out", "Farther on the scrubber", ("-",), "View", True),
    Action("view.fit-moment", "The moment on the scrubber", ("Z",), "View", True),
    Action("view.fit-file", "The whole file on the scrubber", ("Shift+Z",), "View", True),
    Action("view.counter", "Timecode, frames or seconds", ("T",), "View"),
    Action("view.guesses", "Show best guesses", ("Ctrl+G",), "View"),
    Action("view.library", "Library panel", ("Ctrl+L",), "View"),
    Action("view.selects", "Selects", ("Ctrl+1",), "View"),
    Action("view.theme", "Dark, light or as the system", ("Ctrl+Shift+T",), "View"),
    Action("help.keys", "Keys", ("?", "F1"), "Help"),
)


def keys_of(changes: Mapping[str, tuple[str, ...]] = {}) -> dict[str, tuple[str, ...]]:
    """The keys of every action, by name. Raises UserError for an action or a key that isn't, or a key given twice."""
    keys = {action.name: action.keys for action in ACTIONS}
    if unknown := changes.keys() - keys.keys():
        raise UserError(
            f"There is no action called {sorted(unknown)[0]!r}", remedy="The sheet of keys (?) has their names"
        )
    keys.update(changes)
    taken: dict[str, str] = {}
    for name, given in keys.items():
        for key in given:
            plain = QKeySequence(key, QKeySequence.SequenceFormat.PortableText).toString()
            if not plain:
                raise UserError(f"{key!r} is no key (for {name})", remedy="Write keys like Ctrl+Shift+F or Space")
            if plain in taken:
                raise UserError(
                    f"{plain} is the key of both {taken[plain]} and {name}", remedy="Give one of them another"
                )
            taken[plain] = name
    return keys


def read_keys(folder: Path) -> dict[str, tuple[str, ...]]:
    """The keys with what keys.json in `folder` changes. Raises UserError where it can't be understood."""
    path = folder / KEYS_FILE
    if not path.exists():
        return keys_of()
    try:
        changes = {str(name): tuple(map(str, keys)) for name, keys in json.loads(path.read_bytes()).items()}
        return keys_of(changes)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise UserError(f"The keys can't be read: {error}", path=path, remedy="Mend the file or remove it") from error
    except UserError as error:
        raise UserError(error.what, path=path, remedy=error.remedy) from error


def make(
    parent: QWidget, handlers: Mapping[str, Callable[[], object]], keys: Mapping[str, tuple[str, ...]]
) -> dict[str, QAction]:
    """The actions on `parent`, by name, each calling its handler."""
    made = {}
    for action in ACTIONS:
        q_action = QAction(action.text, parent)
        q_action.setObjectName(action.name)
        q_action.setShortcuts([QKeySequence(key) for key in keys[action.name]])
        q_action.triggered.connect(lambda _=False, call=handlers[action.name]: call())
        parent.addAction(q_action)
        made[action.name] = q_action
    return made


class TypingFirst(QObject):
    """Keys belong to who is typing: a field gets letters, arrows and Enter before any action, a button its Space."""

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
