"""The library at the side: which folders are searched, how far indexing is, and what was not searched and why."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from tr_desktop.app.look import theme
from tr_desktop.app.look.counter import counted, duration_label
from tr_desktop.app.look.icons import IconButton
from tr_desktop.app.look.widgets import Elided, Icon, panel, scrolling, title, words
from tr_desktop.engine import LibraryStatus
from tr_desktop.library.index.coverage import IndexProgress


class FolderRow(QWidget):
    """One file or folder that is searched. removed: the editor doesn't want it searched any more."""

    removed = Signal(object)

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._icon = Icon("film" if path.suffix else "folder")
        self._name = Elided(path.name or str(path))
        self._name.setToolTip(str(path))
        self._state = Elided("", "small")
        remove = IconButton("close", f"Don’t search {path.name} any more")
        remove.clicked.connect(lambda: self.removed.emit(path))
        lines = QVBoxLayout()
        lines.setSpacing(0)
        lines.addWidget(self._name)
        lines.addWidget(self._state)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 2, 0, 2)
        row.setSpacing(theme.SPACE)
        row.addWidget(self._icon)
        row.addLayout(lines, 1)
        row.addWidget(remove)

    def show_status(self, status: LibraryStatus) -> None:
        coverage = status.coverage
        inside = self._inside(coverage.searched)
        waiting = self._inside(coverage.waiting)
        skipped = self._inside(skipped.path for skipped in coverage.skipped) - waiting
        offline = self._inside(coverage.offline)
        self._icon.show_icon("film" if self.path.suffix else "folder", "dim")
        if self.path in status.missing:
            self._icon.show_icon("warn", "warn")
            self._state.set_text("not there; is its drive connected?")
        elif offline:
            self._icon.show_icon("warn", "warn")
            self._state.set_text(f"{counted(inside, 'file')}, {offline} offline")
        elif self.path.suffix and inside + waiting + skipped == 1:
            self._state.set_text("searched" if inside else "not indexed yet" if waiting else "not searched")
        else:
            more = f", {waiting} not indexed yet" if waiting else ""
            more += f", {skipped} not searched" if skipped else ""
            self._state.set_text(f"{counted(inside, 'file')}{more}")

    def _inside(self, paths: Iterable[Path]) -> int:
        """How many of `paths` are this one or under it. Told by their text: a library has tens of thousands."""
        here, beginning = str(self.path), os.path.join(self.path, "")  # noqa: PTH118
        return sum((text := str(path)) == here or text.startswith(beginning) for path in paths)


