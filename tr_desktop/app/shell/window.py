"""The window: panels around one stage, and the connections between them."""

from __future__ import annotations

import time

from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QMainWindow

from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import Notice
from tr_desktop.app.panels.example_chip import Example
from tr_desktop.app.panels.export_panel import ExportPanel
from tr_desktop.app.panels.library_panel import LibraryPanel
from tr_desktop.app.panels.results import ResultsPanel
from tr_desktop.app.panels.search_bar import SearchBar
from tr_desktop.app.panels.selects import SelectsPanel
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.app.shell.adding import Adding
from tr_desktop.app.shell.dialogs import Dialogs
from tr_desktop.app.shell.editors_dialog import EditorsDialog
from tr_desktop.app.shell.focus_keeper import FocusKeeper
from tr_desktop.app.shell.key_sheet import KeySheet
from tr_desktop.app.shell.keys import TypingFirst, keys_of, read_keys
from tr_desktop.app.shell.last_project import LastProject
from tr_desktop.app.shell.menus import Menus
from tr_desktop.app.shell.models import Models
from tr_desktop.app.shell.notice_place import NoticePlace
from tr_desktop.app.shell.offline_footage import OfflineFootage
from tr_desktop.app.shell.panes import Panes, stacked
from tr_desktop.app.shell.project_files import ProjectFiles
from tr_desktop.app.shell.sending import Sending
from tr_desktop.app.shell.side_panel import Side, SidePanel
from tr_desktop.app.shell.stage import Stage
from tr_desktop.app.shell.status_line import StatusLine
from tr_desktop.app.shell.theming import Theming
from tr_desktop.app.shell.welcome import Welcome
from tr_desktop.app.work.searching import Results
from tr_desktop.app.work.session import SAMPLE_QUERY, Session
from tr_desktop.errors import UserError
from tr_desktop.library.filters import FootageFilter
from tr_desktop.moments import Moment
from tr_desktop.projects.decisions import Decision

CLOSE_WITHIN_S = 2.5


