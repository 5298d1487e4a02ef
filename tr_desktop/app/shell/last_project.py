"""Continuing with a project: offers the last one at the start, and shows the first select of one that was opened."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import Notice
from tr_desktop.app.shell.project_files import ProjectFiles
from tr_desktop.app.shell.stage import Stage
from tr_desktop.app.work.session import Session


class LastProject(QObject):
    def __init__(self, session: Session, files: ProjectFiles, stage: Stage, notice: Notice, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._files, self._stage, self._notice = session, files, stage, notice
        self._is_opening = False
        self._offered = ""
        files.opened.connect(self.show_first)
        session.editing.changed.connect(self._changed)
        session.searching.results_changed.connect(self._withdraw)

    def offer(self) -> None:
        """Offer to open the project that was open last, if it is still there."""
        path = self._session.settings.last_project
        if path is not None and path.is_file():
            self._offered = tr("Continue with the project “{name}”?", name=path.stem)
            self._notice.say(self._offered, (tr("Open"), lambda: self._open(path)))

    def _open(self, path: Path) -> None:
        self._withdraw()
        self._files.open(path)

    def _withdraw(self) -> None:
        if self._offered and self._notice.text() == self._offered:
            self._notice.hide()
        self._offered = ""

    def show_first(self) -> None:
        """Show the first select, as soon as it can be shown."""
        self._is_opening = True
        self._stage.show(None)
        self._changed()

    def _changed(self) -> None:
        project = self._session.editing.project
        if project.path is not None and project.path != self._session.settings.last_project:
            self._session.settings.last_project = project.path
        if project.decisions:
            self._withdraw()
        if not self._is_opening:
            return
        moments = (self._session.editing.decided_moment(decision) for decision in project.selects)
        first = next((moment for moment in moments if moment is not None), None)
        if first is not None:
            self._is_opening = False
            if self._stage.moment is None:
                self._stage.show(first)
