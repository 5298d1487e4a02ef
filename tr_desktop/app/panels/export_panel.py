"""Exporting the selects for an editor: the format, what it keeps, the location, and the files that were written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
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
from exporters.registry import Exporter
from exporters.target import MEDIA_ENDINGS, Guard, TargetExistsError
from exporters.write import ExportReport
from tr_desktop.app.look import theme
from tr_desktop.app.look.counter import counted, plural
from tr_desktop.app.look.icons import IconButton, plain_tip
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import ComboBox, breakable, indented, scrolling, title, words
from tr_desktop.app.panels.export_notes import several_files, what_it_keeps, why_constant
from tr_desktop.app.panels.export_place import CLIPS, ExportPlace
from tr_desktop.app.panels.replace_question import ask_to_replace
from tr_desktop.app.panels.unfinished import Unfinished
from tr_desktop.app.work.jobs import Job
from tr_desktop.app.work.session import Session
from tr_desktop.errors import UserError
from tr_desktop.footage.clips.exact import PRESETS
from tr_desktop.library.kept_files import KeptFiles
from tr_desktop.library.relatives import Relatives
from tr_desktop.moments import Media

_FIRST = "edl"


@dataclass(frozen=True)
class Order:
    """The export that the fields describe. out: a file; a folder if format_name is a way of cutting clips."""

    format_name: str
    out: Path
    handles_s: Fraction
    start_tc: str
    cfr: bool


class WrittenFiles(QListWidget):
    """The files that were written: drag them into another program, or activate one to open its folder."""

    def __init__(self) -> None:
        super().__init__()
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Exported files. Drag them to your editor."))
        self.itemActivated.connect(self._open_folder)

    def set_files(self, files: tuple[Path, ...]) -> None:
        self.clear()
        for path in files:
            item = QListWidgetItem(path.name)
            item.setData(Qt.ItemDataRole.UserRole, str(path))
            item.setToolTip(plain_tip(str(path)))
            self.addItem(item)

    def mimeData(self, items: Sequence[QListWidgetItem]) -> QMimeData:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(item.data(Qt.ItemDataRole.UserRole)) for item in items])
        return data

    def _open_folder(self, item: QListWidgetItem) -> None:
        folder = Path(item.data(Qt.ItemDataRole.UserRole)).parent
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


class ExportProgress(QWidget):
    """A progress bar, and a button that cancels."""

    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        stop = IconButton("close", tr("Cancel the export"))
        stop.clicked.connect(self.cancelled)
        self._bar = QProgressBar(textVisible=False, maximum=1000)
        self._bar.setAccessibleName(tr("Export"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._bar, 1)
        row.addWidget(stop)

    def set_share(self, share: float) -> None:
        """How much is done, in [0, 1]."""
        self._bar.setValue(round(1000 * share))


class ExportPanel(QWidget):
    """Exports the session's project. finished: the outcome of an export, one sentence."""

    finished = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._job: Job | None = None
        self._known = formats()
        self.format = _format_box(self._known)
        self._keeps = words(role="small")
        self.handles = indented(QDoubleSpinBox(maximum=600, singleStep=0.5, decimals=2, suffix=tr(" s")))
        self.handles.setAccessibleName(tr("Handles, seconds before and after each moment"))
        self.start_tc = QLineEdit("01:00:00:00")
        self.start_tc.setAccessibleName(tr("Timeline starts at"))
        self.cfr = QCheckBox(tr("Constant frame rate"))
        self._cfr_reason = words(role="small")
        self._several_files = words(role="small")
        self._place = ExportPlace([each.suffix for each in self._known.values()])
        self.out = self._place.field
        self.start = QPushButton(tr("Export"))
        self.start.setProperty("role", "main")
        self.start.clicked.connect(lambda: self.run())
        self._progress = ExportProgress()
        self._progress.cancelled.connect(self.cancel)
        self._progress.hide()
        self._unfinished = Unfinished(session.refining, self.start)
        self._unfinished.ready.connect(self.run)
        self._rough: list[str] = []  # the selects that were exported with rough edges
        self._said = ""
        self._says = words()
        self._says.hide()
        self.files = WrittenFiles()
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setHorizontalSpacing(theme.SPACE)
        form.setVerticalSpacing(theme.SPACE)
        form.addRow(tr("Format"), self.format)
        form.addRow(tr("Handles"), self.handles)
        form.addRow(tr("Starts at"), self.start_tc)
        form.addRow(tr("To"), self._place)
        form.addRow(self.cfr)
        form.addRow(self._cfr_reason)
        form.addRow(self._several_files)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._written_title = title(tr("Exported files (drag to your editor)"))
        self._written_title.setWordWrap(True)
        self.files.setMinimumHeight(3 * theme.ROW)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 12, 12)
        column.setSpacing(theme.SPACE)
        column.addWidget(_scrolling_room(form, self._says, self._keeps, self._written_title, self.files), 1)
        column.addWidget(self._progress)
        column.addWidget(self._unfinished)
        column.addWidget(self.start)
        self.format.currentIndexChanged.connect(self._format_chosen)
        self.out.textChanged.connect(self._name_files)
        self.cfr.toggled.connect(self._name_files)
        self._format_chosen()
        self.refresh()

    def refresh(self) -> None:
        """Follow a change of the project."""
        self._place.follow(self._session.editing.project)
        self._offer_cfr()
        self._name_files()
        count = len(self._session.editing.project.selects)
        # A disabled button would pass the focus, and the next Space or Enter, to the one that cancels.
        self.start.setEnabled(count > 0 or self._job is not None)
        if self._job is not None:
            self.start.setText(tr("Exporting…"))
        elif count:
            self.start.setText(tr("Export {selects}", selects=counted(count, "select")))
        else:
            self.start.setText(tr("No selects to export"))

    def _offer_cfr(self) -> None:
        """Offer a constant rate for footage that has none, unless clips are cut without re-encoding."""
        names = list(dict.fromkeys(media.path.name for media in self._media() if media.is_vfr))
        can_be = bool(names) and self.format.currentData() not in (clips.LOSSLESS, clips.SMART)
        self.cfr.setVisible(can_be)
        self._cfr_reason.setVisible(can_be)
        if can_be:
            self._cfr_reason.setText(why_constant(names))
            self._cfr_reason.setToolTip(plain_tip("\n".join(names)))

    def _media(self) -> list[Media]:
        """The footage of each select, in their order."""
        moments = map(self._session.editing.decided_moment, self._session.editing.project.selects)
        return [moment.media for moment in moments if moment is not None]

    def _name_files(self) -> None:
        """Name the files if the export writes one for each frame rate."""
        exporter = self._known.get(self.format.currentData())
        note = several_files(exporter, Path(self.out.text()), self._media(), self.cfr.isChecked())
        self._several_files.setText(note)
        self._several_files.setVisible(bool(note))

    def choose_format(self, name: str) -> None:
        self.format.setCurrentIndex(self.format.findData(name))

    @property
    def _is_clips(self) -> bool:
        return self.format.currentData() in clips.WAYS

    def _format_chosen(self) -> None:
        self._keeps.setText(what_it_keeps(self.format.currentData(), self._known))
        self._show_written(False)
        if self._job is None:
            self._say("")
            self._says.hide()
        self._offer_cfr()
        self.start_tc.setEnabled(not self._is_clips)
        ending = CLIPS if self._is_clips else self._known[self.format.currentData()].suffix
        self._place.set_ending(ending, self._session.editing.project)
        self._name_files()

    def order(self) -> Order:
        """The export that the fields describe. Raises UserError if they name no location."""
        out = self._place.chosen()
        if not self._is_clips and out.name and out.suffix.lower() not in MEDIA_ENDINGS:  # those are refused
            out = self._place.force_ending(out)
        return Order(
            format_name=self.format.currentData(),
            out=out,
            handles_s=Fraction(str(self.handles.value())),
            start_tc=self.start_tc.text().strip(),
            cfr=self.cfr.isVisibleTo(self) and self.cfr.isChecked(),
        )

    def run(self, *, overwrite: bool = False) -> None:
        """Export the selects as the fields describe. overwrite: the user agreed to replace the files in the way."""
        engine, project = self._session.engine, self._session.editing.project
        if engine is None or self._job is not None or not project.selects:
            return
        try:
            order = self.order()
        except UserError as error:
            self._failed(error)
            return
        if not self._unfinished.may_export():
            self._says.hide()
            return
        self._rough = self._unfinished.notes()
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
                guard=Guard(KeptFiles(engine.catalog), overwrite),
                relatives=Relatives(engine.catalog),
                on_progress=lambda clip, of, frame, frames: job.report((clip, of, frame / max(frames, 1))),
            )

        self._say(tr("Exporting…"))
        self._show_written(False)
        self._progress.set_share(0)
        self._progress.setVisible(self._is_clips or order.cfr)
        self._job = self._session.jobs.run(
            work, self._done, on_failure=self._failed, on_progress=self._progressed, on_end=self._ended
        )
        self.refresh()

    def cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._say(tr("Cancelled. Finished clips are kept."))

    def _progressed(self, progress: tuple[int, int, float]) -> None:
        clip, of, share = progress
        self._progress.set_share((clip - 1 + share) / of)
        self._say(tr("Cutting and checking clip {clip} of {clips}", clip=clip, clips=of))

    def _done(self, report: ExportReport) -> None:
        done = plural(
            len(report.files),
            "{name} written and read back",
            "{count} files written and read back",
            name=report.files[0].name,
        )
        self._set_role("bad" if report.failures else "dim")
        self._say("\n".join([f"{done}.", *report.failures, *self._rough, *report.notes]))
        self.files.set_files(report.files)
        self._show_written(True)
        self.finished.emit(tr("Export finished: {outcome}.", outcome=done))

    def _show_written(self, is_written: bool) -> None:
        """Show the written files, or else what the format keeps: both have the same room."""
        self.files.setVisible(is_written)
        self._written_title.setVisible(is_written)
        self._keeps.setVisible(not is_written)

    def _failed(self, error: UserError) -> None:
        if isinstance(error, TargetExistsError):
            self._say(tr("Not exported: {name} exists already.", name=error.paths[0].name))
            ask_to_replace(self, error.paths, lambda: self.run(overwrite=True))
            return
        self._set_role("bad")
        self._say(str(error))

    def _ended(self) -> None:
        self._job = None
        self.refresh()
        if self._progress.isAncestorOf(self.window().focusWidget() or self.start):
            self.start.setFocus()
        self._progress.hide()

    def message(self) -> str:
        """The message about the last export."""
        return self._said

    def _say(self, text: str) -> None:
        self._said = text
        self._says.setText(breakable(text))
        self._says.show()

    def _set_role(self, role: str) -> None:
        self._says.setProperty("role", role)
        self._says.style().polish(self._says)


def _scrolling_room(form: QFormLayout, *widgets: QWidget) -> QWidget:
    """The part above the button, which scrolls if it is too high: the button stays where it is."""
    room = QWidget()
    column = QVBoxLayout(room)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(theme.SPACE)
    column.addLayout(form)
    for widget in widgets:
        column.addWidget(widget, isinstance(widget, QListWidget))
    column.addStretch(0)
    return scrolling(room)


def _format_box(known: Mapping[str, Exporter]) -> ComboBox:
    """Every format, then the ways of cutting clips."""
    box = ComboBox()
    box.setAccessibleName(tr("Format"))
    for exporter in sorted(known.values(), key=lambda each: each.title.lower()):
        box.addItem(f"{exporter.title}  {exporter.suffix}", exporter.name)
    box.insertSeparator(box.count())
    box.addItem(tr("Clips, cut without re-encoding"), clips.LOSSLESS)
    box.addItem(tr("Clips, re-encoded only at their edges"), clips.SMART)
    for preset in PRESETS.values():
        box.addItem(tr("Clips, {preset}", preset=preset.title), preset.name)
    box.setCurrentIndex(box.findData(_FIRST))
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box
