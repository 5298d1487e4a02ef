"""The location of an export: suggested beside the project, until the user chooses another."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from tr_desktop.app.look.icons import IconButton
from tr_desktop.app.look.translate import tr
from tr_desktop.errors import UserError
from tr_desktop.projects.project import Project

CLIPS = " clips"  # the ending of a folder for clips


class ExportPlace(QWidget):
    """A field and a button that choose a file, or a folder for clips. endings: of all formats."""

    def __init__(self, endings: Collection[str]) -> None:
        super().__init__()
        self._endings = sorted([*endings, CLIPS], key=len, reverse=True)
        self._ending = CLIPS
        self._offered = ""
        self._offered_for: Path | None = None  # the project's file
        self.field = QLineEdit()
        self.field.setAccessibleName(tr("Export to"))
        browse = IconButton("folder", tr("Choose a location"))
        browse.clicked.connect(self._browse)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.field, 1)
        row.addWidget(browse)

    def set_ending(self, ending: str, project: Project) -> None:
        """Follow the chosen format."""
        self._ending = ending
        self._offer(project)

    def follow(self, project: Project) -> None:
        """Follow a project that was opened or saved elsewhere, unless a location was chosen."""
        if self.field.text() == self._offered and project.path != self._offered_for:
            self._offer(project)

    def chosen(self) -> Path:
        """The location, as a path. Raises UserError if there is none."""
        if not self.field.text().strip():
            raise UserError(tr("The export needs a location"), remedy=tr("Choose a file or folder"))
        return Path(self.field.text().strip()).expanduser()

    def force_ending(self, path: Path) -> Path:
        """`path` with the format's ending, also shown in the field."""
        path = path.with_name(self._with_ending(path.name))
        self.field.setText(str(path))
        return path

    def _offer(self, project: Project) -> None:
        """The chosen location with the format's ending; until one is chosen, beside the project or in the home
        folder."""
        is_chosen = bool(self.field.text()) and (
            self.field.text() != self._offered or project.path == self._offered_for
        )
        before = Path(self.field.text()) if is_chosen else None
        folder = before.parent if before else project.path.parent if project.path else Path.home()
        self._offered = str(folder / self._with_ending(before.name if before else project.name))
        self._offered_for = project.path
        self.field.setText(self._offered)

    def _with_ending(self, name: str) -> str:
        """`name` with the ending of the chosen format, in place of another format's."""
        return re.sub("|".join(re.escape(each) + "$" for each in self._endings), "", name) + self._ending

    def _browse(self) -> None:
        if self._ending == CLIPS:
            chosen = QFileDialog.getExistingDirectory(
                self, tr("Choose a folder for the clips"), str(Path(self.field.text()).parent)
            )
        else:
            chosen, _ = QFileDialog.getSaveFileName(self, tr("Export to"), self.field.text())
        if chosen:
            self.field.setText(chosen)
