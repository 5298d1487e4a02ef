"""What the window does about missing files: marks them, finds them again, and notices when they come back."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import Notice
from tr_desktop.app.panels.offline_bar import OfflineBar
from tr_desktop.app.panels.poster_list import PosterList
from tr_desktop.app.shell.dialogs import Dialogs, Purpose
from tr_desktop.app.shell.last_project import LastProject
from tr_desktop.app.shell.stage import Stage
from tr_desktop.app.work.presence import Presence
from tr_desktop.app.work.relinking import Relinking
from tr_desktop.app.work.session import Session


class OfflineFootage(QObject):
    """lists: mark their missing files. bar: for the place above the selects."""

    def __init__(
        self,
        session: Session,
        stage: Stage,
        notice: Notice,
        lists: tuple[PosterList, ...],
        dialogs: Dialogs,
        last_project: LastProject,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session, self._stage, self._notice, self._lists, self._dialogs = session, stage, notice, lists, dialogs
        self._last_project = last_project
        self._picture_error = ""
        self.bar = OfflineBar()
        self.bar.locate.connect(self.locate)
        self.relinking = Relinking(session, self)
        self.relinking.notice.connect(notice.say)
        self.relinking.relinked.connect(self._leave_stage)
        self.presence = Presence(session.jobs, self._paths, self)
        self.presence.changed.connect(self._show)
        self.presence.left_or_returned.connect(self._left_or_returned)
        session.editing.changed.connect(self.presence.check)
        session.searching.answered.connect(self.presence.check)
        stage.player.failed.connect(self._picture_failed)
        stage.player.frame_shown.connect(self._forget_picture_error)

    def locate(self) -> None:
        """Ask for a folder, and find all missing files of the project below it."""
        missing = self._missing_of_project()
        if not missing:
            self._notice.say(tr("All files of the project are there."))
            return
        folder = self._dialogs.choose_folder(tr("Locate folder"), Purpose.FOOTAGE)
        if folder is not None:
            self.relinking.locate(folder, missing)

    def _paths(self) -> set[str]:
        found = {str(moment.media.path) for moment in self._session.searching.results.moments}
        decided = {file for decision in self._session.editing.project.decisions for file in decision.found.files}
        return found | decided | {str(folder) for folder in self._session.indexing.folders}

    def _missing_of_project(self) -> frozenset[str]:
        used = {file for decision in self._session.editing.project.decisions for file in decision.found.files}
        return self.presence.missing & used

    def _show(self) -> None:
        selects = {file for decision in self._session.editing.project.selects for file in decision.found.files}
        self.bar.show_missing(len(self.presence.missing & selects))
        for shown in self._lists:
            shown.set_missing(self.presence.missing)

    def _left_or_returned(self) -> None:
        """A drive left or came back: look at the footage again, and show the picture that couldn't be read."""
        self._session.indexing.update()
        moment = self._stage.moment
        if moment is not None and self._picture_error and str(moment.media.path) not in self.presence.missing:
            self._forget_picture_error()
            self._stage.player.open(moment.footage, self._stage.player.frame())

    def _picture_failed(self, text: str) -> None:
        self._picture_error = text

    def _forget_picture_error(self) -> None:
        """Hide the message about a missing file: a picture of the footage is on screen."""
        if self._picture_error and self._notice.text() == self._picture_error:
            self._notice.hide()
        self._picture_error = ""

    def _leave_stage(self) -> None:
        """The moment on the stage may be at an old path."""
        if self._stage.moment is not None and str(self._stage.moment.media.path) in self.presence.missing:
            self._last_project.show_first()
        self.presence.check()
