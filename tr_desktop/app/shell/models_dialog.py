"""*Models*: the packs of this machine, the one in use, and how to get others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QMenu,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from tr_desktop.app.look import theme
from tr_desktop.app.look.counter import size_label
from tr_desktop.app.look.icons import IconButton
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import Elided, breakable, scrolling, title, words
from tr_desktop.app.panels.model_rows import OpenModelRow, PackRow
from tr_desktop.app.shell.dialogs import Dialogs, Purpose
from tr_desktop.app.work.packs import KnownPack
from tr_desktop.app.work.session import Session
from tr_desktop.errors import UserError
from tr_desktop.models.convert.catalogue import OPEN_MODELS, OpenModel
from tr_desktop.models.convert.packages import missing_packages
from tr_desktop.this_program import how_to_get


class ModelsDialog(QDialog):
    """Stays open beside the window, which goes on as usual."""

    def __init__(self, session: Session, dialogs: Dialogs, window: QWidget) -> None:
        super().__init__(window)
        self._packs, self._changing, self._dialogs = session.packs, session.changing, dialogs
        self.setWindowTitle(tr("Models"))
        self._missing: list[str] = []
        self.rows: dict[str, PackRow] = {}
        self._own = QVBoxLayout()
        self._own.setSpacing(2)
        self.open_rows = [OpenModelRow(model) for model in OPEN_MODELS]
        others = QVBoxLayout()
        others.setSpacing(2)
        for row in self.open_rows:
            row.get.connect(lambda model=row.model: self._ask_to_get(model))
            others.addWidget(row)
        self.unlisted, self.needs = words(role="bad"), words()
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(title(tr("On this machine")))
        column.addLayout(self._own)
        column.addWidget(self.unlisted)
        column.addSpacing(theme.SPACE)
        column.addWidget(title(tr("To download")))
        column.addWidget(self.needs)
        column.addLayout(others)
        column.addStretch(1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(16, 14, 16, 14)
        rows.setSpacing(theme.SPACE)
        rows.addWidget(scrolling(inner), 1)
        rows.addWidget(self._make_progress())
        self.problem = words(role="bad")
        self.problem.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.problem.hide()
        rows.addWidget(self.problem)
        rows.addLayout(self._make_foot())
        self.setMinimumSize(420, 320)
        self.resize(720, 620)
        self._packs.changed.connect(self._show)
        self._packs.asked.connect(self._ask_to_accept)
        for source in (self._packs.failed, self._changing.failed):
            source.connect(self._say)

    def _make_progress(self) -> QWidget:
        self.progress = QWidget()
        self.stage = Elided("", "", Qt.TextElideMode.ElideRight)
        self.bar = QProgressBar(textVisible=False, maximum=1000)
        self.bar.setAccessibleName(tr("Adding a model"))
        self.cancel = IconButton("close", tr("Stop adding the model"))
        self.cancel.clicked.connect(self._packs.cancel)
        lines = QVBoxLayout()
        lines.addWidget(self.stage)
        lines.addWidget(self.bar)
        row = QHBoxLayout(self.progress)
        row.setContentsMargins(0, 0, 0, 0)
        row.addLayout(lines, 1)
        row.addWidget(self.cancel)
        self.progress.hide()
        return self.progress

    def _make_foot(self) -> QHBoxLayout:
        self.add = QPushButton(tr("Add pack or checkpoint…"))
        menu = QMenu(self.add)
        menu.addAction(tr("Pack file (.trpack)…"), self.add_file)
        menu.addAction(tr("Folder of a pack or a checkpoint…"), self.add_folder)
        self.add.setMenu(menu)
        close = QPushButton(tr("Close"))
        close.clicked.connect(self.close)
        foot = QHBoxLayout()
        foot.addWidget(self.add)
        foot.addStretch(1)
        foot.addWidget(close)
        return foot

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.problem.hide()
        self._missing = missing_packages()
        self.needs.setVisible(bool(self._missing))
        self.needs.setText(
            tr(
                "Getting models and converting checkpoints needs packages that aren’t installed here: {packages}."
                " {remedy}. Pack files (.trpack) can be added without them.",
                packages=", ".join(self._missing),
                remedy=how_to_get("convert"),
            )
        )
        self._packs.refresh()
        self._show()

    # What the user does

    def add_file(self) -> None:
        path = self._dialogs.choose_file(
            tr("Add a pack"), Purpose.MODELS, tr("Model packs ({pattern})", pattern="*.trpack")
        )
        self._add(path)

    def add_folder(self) -> None:
        self._add(self._dialogs.choose_folder(tr("Add the folder of a pack or a checkpoint"), Purpose.MODELS))

    def _add(self, path: Path | None) -> None:
        if path is not None:
            self.problem.hide()
            self._packs.add(path)

    def _ask_to_accept(self, source: Path, terms: str) -> None:
        self._ask(
            tr("Use {name} under this licence?", name=source.name),
            tr("It restricts what the model may be used for, such as in a paid edit.\n\n{terms}", terms=terms),
            tr("Accept and add"),
            lambda: self._packs.add(source, is_accepted=True),
        )

    def _ask_to_get(self, model: OpenModel) -> None:
        licence = tr("Its licence is {licence}: {link}", licence=model.licence, link=model.licence_url)
        if not model.commercial:
            licence = tr("It doesn’t allow commercial use, such as in a paid edit. {licence}", licence=licence)
        size = tr(
            "{download} are fetched from {repository} on the Hugging Face hub; the pack takes {disk}.",
            download=size_label(model.download_bytes),
            repository=model.repository,
            disk=size_label(model.pack_bytes),
        )
        self._ask(
            tr("Get {name}?", name=model.name),
            f"{size}\n{licence}",
            tr("Accept and get"),
            lambda: self._packs.get(model.name),
        )

    def _ask_to_remove(self, known: KnownPack) -> None:
        self._ask(
            tr("Remove {name}?", name=known.name),
            tr("Its files are deleted. Libraries keep what it has indexed, in case you add it again.")
            if known.is_added
            else tr("It is taken off this list; its files stay where they are, if there are any."),
            tr("Remove"),
            lambda: self._packs.remove(known.key),
        )

    def _ask(self, question: str, more: str, yes: str, call: Callable[[], object]) -> None:
        def agreed() -> None:
            self.problem.hide()
            call()

        box = QMessageBox(self, textFormat=Qt.TextFormat.PlainText)
        box.setText(question)
        box.setInformativeText(more)
        box.addButton(yes, QMessageBox.ButtonRole.AcceptRole).clicked.connect(agreed)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.finished.connect(box.deleteLater)
        box.open()

    # What is shown

    def _say(self, error: UserError) -> None:
        self.problem.setText(breakable(str(error)))
        self.problem.show()

    def _show(self) -> None:
        if not self.isVisible():
            return
        packs, changing = self._packs, self._changing
        if list(self.rows) != [known.key for known in packs.known]:
            self._make_rows(packs.known)
        for known in packs.known:
            self.rows[known.key].show_pack(
                known,
                is_used=known.key == packs.in_use,
                speed=packs.speed(known.pack) if known.pack is not None else 0,
                is_being_measured=known.key == packs.measuring,
                at=changing.preparation,
                is_wanted=known.key == changing.wanted,
            )
        self.unlisted.setVisible(bool(packs.problem))
        self.unlisted.setText(breakable(packs.problem))
        names = {known.key for known in packs.known}
        for row in self.open_rows:
            row.show_model(is_here=row.model.name in names, may_get=not self._missing and not packs.at_work)
        self.add.setEnabled(not packs.at_work)
        self.progress.setVisible(bool(packs.at_work))
        stage = packs.stage
        self.stage.set_text(
            tr("{name}: {stage}", name=packs.at_work, stage=stage.text if stage is not None else tr("starting…"))
        )
        self.bar.setValue(round(1000 * stage.done) if stage is not None else 0)

    def _make_rows(self, packs: Sequence[KnownPack]) -> None:
        for row in self.rows.values():
            self._own.removeWidget(row)
            row.deleteLater()
        self.rows = {}
        for known in packs:
            row = self.rows[known.key] = PackRow(known)
            row.use.connect(lambda key=known.key: self._changing.use(key))
            row.use_now.connect(self._changing.use_now)
            row.stay.connect(self._changing.forget)
            row.measure.connect(lambda key=known.key: self._packs.measure(key))
            row.remove.connect(lambda known=known: self._ask_to_remove(known))
            self._own.addWidget(row)
