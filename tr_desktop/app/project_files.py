"""Projects as files: new, open, save, and what an app that was killed left behind."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from tr_desktop.app.pieces import Notice
from tr_desktop.app.session import Session
from tr_desktop.errors import UserError
from tr_desktop.project import SUFFIX

_FILTER = f"TimeRefine project (*{SUFFIX})"


class ProjectFiles(QObject):
    """Asks over `window`. opened: another project is there."""

    opened = Signal()

    def __init__(self, session: Session, notice: Notice, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._notice, self._window = session, notice, window

    def new(self) -> None:
        if self.may_leave():
            self._session.new_project()

    def choose(self) -> None:
        if self.may_leave():
            name, _ = QFileDialog.getOpenFileName(self._window, "Open project", self._folder(), _FILTER)
            if name:
                self.open(Path(name))

    def open(self, path: Path) -> None:
        try:
            self._session.open_project(path)
        except UserError as error:
            self._notice.say_error(error)
        else:
            self.opened.emit()

    def save(self) -> bool:
        """Whether it was saved."""
        return self._save_to(self._session.project.path) if self._session.project.path else self.save_as()

    def save_as(self) -> bool:
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save project", str(Path(self._folder()) / f"{self._session.project.name}{SUFFIX}"), _FILTER
        )
        return bool(name) and self._save_to(Path(name))

    def _save_to(self, path: Path) -> bool:
        try:
            self._session.save_project(path if path.suffix else path.with_suffix(SUFFIX))
        except UserError as error:
            self._notice.say_error(error)
            return False
        return True

    def _folder(self) -> str:
        path = self._session.project.path
        return str(path.parent if path else Path.home())

    def may_leave(self) -> bool:
        """Ask what to do with what isn't saved; False to stay."""
        if not self._session.project.is_changed:
            return True
        box = QMessageBox(self._window)
        box.setText(f"Save the changes in “{self._session.project.name}”?")
        choice = QMessageBox.StandardButton
        box.setStandardButtons(choice.Save | choice.Discard | choice.Cancel)
        box.setDefaultButton(choice.Save)
        answer = box.exec()
        box.deleteLater()
        return answer == choice.Discard or (answer == choice.Save and self.save())

    def offer_left_behind(self) -> None:
        """Say that unsaved work of a killed app was found, if there is some."""
        left = self._session.safe_copy.look_for_left_behind()
        if left is None:
            return
        name = left.path.stem if left.path else "an untitled project"

        def restore() -> None:
            try:
                self._session.recover(left)
            except UserError as error:
                self._notice.say_error(error)

        self._notice.say(
            f"TimeRefine didn’t end well the last time. Unsaved work in {name} was kept.",
            ("Restore", restore),
            ("Discard", lambda: self._session.safe_copy.discard(left)),
        )
