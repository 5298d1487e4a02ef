"""Project files: new, open, save, and restoring the work of an app that was killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import Notice
from tr_desktop.app.shell.dialogs import Dialogs, Purpose
from tr_desktop.app.work.editing import Editing
from tr_desktop.errors import UserError
from tr_desktop.projects.file import SUFFIX
from tr_desktop.projects.project import Project
from tr_desktop.projects.recovery import LeftBehind


class ProjectFiles(QObject):
    """Shows its dialogs over `window`. opened: another project was opened."""

    opened = Signal()

    def __init__(self, editing: Editing, notice: Notice, dialogs: Dialogs, window: QWidget) -> None:
        super().__init__(window)
        self._editing, self._notice, self._dialogs, self._window = editing, notice, dialogs, window

    def new(self) -> None:
        if self.may_leave(self.new):
            self._editing.use(Project())

    def choose(self) -> None:
        path = self._dialogs.choose_file(tr("Open project"), Purpose.PROJECT, _filter())
        if path is not None:
            self.open(path)

    def open(self, path: Path) -> None:
        """Read it first: the current project is closed only if the new one can be opened."""

        def loaded(project: Project) -> None:
            if self.may_leave(lambda: loaded(project)):
                self._editing.use(project)
                self.opened.emit()

        self._editing.load(path, loaded)

    def save(self, then: Callable[[], object] = lambda: None) -> None:
        """Save, and call `then` when it is done."""
        if self._editing.project.path:
            self._editing.save(self._editing.project.path, then)
        else:
            self.save_as(then)

    def save_as(self, then: Callable[[], object] = lambda: None) -> None:
        project = self._editing.project
        folder = project.path.parent if project.path else self._dialogs.folder(Purpose.PROJECT)
        suggested = folder / f"{project.name}{SUFFIX}"
        path = self._dialogs.choose_new_file(tr("Save project"), Purpose.PROJECT, _filter(), suggested)
        if path is not None:
            self._editing.save(path if path.suffix else path.with_suffix(SUFFIX), then)

    def may_leave(self, later: Callable[[], object]) -> bool:
        """Whether the current project may be closed now; if not yet, `later` is called when that may have changed.

        Asks about unsaved edits. The project stays open if the user cancels or saving fails.
        """
        if self._editing.is_saving:
            self._notice.say(tr("The project is still being saved…"))
            self._editing.after_saving(later)
            return False
        if not self._editing.project.is_changed:
            return True
        box = QMessageBox(self._window, textFormat=Qt.TextFormat.PlainText)
        box.setText(tr("Save the changes to “{project}”?", project=self._editing.project.name))
        choice = QMessageBox.StandardButton
        box.setStandardButtons(choice.Save | choice.Discard | choice.Cancel)
        box.setDefaultButton(choice.Save)
        answer = box.exec()
        box.deleteLater()
        if answer == choice.Save:
            self.save(later)
        return answer == choice.Discard

    def offer_left_behind(self) -> None:
        """Offer to restore the unsaved work of a killed app, if there is any."""
        self._editing.safe_copy.look_for_left_behind(self._offer)

    def _offer(self, left: LeftBehind) -> None:
        name = left.path.stem if left.path else tr("an untitled project")
        self._notice.say(
            tr("TimeRefine closed unexpectedly. Unsaved work in {project} was kept.", project=name),
            (tr("Restore"), lambda: self._restore(left)),
            (tr("Discard"), lambda: self._editing.safe_copy.discard(left)),
        )

    def _restore(self, left: LeftBehind) -> None:
        if not self.may_leave(lambda: self._restore(left)):
            return
        try:
            self._editing.recover(left)
        except UserError as error:
            self._notice.say_error(error)


def _filter() -> str:
    return tr("TimeRefine project (*{suffix})", suffix=SUFFIX)