class LibraryPanel(QWidget):
    """add_folder, add_files: asked for by the editor. removed: a path. cancelled: stop indexing. rested: let it
    wait, or go on.
    """

    add_folder = Signal()
    add_files = Signal()
    removed = Signal(object)
    cancelled = Signal()
    paused = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = panel(self)
        add = IconButton("plus", "Add footage")
        menu = QMenu(add)
        menu.addAction("Add folder…", self.add_folder.emit)
        menu.addAction("Add files…", self.add_files.emit)
        add.clicked.connect(lambda: menu.popup(add.mapToGlobal(add.rect().bottomLeft())))
        head = QHBoxLayout()
        head.addWidget(title("Library"), 1)
        head.addWidget(add)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(2)
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addLayout(self._rows)
        inner.addStretch(1)
        self._coverage = words()
        self._why = QPushButton()
        self._why.setCheckable(True)
        self._why.toggled.connect(self._show_reasons)
        self._reasons = QTreeWidget()
        self._reasons.setHeaderHidden(True)
        self._reasons.setIndentation(12)
        self._reasons.setAccessibleName("What was not searched, and why")
        self._reasons.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._reasons.hide()
        self._why.hide()
        column.addLayout(head)
        column.addWidget(scrolling(holder), 2)
        column.addWidget(self._coverage)
        column.addWidget(self._why)
        column.addWidget(self._reasons, 3)
        column.addWidget(self._make_progress())
        self._folder_rows: list[FolderRow] = []
        self._status = LibraryStatus()
        self._progress: IndexProgress | None = None
        self._is_paused = False

    def _make_progress(self) -> QWidget:
        self.progress = QWidget()
        column = QVBoxLayout(self.progress)
        column.setContentsMargins(0, theme.SPACE, 0, 0)
        column.setSpacing(6)
        cancel = IconButton("close", "Stop indexing; it reads on from here the next time")
        cancel.clicked.connect(self.cancelled)
        head = QHBoxLayout()
        head.addWidget(title("Indexing"), 1)
        self._now = Elided("", "")
        self._pause = IconButton("pause", _PAUSE)
        self._pause.clicked.connect(self._toggle_pause)
        head.addWidget(self._pause)
        head.addWidget(cancel)
        self.bar = QProgressBar(textVisible=False, maximum=1000)
        self.bar.setAccessibleName("Indexing")
        self._pace = QLabel()
        self._pace.setProperty("role", "small")
        column.addLayout(head)
        column.addWidget(self._now)
        column.addWidget(self.bar)
        column.addWidget(self._pace)
        self.progress.hide()
        return self.progress

    def set_folders(self, folders: Sequence[Path]) -> None:
        for row in self._folder_rows:
            self._rows.removeWidget(row)
            row.deleteLater()
        self._folder_rows = [FolderRow(folder) for folder in folders]
        for row in self._folder_rows:
            row.removed.connect(self.removed)
            self._rows.addWidget(row)
        self.set_status(self._status)

    def set_status(self, status: LibraryStatus) -> None:
        self._status = status
        coverage = status.coverage
        for row in self._folder_rows:
            row.show_status(status)
        missed = len(coverage.skipped) + len(coverage.incomplete) + len(status.missing)
        length = duration_label(float(coverage.searched_s))
        self._coverage.setText(
            f"{len(coverage.searched)} of {counted(coverage.files, 'file')} can be searched, {length}"
        )
        self._coverage.setVisible(bool(self._folder_rows))
        self._why.setVisible(bool(missed) and bool(self._folder_rows))
        self._why.setText(f"{missed} not searched, or not whole")
        self._fill_reasons()
        self._show_reasons(self._why.isChecked())

    def message(self) -> str:
        """How much can be searched."""
        return self._coverage.text()

    def pace(self) -> str:
        """How far indexing is and how fast."""
        return self._pace.text()

    def reasons(self) -> dict[str, list[str]]:
        """What is not searched, or not whole, by the reason."""
        coverage = self._status.coverage
        by_reason: dict[str, list[str]] = {}
        for path in self._status.missing:
            by_reason.setdefault("not there", []).append(str(path))
        for path, read_s in coverage.incomplete.items():
            by_reason.setdefault("only its beginning is indexed", []).append(f"{path.name}: {float(read_s):.0f} s")
        for skipped in coverage.skipped:
            by_reason.setdefault(skipped.reason, []).append(skipped.path.name)
        return by_reason

    def _fill_reasons(self) -> None:
        self._reasons.clear()
        for reason, names in sorted(self.reasons().items(), key=lambda item: -len(item[1])):
            count = len(names)
            top = QTreeWidgetItem([f"{count}  {reason}"])
            top.setToolTip(0, reason)
            top.addChildren([QTreeWidgetItem([name]) for name in names[:_MAX_NAMES]])
            if count > _MAX_NAMES:
                top.addChild(QTreeWidgetItem([f"and {count - _MAX_NAMES} more"]))
            self._reasons.addTopLevelItem(top)

    def _show_reasons(self, is_wanted: bool) -> None:
        self._reasons.setVisible(is_wanted and not self._why.isHidden())

    def set_progress(self, progress: IndexProgress | None) -> None:
        self.progress.setVisible(progress is not None)
        self._progress = progress
        if progress is None:
            self._is_paused = False
        self._show_progress()

    def _toggle_pause(self) -> None:
        self._is_paused = not self._is_paused
        self.paused.emit(self._is_paused)
        self._show_progress()

    def _show_progress(self) -> None:
        progress = self._progress
        self._pause.set_icon("play" if self._is_paused else "pause")
        self._pause.setToolTip(_GO_ON if self._is_paused else _PAUSE)
        self._pause.setAccessibleName(_GO_ON if self._is_paused else _PAUSE)
        if progress is None:
            return
        self._now.set_text(progress.path.name)
        self.bar.setValue(round(1000 * progress.done_bytes / max(progress.total_bytes, 1)))
        left = "" if progress.left_s is None else f", {duration_label(progress.left_s)} left"
        pace = "paused" if self._is_paused else f"{progress.times_real_time:.1f} × real time{left}"
        self._pace.setText(f"{progress.file_number} of {progress.files}, {pace}")


_MAX_NAMES = 200
_PAUSE, _GO_ON = "Pause indexing; what is indexed by then can be searched", "Go on indexing"


def dropped_paths(event: QDragEnterEvent | QDropEvent) -> list[Path]:
    """The files and folders that are being dragged in."""
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
