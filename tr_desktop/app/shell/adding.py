"""Ways into the app for footage and project files: dialogs, drag and drop, the command line, Finder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFileOpenEvent
from PySide6.QtWidgets import QApplication, QWidget

from tr_desktop.app.look.translate import tr
from tr_desktop.app.panels.library_panel import dropped_paths
from tr_desktop.app.shell.dialogs import Dialogs, Purpose
from tr_desktop.app.shell.project_files import ProjectFiles
from tr_desktop.app.work.indexing import Indexing
from tr_desktop.projects.file import SUFFIX


class Adding(QObject):
    """Shows its dialogs over `window` and accepts drops on it, and what macOS wants the app to open."""

    def __init__(self, indexing: Indexing, files: ProjectFiles, dialogs: Dialogs, window: QWidget) -> None:
        super().__init__(window)
        self._indexing, self._files, self._dialogs = indexing, files, dialogs
        window.setAcceptDrops(True)
        window.installEventFilter(self)
        if sys.platform == "darwin" and (app := QApplication.instance()):
            app.installEventFilter(self)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open the first project in `paths` and add the footage."""
        projects = [path for path in paths if path.suffix.lower() == SUFFIX]
        for path in projects[:1]:
            self._files.open(path)
        self._indexing.add([path for path in paths if path not in projects])

    def choose_folder(self) -> None:
        folder = self._dialogs.choose_folder(tr("Add folder"), Purpose.FOOTAGE)
        if folder is not None:
            self._indexing.add([folder])

    def choose_files(self) -> None:
        self._indexing.add(self._dialogs.choose_files(tr("Add files"), Purpose.FOOTAGE))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent) and event.file():
            self.open_paths([Path(event.file())])
            return True
        if isinstance(event, QDragEnterEvent | QDropEvent) and (paths := dropped_paths(event)):
            event.acceptProposedAction()
            if event.type() == QEvent.Type.Drop:
                self.open_paths(paths)
            return True
        return False
