"""Handing the selects to an editor: the format, what it keeps, where it goes, and what was written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from exporters import clips
from exporters.formats import formats
from exporters.hand_off import hand_off
from exporters.write import ExportReport
from tr_desktop.app.look import theme
from tr_desktop.app.look.icons import IconButton
from tr_desktop.app.look.widgets import ComboBox, indented, scrolling, title, words
from tr_desktop.app.work.jobs import Job
from tr_desktop.app.work.session import Session
from tr_desktop.errors import UserError
from tr_desktop.footage.clips.exact import PRESETS

_FIRST = "edl"


@dataclass(frozen=True)
class Order:
    """What is to be written. out: a file, or a folder where format_name is a way of cutting clips."""

    format_name: str
    out: Path
    handles_s: Fraction
    start_tc: str
    cfr: bool


class WrittenFiles(QListWidget):
    """The files that were written, to be dragged into another program or opened where they lie."""

    def __init__(self) -> None:
        super().__init__()
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Written files; drag them into another program")
        self.itemActivated.connect(self._open_folder)

    def set_files(self, files: tuple[Path, ...]) -> None:
        self.clear()
        for path in files:
            item = QListWidgetItem(path.name)
            item.setData(Qt.ItemDataRole.UserRole, str(path))
            item.setToolTip(str(path))
            self.addItem(item)

    def mimeData(self, items: Sequence[QListWidgetItem]) -> QMimeData:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(item.data(Qt.ItemDataRole.UserRole)) for item in items])
        return data

    def _open_folder(self, item: QListWidgetItem) -> None:
        folder = Path(item.data(Qt.ItemDataRole.UserRole)).parent
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


class ExportPanel(QWidget):
    """Exports the session's project. finished: a sentence, when it took an editor's attention away."""

    finished = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._job: Job | None = None
        self._went_on: QWidget | None = None
        self._known = formats()
        self.format = ComboBox()
        self.format.setAccessibleName("Format")
        self._fill_formats()
        self._keeps = words(role="small")
        self.handles = indented(QDoubleSpinBox(maximum=600, singleStep=0.5, decimals=2, suffix=" s"))
        self.handles.setAccessibleName("Handles, seconds before and after each moment")
        self.start_tc = QLineEdit("01:00:00:00")
        self.start_tc.setAccessibleName("Timeline starts at")
        self.cfr = QCheckBox("Constant frame rate")
        self._cfr_reason = words(role="small")
        self.out = QLineEdit()
        self.out.setAccessibleName("Export to")
        browse = IconButton("folder", "Choose where to")
        browse.clicked.connect(self._browse)
        place = QHBoxLayout()
        place.setSpacing(4)
        place.addWidget(self.out, 1)
        place.addWidget(browse)
        self.start = QPushButton("Export")
        self.start.setProperty("role", "main")
        self.start.clicked.connect(self.run)
        self._stop = IconButton("close", "Cancel the export")
        self._stop.clicked.connect(self.cancel)
        self._bar = QProgressBar(textVisible=False, maximum=1000)
        self._bar.setAccessibleName("Export")
        self._progress = QWidget()
        line = QHBoxLayout(self._progress)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._bar, 1)
        line.addWidget(self._stop)
        self._progress.hide()
        self._says = words()
        self._says.hide()
        self.files = WrittenFiles()
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setHorizontalSpacing(theme.SPACE)
        form.setVerticalSpacing(theme.SPACE)
        form.addRow("Format", self.format)
        form.addRow("Handles", self.handles)
        form.addRow("Starts at", self.start_tc)
        form.addRow("To", place)
        form.addRow(self.cfr)
        form.addRow(self._cfr_reason)
        self._keeps.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._kept_room = scrolling(self._keeps)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 12, 12)
        column.setSpacing(theme.SPACE)
        column.addLayout(form)
        column.addWidget(self._kept_room, 1)
        column.addWidget(self.start)
        column.addWidget(self._progress)
        column.addWidget(self._says)
        self._written_title = title("Written, drag them out")
        column.addWidget(self._written_title)
        column.addWidget(self.files, 2)
        self.format.currentIndexChanged.connect(self._format_chosen)
        self._format_chosen()
        self.refresh()

    def _fill_formats(self) -> None:
        first = 0
        for exporter in sorted(self._known.values(), key=lambda each: each.title.lower()):
            if exporter.name == _FIRST:
                first = self.format.count()
            self.format.addItem(f"{exporter.title}  {exporter.suffix}", exporter.name)
        self.format.insertSeparator(self.format.count())
        self.format.addItem("Clips, cut without encoding", clips.LOSSLESS)
        for preset in PRESETS.values():
            self.format.addItem(f"Clips, {preset.title}", preset.name)
        self.format.setCurrentIndex(first)
        self.format.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def refresh(self) -> None:
        """The project changed."""
        self._offer_cfr()
        count = len(self._session.editing.project.selects)
        self.start.setEnabled(count > 0 and self._job is None)
        self.start.setText(f"Export {count} select{'' if count == 1 else 's'}" if count else "No selects to export")

    def _offer_cfr(self) -> None:
        """A constant rate, where a select's footage has none. A cut without encoding keeps the frames' own times."""
        moments = (self._session.editing.decided_moment(decision) for decision in self._session.editing.project.selects)
        names = list(dict.fromkeys(m.media.path.name for m in moments if m is not None and m.media.is_vfr))
        can_be = bool(names) and self.format.currentData() != clips.LOSSLESS
        self.cfr.setVisible(can_be)
        self._cfr_reason.setVisible(can_be)
        if can_be:
            have = f"{names[0]} has" if len(names) == 1 else f"{len(names)} files have"
            self._cfr_reason.setText(
                f"{have} a variable frame rate, and editors place its frames exactly only in a part that is encoded"
                " again at a constant one."
            )
            self._cfr_reason.setToolTip("\n".join(names))

    def choose_format(self, name: str) -> None:
        self.format.setCurrentIndex(self.format.findData(name))

    @property
    def _is_clips(self) -> bool:
        return self.format.currentData() in clips.WAYS

    def _format_chosen(self) -> None:
        if self._is_clips:
            self._keeps.setText("One file a moment, exact to the frame, decoded again and compared before it counts.")
        else:
            fidelity = self._known[self.format.currentData()].fidelity
            rows = "".join(
                f"<tr><td style='padding-right: 8px'>{escape(subject)}</td><td>{escape(what)}</td></tr>"
                for subject, what in fidelity.items()
            )
            self._keeps.setText(f"<table>{rows}</table>")
        self._show_written(False)
        self._offer_cfr()
        self.start_tc.setEnabled(not self._is_clips)
        self.out.setText(str(self._suggested()))

    def _suggested(self) -> Path:
        """The same place and name with the format's ending; at first beside the project, or at home."""
        before = Path(self.out.text()) if self.out.text() else None
        project = self._session.editing.project
        folder = before.parent if before else project.path.parent if project.path else Path.home()
        name = before.name if before else project.name
        endings = sorted((each.suffix for each in self._known.values()), key=len, reverse=True)
        stem = re.sub("|".join(re.escape(each) + "$" for each in [*endings, " clips"]), "", name)
        ending = " clips" if self._is_clips else self._known[self.format.currentData()].suffix
        return folder / (stem + ending)

    def _browse(self) -> None:
        if self._is_clips:
            chosen = QFileDialog.getExistingDirectory(self, "Where the clips go", str(Path(self.out.text()).parent))
        else:
            chosen, _ = QFileDialog.getSaveFileName(self, "Export to", self.out.text())
        if chosen:
            self.out.setText(chosen)

    def order(self) -> Order:
        """What the fields ask for. Raises UserError where they ask for nothing."""
        if not self.out.text().strip():
            raise UserError("The export has no place to go", remedy="Choose a file for it")
        return Order(
            format_name=self.format.currentData(),
            out=Path(self.out.text().strip()).expanduser(),
            handles_s=Fraction(str(self.handles.value())),
            start_tc=self.start_tc.text().strip(),
            cfr=self.cfr.isVisibleTo(self) and self.cfr.isChecked(),
        )

    def run(self) -> None:
        """Write the selects as the fields say."""
        engine, project = self._session.engine, self._session.editing.project
        if engine is None or self._job is not None or not project.selects:
            return
        try:
            order = self.order()
        except UserError as error:
            self._failed(error)
            return
        decisions, name = project.selects, project.name

        def work(job: Job) -> ExportReport:
            return hand_off(
                [decision.moment(engine.catalog.footage) for decision in decisions],
                order.out,
                order.format_name,
                name=name,
                handles_s=order.handles_s,
                start_tc=order.start_tc,
                cfr=order.cfr,
                on_progress=lambda clip, of, frame, frames: job.report((clip, of, frame / max(frames, 1))),
            )

        is_at_start = self.start.hasFocus()
        self._say("Exporting…")
        self._show_written(False)
        self._bar.setValue(0)
        self._progress.setVisible(self._is_clips or order.cfr)
        self._job = self._session.jobs.run(
            work, self._done, on_failure=self._failed, on_progress=self._progressed, on_end=self._ended
        )
        self.refresh()
        self._went_on = self.window().focusWidget() if is_at_start else None

    def cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._say("Cancelled; the clips that were whole are kept.")

    def _progressed(self, progress: tuple[int, int, float]) -> None:
        clip, of, share = progress
        self._bar.setValue(round(1000 * (clip - 1 + share) / of))
        self._say(f"Cutting and checking clip {clip} of {of}")

    def _done(self, report: ExportReport) -> None:
        count = len(report.files)
        done = f"{count} files written and read back" if count > 1 else f"{report.files[0].name} written and read back"
        self._set_role("dim")
        self._say("\n".join([f"{done}.", *report.notes]))
        self.files.set_files(report.files)
        self._show_written(True)
        self.finished.emit(f"The export is done: {done}.")

    def _show_written(self, is_written: bool) -> None:
        """The files that were written take the room of what the format keeps."""
        self.files.setVisible(is_written)
        self._written_title.setVisible(is_written)
        self._kept_room.setVisible(not is_written)

    def _failed(self, error: UserError) -> None:
        self._set_role("bad")
        self._say(str(error))

    def _ended(self) -> None:
        self._job = None
        self._progress.hide()
        self.refresh()
        if self._went_on is not None and self._went_on.hasFocus():  # Qt moved it there when the button was disabled
            self.start.setFocus()

    def message(self) -> str:
        """What it says of the last export."""
        return self._says.text()

    def _say(self, text: str) -> None:
        self._says.setText(text)
        self._says.show()

    def _set_role(self, role: str) -> None:
        self._says.setProperty("role", role)
        self._says.style().polish(self._says)
