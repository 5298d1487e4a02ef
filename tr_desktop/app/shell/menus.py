"""The menus, shortcuts and buttons of a window, made from the table of actions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QMainWindow

from tr_desktop.app.look.translate import tr
from tr_desktop.app.shell.actions import ACTIONS, MENUS, Action, Target


class Menus:
    """Makes the actions of `window`; each calls its handler with `target`. keys: by the names of actions."""

    def __init__(self, window: QMainWindow, target: Target, keys: Mapping[str, tuple[str, ...]]) -> None:
        self._actions: dict[str, QAction] = {}
        menus = {(menu, ""): window.menuBar().addMenu(tr(menu)) for menu in MENUS}
        for action in ACTIONS:
            made = QAction(tr(action.text), window)
            made.setObjectName(action.name)
            made.setShortcuts([QKeySequence(key) for key in keys[action.name]])
            if hint := action.hint():
                made.setToolTip(hint)
                menus[action.menu, ""].setToolTipsVisible(True)
            made.setCheckable(action.is_on is not None)
            self._show_switch(made, action, target)
            made.triggered.connect(partial(self._do, made, action, target))
            window.addAction(made)
            place = action.menu, action.submenu
            if place not in menus:
                menus[place] = menus[action.menu, ""].addMenu(tr(action.submenu))
            menus[place].addAction(made)
            self._actions[action.name] = made

    def _do(self, made: QAction, action: Action, target: Target, _: bool = False) -> None:
        action.handler(target)
        self._show_switch(made, action, target)

    def _show_switch(self, made: QAction, action: Action, target: Target) -> None:
        if action.is_on is not None:
            made.setChecked(action.is_on(target))

    def attach(self, button: QAbstractButton, name: str) -> None:
        """Make `button` do what the action does. Its tooltip is the action's text with the first key."""
        action = self._actions[name]
        text, keys = action.text().rstrip("…"), action.shortcuts()
        button.setToolTip(tr("{action} ({key})", action=text, key=shown_key(keys[0])) if keys else text)
        if not button.text():
            button.setAccessibleName(text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(action.trigger)

    def enable(self, has_moment: bool, *, is_select: bool) -> None:
        """Enable the actions that need a moment on the stage, or need that moment to be a select."""
        for action in ACTIONS:
            if action.needs_moment:
                self._actions[action.name].setEnabled(is_select if action.name.startswith("select.") else has_moment)

    def show_edits(self, undoes: str, redoes: str) -> None:
        """Name the edits that can be undone and redone; empty if there is none."""
        undo, redo = self._actions["edit.undo"], self._actions["edit.redo"]
        undo.setText(tr("Undo {edit}", edit=_inside(undoes)) if undoes else tr("Undo"))
        redo.setText(tr("Redo {edit}", edit=_inside(redoes)) if redoes else tr("Redo"))
        undo.setEnabled(bool(undoes))
        redo.setEnabled(bool(redoes))


def _inside(name: str) -> str:
    """The name of an edit inside a sentence; the names of folders keep their capitals."""
    return name[:1].lower() + name[1:]


def shown_key(key: str | QKeySequence) -> str:
    """A key as the system writes it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
