"""The dialogs that choose files and folders. Each purpose remembers the folder of its last choice."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from PySide6.QtCore import QStandardPaths
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from tr_desktop.app.look.settings import Settings


class Purpose(Enum):
    FOOTAGE = "footage"
    PROJECT = "project"
    MODELS = "models"


def bring_up(dialog: QDialog) -> None:
    """Show a dialog that stays open beside the window, also if it is open already and behind it."""
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()


class Dialogs:
    """Shows them over `window`."""

    def __init__(self, settings: Settings, window: QWidget) -> None:
        self._settings, self._window = settings, window

    def choose_folder(self, title: str, purpose: Purpose) -> Path | None:
        name = QFileDialog.getExistingDirectory(self._window, title, str(self.folder(purpose)))
        return self._chosen(purpose, Path(name), Path(name)) if name else None

    def choose_files(self, title: str, purpose: Purpose) -> list[Path]:
        names, _ = QFileDialog.getOpenFileNames(self._window, title, str(self.folder(purpose)))
        return [self._chosen(purpose, Path(name), Path(name).parent) for name in names]

    def choose_file(self, title: str, purpose: Purpose, kinds: str) -> Path | None:
        name, _ = QFileDialog.getOpenFileName(self._window, title, str(self.folder(purpose)), kinds)
        return self._chosen(purpose, Path(name), Path(name).parent) if name else None

    def choose_new_file(self, title: str, purpose: Purpose, kinds: str, suggested: Path) -> Path | None:
        name, _ = QFileDialog.getSaveFileName(self._window, title, str(suggested), kinds)
        return self._chosen(purpose, Path(name), Path(name).parent) if name else None

    def folder(self, purpose: Purpose) -> Path:
        """The folder of the last choice; at first the system's folder for such files."""
        last = self._settings.last_folder(purpose.value)
        if last is not None and last.is_dir():
            return last
        places = QStandardPaths.StandardLocation
        usual = places.MoviesLocation if purpose is Purpose.FOOTAGE else places.DocumentsLocation
        folder = Path(QStandardPaths.writableLocation(usual))
        return folder if folder.is_dir() else Path.home()

    def _chosen(self, purpose: Purpose, chosen: Path, folder: Path) -> Path:
        self._settings.remember_folder(purpose.value, folder)
        return chosen
