"""Undo across the window: the project's edits, and folders that were removed, in the order in which they were done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tr_desktop.app.look.translate import tr
from tr_desktop.app.work.editing import Editing
from tr_desktop.app.work.indexing import Indexing
from tr_desktop.projects.project import Project


@dataclass(frozen=True)
class _Removal:
    """A removed folder, its place in the list, and how far the project was then."""

    folder: Path
    at: int
    project: Project
    depth: int


class Undoing(QObject):
    """What Undo takes back. changed: a folder was removed or put back. folder_back: put back by `undo`."""

    changed = Signal()
    folder_back = Signal()

    def __init__(self, editing: Editing, indexing: Indexing, parent: QObject) -> None:
        super().__init__(parent)
        self._editing, self._indexing = editing, indexing
        self._removals: list[_Removal] = []
        indexing.removed.connect(self._removed)
        indexing.folders_changed.connect(self._forget_added)

    @property
    def undoes(self) -> str:
        """The name of what `undo` would take back, or ""."""
        removal = self._latest
        if removal is not None:
            return tr("Remove folder {folder}", folder=removal.folder.name or str(removal.folder))
        return self._editing.project.undoes

    def undo(self) -> None:
        removal = self._latest
        if removal is None:
            self._editing.undo()
            return
        self._removals.pop()
        self._indexing.put_back(removal.folder, removal.at)
        self.folder_back.emit()

    @property
    def _latest(self) -> _Removal | None:
        """The last removal, if nothing was edited since."""
        if not self._removals:
            return None
        last, project = self._removals[-1], self._editing.project
        return last if last.project is not project or last.depth >= project.depth else None

    def _removed(self, folder: Path, at: int) -> None:
        project = self._editing.project
        self._removals.append(_Removal(folder, at, project, project.depth))
        self.changed.emit()

    def _forget_added(self) -> None:
        """A folder that was added again by hand needs no undo."""
        self._removals = [each for each in self._removals if each.folder not in self._indexing.folders]
        self.changed.emit()
