"""Projects as files: new, open, save, and what an app that was killed left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from tr_desktop.app.look.widgets import Notice
from tr_desktop.app.work.session import Session
from tr_desktop.errors import UserError
from tr_desktop.projects.file import SUFFIX
from tr_desktop.projects.project import Project
from tr_desktop.projects.recovery import LeftBehind

_FILTER = f"TimeRefine project (*{SUFFIX})"


class ProjectFiles(QObject):
    """Asks over `window`. opened: another project is there."""

    opened = Signal()

    def __init__(self, session: Session, notice: Notice, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._notice, self._window = session, notice, window

    def new(self) -> None:
        if self.may_leave(self.new):
            self._session.use_project(Project())

    def choose(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._window, "Open project", self._folder(), _FILTER)
        if name:
            self.open(Path(name))

    def open(self, path: Path) -> None:
        """Read it first: the present project is left only for one that can be opened."""

        def loaded(project: Project) -> None:
            if self.may_leave(lambda: loaded(project)):
                self._session.use_project(project)
                self.opened.emit()

        self._session.load_project(path, loaded)

    def save(self, then: Callable[[], object] = lambda: None) -> None:
        """Save, and call `then` when it is done."""
        if self._session.project.path:
            self._session.save_project(self._session.project.path, then)
        else:
            self.save_as(then)

    def save_as(self, then: Callable[[], object] = lambda: None) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save project", str(Path(self._folder()) / f"{self._session.project.name}{SUFFIX}"), _FILTER
        )
        if name:
            path = Path(name)
            self._session.save_project(path if path.suffix else path.with_suffix(SUFFIX), then)

    def _folder(self) -> str:
        path = self._session.project.path
        return str(path.parent if path else Path.home())

    def may_leave(self, later: Callable[[], object]) -> bool:
        """Whether the project may be left now; if not yet, `later` is called when that may have changed.

        What isn't saved is asked about; who cancels, or can't save, stays.
        """
        if self._session.is_saving:
            self._notice.say("Still saving the project…")
            self._session.after_saving(later)
            return False
        if not self._session.project.is_changed:
            return True
        box = QMessageBox(self._window)
        box.setText(f"Save the changes in “{self._session.project.name}”?")
        choice = QMessageBox.StandardButton
        box.setStandardButtons(choice.Save | choice.Discard | choice.Cancel)
        box.setDefaultButton(choice.Save)
        answer = box.exec()
        box.deleteLater()
        if answer == choice.Save:
            self.save(later)
        return answer == choice.Discard

    def offer_left_behind(self) -> None:
        """Say that unsaved work of a killed app was found, if there is some."""
        self._session.safe_copy.look_for_left_behind(self._offer)

    def _offer(self, left: LeftBehind) -> None:
        name = left.path.stem if left.path else "an untitled project"

        def restore() -> None:
            if not self.may_leave(restore):
                return
            try:
                self._session.recover(left)
            except UserError as error:
                self._notice.say_error(error)

        self._notice.say(
            f"TimeRefine didn’t end well the last time. Unsaved work in {name} was kept.",
            ("Restore", restore),
            ("Discard", lambda: self._session.safe_copy.discard(left)),
        )
