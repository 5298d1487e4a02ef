"""The library at the side: the folders that are searched, the progress of indexing, and the files not searched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from tr_desktop.app.look import theme
from tr_desktop.app.look.counter import counted, duration_label, plural
from tr_desktop.app.look.icons import IconButton, plain_tip
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import Elided, Icon, panel, scrolling, title
from tr_desktop.app.panels.coverage_text import exceptions
from tr_desktop.app.panels.reasons import Reasons
from tr_desktop.engine import LibraryStatus
from tr_desktop.library.index.counts import Counts, count, is_other
from tr_desktop.library.index.coverage import IndexProgress, TextProgress
from tr_desktop.names import short_names


class FolderRow(QWidget):
    """One file or folder that is searched. removed: the editor wants it searched no longer."""

    removed = Signal(Path)

    def __init__(self, path: Path, name: str) -> None:
        """name: the path as it is shown, told apart from the other rows."""
        super().__init__()
        self.path = path
        self._icon = Icon("film" if path.suffix else "folder")
        self._name = Elided(name)
        self._name.setToolTip(plain_tip(str(path)))
        self._state = Elided("", "small")
        remove = IconButton("close", tr("Stop searching {name}", name=name))
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
        counts = count(status.coverage, within=self.path)
        is_away = self.path in status.missing or counts.offline
        self._icon.show_icon(*(("warn", "warn") if is_away else ("film" if self.path.suffix else "folder", "dim")))
        read_s = status.coverage.incomplete.get(self.path)
        if self.path in status.missing:
            self._state.set_text(tr("Not found. Is its drive connected?"))
        elif read_s is not None:
            self._state.set_text(tr("Partly read: the first {length}", length=duration_label(float(read_s))))
        elif counts == Counts(whole=1) and self.path.suffix:
            self._state.set_text(tr("Searched"))
        elif counts == Counts(coarse=1) and self.path.suffix:
            self._state.set_text(tr("Searched coarsely, still being read"))
        elif counts == Counts(waiting=1) and self.path.suffix:
            self._state.set_text(tr("Not indexed yet"))
        else:
            self._state.set_text(", ".join([counted(counts.footage, "file"), *exceptions(counts)]))


class LibraryPanel(QWidget):
    """The folders, what can be searched, and the indexing that runs.

    add_folder, add_files: the editor wants to add some. removed: search this path no longer. cancelled: stop indexing.
    paused: let it wait (True) or continue (False).
    """

    add_folder = Signal()
    add_files = Signal()
    removed = Signal(Path)
    cancelled = Signal()
    paused = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = panel(self)
        add = IconButton("plus", tr("Add footage"))
        menu = QMenu(add)
        menu.addAction(tr("Add folder…"), self.add_folder.emit)
        menu.addAction(tr("Add files…"), self.add_files.emit)
        add.clicked.connect(lambda: menu.popup(add.mapToGlobal(add.rect().bottomLeft())))
        head = QHBoxLayout()
        head.addWidget(title(tr("Library")), 1)
        head.addWidget(add)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(2)
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addLayout(self._rows)
        inner.addStretch(1)
        self._why = QPushButton()
        self._why.setCheckable(True)
        self._why.toggled.connect(self._show_reasons)
        self._reasons = Reasons()
        self._reasons.hide()
        self._why.hide()
        column.addLayout(head)
        column.addWidget(scrolling(holder), 2)
        column.addWidget(self._why)
        column.addWidget(self._reasons, 3)
        column.addWidget(self._make_progress())
        self._folder_rows: list[FolderRow] = []
        self._status = LibraryStatus()
        self._progress: IndexProgress | TextProgress | None = None
        self._pack = ""
        self._is_paused = False

    def _make_progress(self) -> QWidget:
        self.progress = QWidget()
        column = QVBoxLayout(self.progress)
        column.setContentsMargins(0, theme.SPACE, 0, 0)
        column.setSpacing(6)
        cancel = IconButton("close", tr("Stop indexing. The next run continues from here."))
        cancel.clicked.connect(self.cancelled)
        head = QHBoxLayout()
        head.addWidget(title(tr("Indexing")), 1)
        self._now = Elided("", "")
        self._pause = IconButton("pause", _pause_text(False))
        self._pause.clicked.connect(self._toggle_pause)
        head.addWidget(self._pause)
        head.addWidget(cancel)
        self.bar = QProgressBar(textVisible=False, maximum=1000)
        self.bar.setAccessibleName(tr("Indexing"))
        self._pace = Elided("", "small", Qt.TextElideMode.ElideRight)
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
        names = short_names(folders)
        self._folder_rows = [FolderRow(folder, names[folder]) for folder in folders]
        for row in self._folder_rows:
            row.removed.connect(self.removed)
            self._rows.addWidget(row)
        self.set_status(self._status)

    def set_status(self, status: LibraryStatus) -> None:
        self._status = status
        coverage = status.coverage
        for row in self._folder_rows:
            row.show_status(status)
        counts = count(coverage)
        missed = counts.partial + counts.coarse + counts.waiting + counts.refused + len(status.missing)
        self._why.setVisible(bool(missed or counts.other) and bool(self._folder_rows))
        # Short: the button must not widen the panel.
        self._why.setText(
            tr("{count} skipped", count=missed) if missed else tr("{count} other files", count=counts.other)
        )
        self._reasons.fill(self.reasons())
        self._show_reasons(self._why.isChecked())

    def pace(self) -> str:
        """The progress of indexing and its speed."""
        return self._pace.toolTip()

    def reasons(self) -> dict[str, list[str]]:
        """Files that are not searched, or only partly indexed, by the reason."""
        coverage = self._status.coverage
        skipped = (each.path for each in coverage.skipped)
        names = short_names((*coverage.incomplete, *coverage.coarse, *skipped), coverage.searched)
        by_reason: dict[str, list[str]] = {}
        for path in self._status.missing:
            by_reason.setdefault(tr("not found"), []).append(str(path))
        for path, read_s in coverage.incomplete.items():
            by_reason.setdefault(tr("partly read"), []).append(
                tr("{name}: the first {length}", name=names[path], length=duration_label(float(read_s)))
            )
        for path in coverage.coarse:
            by_reason.setdefault(tr("searched coarsely, still being read"), []).append(names[path])
        for each in coverage.skipped:
            is_footage = not is_other(coverage, each.path, each.reason)
            reason = each.reason if is_footage else tr("not footage: {kind}", kind=each.reason)
            by_reason.setdefault(reason, []).append(names[each.path])
        return by_reason

    def _show_reasons(self, is_wanted: bool) -> None:
        self._reasons.setVisible(is_wanted and not self._why.isHidden())

    def set_progress(self, progress: IndexProgress | None, pack: str = "") -> None:
        """pack: the model, unless it is the one that searches use."""
        self.progress.setVisible(progress is not None)
        self._progress, self._pack = progress, pack
        if progress is None:
            self._is_paused = False
        self._show_progress()

    def set_text_progress(self, progress: TextProgress) -> None:
        """Text in pictures is being read."""
        self.progress.show()
        self._progress = progress
        self._show_progress()

    def _toggle_pause(self) -> None:
        self._is_paused = not self._is_paused
        self.paused.emit(self._is_paused)
        self._show_progress()

    def _show_progress(self) -> None:
        progress = self._progress
        action = _pause_text(self._is_paused)
        self._pause.set_icon("play" if self._is_paused else "pause")
        self._pause.setToolTip(action)
        self._pause.setAccessibleName(action)
        if progress is None:
            return
        name = progress.path.name
        if isinstance(progress, TextProgress):
            self._now.set_text(name)
            self.bar.setValue(round(1000 * progress.share))
            reading = plural(
                progress.files,
                "Reading text in pictures: {number} of {count} file",
                "Reading text in pictures: {number} of {count} files",
                number=progress.file_number,
            )
            self._pace.set_text(", ".join([tr("paused"), reading] if self._is_paused else [reading]))
            return
        self._now.set_text(tr("{pack}: {name}", pack=self._pack, name=name) if self._pack else name)
        self.bar.setValue(round(1000 * progress.done_bytes / max(progress.total_bytes, 1)))
        text = tr("first pass, {number} of {files}") if progress.is_first_pass else tr("{number} of {files}")
        facts = [text.format(number=progress.file_number, files=progress.files)]
        if self._is_paused:
            facts.append(tr("paused"))
        else:
            facts.append(tr("{speed:.1f} × real time", speed=progress.times_real_time))
            if progress.left_s is not None:
                facts.append(tr("{length} left", length=duration_label(progress.left_s)))
        self._pace.set_text(", ".join(facts))


def _pause_text(is_paused: bool) -> str:
    """The action of the pause button."""
    return tr("Resume indexing") if is_paused else tr("Pause indexing. Footage indexed so far can be searched.")


def dropped_paths(event: QDragEnterEvent | QDropEvent) -> list[Path]:
    """The files and folders that are being dragged in."""
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