class Window(QMainWindow):
    """One window on one session. has_ended: once it is closed, whether all threads ended."""

    def __init__(self, app: QApplication, session: Session) -> None:
        super().__init__()
        self._app = app
        self.session = session
        self.setMinimumSize(QSize(1024, 640))
        self.thumbnails = Thumbnails(self)
        self.stage = Stage(session, self.thumbnails)
        self.search = SearchBar()
        self.library = LibraryPanel()
        self.results = ResultsPanel(self.thumbnails)
        self.selects = SelectsPanel(
            self.thumbnails,
            session.editing.decided_moment,
            lambda key: session.editing.unresolved.get(key, ""),
            session.refining,
        )
        self.export = ExportPanel(session)
        self.welcome = Welcome()
        self.notice = Notice(self)
        dialogs = Dialogs(session.settings, self)
        self.files = ProjectFiles(session.editing, self.notice, dialogs, self)
        self.last_project = LastProject(session, self.files, self.stage, self.notice, self)
        self.adding = Adding(session.indexing, self.files, dialogs, self)
        lists = (self.results.list, self.selects.list)
        self.offline = OfflineFootage(session, self.stage, self.notice, lists, dialogs, self.last_project, self)
        self.sending = Sending(session, self.export, self.notice, self)
        self.theming = Theming(app, session.settings, self)
        self.models = Models(session, self.library, self.results, self.notice, dialogs, self)
        self.editors = EditorsDialog(session, self)
        self._place()
        self._make_actions()
        self._connect()
        self.has_ended = True
        self._restore()
        self._folders_changed()
        self._project_changed()

    def _place(self) -> None:
        picture = stacked(self.stage.player, self.stage.transport, stretched=self.stage.player)
        selects = stacked(self.offline.bar, self.selects, stretched=self.selects)
        self._side = SidePanel({Side.SELECTS: selects, Side.EXPORT: self.export})
        self._panes = Panes(self.welcome, (self.library, self.results), picture, self._side, self.stage.timeline)
        self.setCentralWidget(stacked(self.search, self._panes, stretched=self._panes))
        self._status = StatusLine(self.statusBar())
        NoticePlace(self.notice, self, picture=self.stage.player, otherwise=self._panes)
        FocusKeeper(self._app, self.stage.scrubber, self.search.field, self)

    def _make_actions(self) -> None:
        self.keys = keys_of()
        try:
            self.keys = read_keys(self.session.settings.folder)
        except UserError as error:
            wrong = error
            QTimer.singleShot(0, self, lambda: self.notice.say_error(wrong))
        self._menus = Menus(self, self, self.keys)
        others = {"view.counter": self._status.counting, "marks.clear": self.results.clear_marks}
        for name, button in (self.stage.bars.buttons() | others).items():
            self._menus.attach(button, name)
        self._typing_first = TypingFirst(self)
        self._app.installEventFilter(self._typing_first)

    def _connect(self) -> None:
        session = self.session
        session.notice.connect(self.say)
        for failed in (session.failed, self.stage.failed, self.search.failed):
            failed.connect(self.notice.say_error)
        session.indexing.folders_changed.connect(self._folders_changed)
        session.indexing.status_changed.connect(self.library.set_status)
        for changed in (session.ready, session.indexing.status_changed, session.changing.changed):
            changed.connect(lambda *_: self._status.show_coverage(session))
        session.indexing.reading_text.connect(self.library.set_text_progress)
        session.indexing.ended.connect(lambda: self.library.set_progress(None))
        session.searching.results_changed.connect(self._results_changed)
        session.editing.changed.connect(self._project_changed)
        session.undoing.changed.connect(self._show_edits)
        self.stage.changed.connect(self._stage_changed)
        self.files.opened.connect(lambda: self.show_side(Side.SELECTS))
        self.search.searched.connect(self._search)
        self.search.searched_by.connect(self._search_by)
        self.search.left.connect(self.results.list.setFocus)
        self.results.chosen.connect(self.stage.show)
        self.selects.chosen.connect(self._show_select)
        self.selects.described.connect(session.editing.describe)
        self.selects.rated.connect(session.editing.rate)
        self.library.add_folder.connect(self.adding.choose_folder)
        self.library.add_files.connect(self.adding.choose_files)
        self.library.removed.connect(session.indexing.remove)
        self.library.cancelled.connect(session.indexing.stop)
        self.library.paused.connect(session.indexing.pause)
        self.welcome.add_folder.connect(self.adding.choose_folder)
        self.welcome.try_sample.connect(self._try_sample)
        self.export.finished.connect(self._exported)
        self.theming.switched.connect(self.say)

    def _restore(self) -> None:
        settings = self.session.settings
        self.search.field.set_history(settings.queries)
        if not self.restoreGeometry(settings.remembered("window")):
            self.resize(1280, 800)
        self._panes.restore(settings)
        self._show_counting()

    # What changes

    def _folders_changed(self) -> None:
        folders = self.session.indexing.folders
        self.library.set_folders(folders)
        has_something = bool(folders or self.session.editing.project.decisions)
        self._panes.show_welcome(not has_something)
        self.search.setEnabled(has_something)
        if has_something and not self.stage.moment:
            self.search.field.setFocus()

    def _results_changed(self, results: Results) -> None:
        self.results.set_results(results)
        self.results.set_decisions(self.session.editing.project.decisions)
        current = self.results.current()
        if current is not None:
            self.stage.show(current)  # with the steps found since
        elif self.results.list.moments.rowCount():
            self.results.select(0)
            if self.search.field.hasFocus() and not self.search.is_typed_in:  # in the list, letters are actions
                self.results.list.setFocus()
        elif results.query and not results.moments:
            self.stage.show(None)

    def _project_changed(self) -> None:
        project = self.session.editing.project
        self.selects.set_decisions(project.selects)
        self.selects.follow(self.stage.key)
        self.results.set_decisions(project.decisions)
        self.export.refresh()
        self._side.show_select_count(len(project.selects))
        self._show_edits()
        self.setWindowTitle(f"{project.name}[*] – TimeRefine")
        self.setWindowModified(project.is_changed)
        if project.decisions and self._panes.shows_welcome():
            self._folders_changed()
        self._enable()

    def _show_edits(self) -> None:
        self._menus.show_edits(self.session.undoing.undoes, self.session.editing.project.redoes)

    def _stage_changed(self) -> None:
        self.selects.follow(self.stage.key)
        self._enable()

    def _enable(self) -> None:
        has_moment = self.stage.moment is not None
        self._menus.enable(has_moment, is_select=has_moment and self.stage.decision.is_accepted)

    # Searching

    def _search(self, query: str, footage_filter: FootageFilter) -> None:
        self.session.settings.remember_query(query)
        self.search.field.set_history(self.session.settings.queries)
        self.results.clear_choice()
        self.session.searching.search(query, footage_filter)

    def search_by_frame(self) -> None:
        """Search for footage like the frame on screen."""
        moment = self.stage.moment
        if moment is not None:
            frame = self.stage.player.frame()
            example = Example(_like(moment, frame), f"{moment.media.path}@{moment.times.time_s(frame)}")
            self.search.show_example(example, self.stage.player.grab().toImage())
            self.search.search()

    def _search_by(self, example: Example, footage_filter: FootageFilter) -> None:
        self.results.clear_choice()
        self.session.searching.search(example.name, footage_filter, example.example)

    def _try_sample(self) -> None:
        self.search.field.setText(SAMPLE_QUERY)
        self.session.try_sample()

    def focus_search(self) -> None:
        self.search.field.setFocus()
        self.search.field.selectAll()

    def walk(self, by: int) -> None:
        """Go through the selects if they have the focus, else through the results."""
        (self.selects if self.selects.list.hasFocus() and self.selects.model.rowCount() else self.results).walk(by)

    # The project

    def _show_select(self, decision: Decision) -> None:
        moment = self.session.editing.decided_moment(decision)
        if moment is not None:
            self.stage.show(moment)
            self.results.clear_choice()

    def describe(self) -> None:
        self.show_side(Side.SELECTS)
        self.selects.follow(self.stage.key)
        self.selects.name.setFocus()
        self.selects.name.selectAll()

    # The view

    def show_side(self, side: Side) -> None:
        self._side.show_page(side)

    def show_export(self) -> None:
        self.show_side(Side.EXPORT)
        (self.export.start if self.export.start.isEnabled() else self.export.format).setFocus()

    def _exported(self, sentence: str) -> None:
        if not self.isActiveWindow():
            self.say(sentence)

    def next_counting(self) -> None:
        self.session.settings.counting = self.stage.counting.next
        self._show_counting()

    def _show_counting(self) -> None:
        counting = self.session.settings.counting
        self.stage.set_counting(counting)
        self.results.set_counting(counting)
        self.selects.set_counting(counting)
        self._status.show_counting(counting)

    def show_keys(self) -> None:
        KeySheet(self.keys, self.session.settings.folder, self).open()

    def say(self, sentence: str) -> None:
        self.notice.say(sentence)
        QApplication.alert(self)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.files.may_leave(self.close):
            event.ignore()
            return
        settings = self.session.settings
        settings.remember("window", self.saveGeometry())
        self._panes.remember(settings)
        self._app.removeEventFilter(self._typing_first)
        self.models.dialog.close()
        self.editors.close()
        self.offline.presence.stop()
        self.stage.player.pause()
        end_s = time.monotonic() + CLOSE_WITHIN_S
        parts = self.session.close, self.stage.player.shut_down, self.thumbnails.shut_down
        self.has_ended = all([part(max(end_s - time.monotonic(), 0.0)) for part in parts])
        event.accept()


def _like(moment: Moment, frame: int) -> str:
    """The name of a search for footage like one frame."""
    timecode = moment.footage.timecode_at(frame)
    return tr("like {file} at {timecode}", file=moment.media.path.name, timecode=timecode)
