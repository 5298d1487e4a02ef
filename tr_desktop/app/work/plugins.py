"""The plugins inside editors: what this machine has of each, installing and removing them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from tr_desktop import editor_plugins
from tr_desktop.app.work.jobs import Job, Jobs, Lane
from tr_desktop.editor_plugins import PLUGINS, Plugin, Removal, State
from tr_desktop.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True)
class KnownPlugin:
    """What this machine has of a plugin. state: None if it can't be installed, for the reason `problem`.

    targets: its files, whether they are there or not. was_installed: whether there is something to remove. line: what
    runs it in the editor's console, or "".
    """

    plugin: Plugin
    is_editor_here: bool
    state: State | None = None
    targets: tuple[Path, ...] = ()
    was_installed: bool = False
    line: str = ""
    problem: str = ""


class Plugins(QObject):
    """known: by the plugin's name, once `refresh` has looked. at_work: the names of those that change just now.

    changed: any of these.
    """

    changed = Signal()

    def __init__(self, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.known: dict[str, KnownPlugin] = {}
        self.at_work: set[str] = set()
        self._looking: Job | None = None

    def refresh(self) -> None:
        """Look at the folders of the editors again; `changed` says when that is done."""
        if self._looking is not None:
            self._looking.cancel()
        self._looking = self._jobs.run(lambda _: {name: _looked_at(each) for name, each in PLUGINS.items()}, self._set)

    def _set(self, known: dict[str, KnownPlugin]) -> None:
        self.known = known
        self.changed.emit()

    def install(
        self,
        plugin: Plugin,
        on_success: Callable[[tuple[Path, ...]], None],
        on_failure: Callable[[UserError], None],
    ) -> None:
        """Install it; the files that were written."""
        self._change(plugin, editor_plugins.install, on_success, on_failure)

    def remove(
        self, plugin: Plugin, on_success: Callable[[Removal], None], on_failure: Callable[[UserError], None]
    ) -> None:
        """Undo `install`; what was removed, and what was kept."""
        self._change(plugin, editor_plugins.remove, on_success, on_failure)

    def _change(
        self,
        plugin: Plugin,
        change: Callable[[Plugin], T],
        on_success: Callable[[T], None],
        on_failure: Callable[[UserError], None],
    ) -> None:
        if plugin.name in self.at_work:
            return  # one click is enough

        def end() -> None:
            self.at_work.discard(plugin.name)
            self.changed.emit()
            self.refresh()

        self.at_work.add(plugin.name)
        self.changed.emit()
        # In one lane: the plugins share the record of what was written.
        self._jobs.run(lambda _: change(plugin), on_success, on_failure=on_failure, on_end=end, lane=Lane.SAFETY)


def _looked_at(plugin: Plugin) -> KnownPlugin:
    is_here, was_installed = plugin.is_editor_here, plugin.was_installed
    try:
        state, targets = plugin.state, tuple(plugin.targets)
    except UserError as error:
        return KnownPlugin(plugin, is_here, was_installed=was_installed, problem=str(error))
    line = plugin.console.line() if plugin.console is not None else ""
    return KnownPlugin(plugin, is_here, state, targets, was_installed, line)
