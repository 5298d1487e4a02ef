"""The window: panels around one stage, and what happens between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from tr_desktop.app.look import theme
from tr_desktop.app.look.counter import counted, duration_label
from tr_desktop.app.look.theme import Theme
from tr_desktop.app.look.widgets import Notice
from tr_desktop.app.panels.export_panel import ExportPanel
from tr_desktop.app.panels.library_panel import LibraryPanel, dropped_paths
from tr_desktop.app.panels.results import ResultsPanel
from tr_desktop.app.panels.search_bar import SearchBar
from tr_desktop.app.panels.selects import SelectsPanel
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.app.shell import actions
from tr_desktop.app.shell.commands import handlers
from tr_desktop.app.shell.key_sheet import KeySheet
from tr_desktop.app.shell.project_files import ProjectFiles
from tr_desktop.app.shell.stage import Stage
from tr_desktop.app.shell.welcome import Welcome
from tr_desktop.app.work.session import SAMPLE_QUERY, LibraryStatus, Results, Session
from tr_desktop.errors import UserError
from tr_desktop.library.filters import FootageFilter
from tr_desktop.projects.decisions import Decision
from tr_desktop.projects.file import SUFFIX

CLOSE_WITHIN_S = 2.5
_SPLITTERS = ("upper", "rows")


class Window(QMainWindow):
    """One window on one session."""

    def __init__(self, app: QApplication, session: Session) -> None:
        super().__init__()
        self._app = app
        self.session = session
        self.setAcceptDrops(True)
        self.setMinimumSize(QSize(960, 600))
        self.thumbnails = Thumbnails(self)
        self.stage = Stage(session, self.thumbnails)
        self.search = SearchBar()
        self.library = LibraryPanel()
        self.results = ResultsPanel(self.thumbnails)
        self.selects = SelectsPanel(
            self.thumbnails, session.decided_moment, lambda key: session.unresolved.get(key, "")
        )
        self.export = ExportPanel(session)
        self.welcome = Welcome()
        self.notice = Notice(self)
        self.notice.installEventFilter(self)
        self.files = ProjectFiles(session, self.notice, self)
        self._place()
        self._make_actions()
        self._connect()
        self.has_ended = True
        self._restore()
        self._folders_changed()
        self._project_changed()

    # Made once

    def _place(self) -> None:
        middle = QWidget()
        picture = QVBoxLayout(middle)
        picture.setContentsMargins(0, 0, 0, 0)
        picture.setSpacing(0)
        picture.addWidget(self.stage.player, 1)
        picture.addWidget(self.stage.transport)
        self.upper = QSplitter(Qt.Orientation.Horizontal)
        for widget in (self.library, self.results, middle, self._make_side()):
            self.upper.addWidget(widget)
        self.upper.setStretchFactor(2, 1)
        self.upper.setSizes([200, 330, 490, 260])
        self.rows = QSplitter(Qt.Orientation.Vertical)
        self.rows.addWidget(self.upper)
        self.rows.addWidget(self.stage.timeline)
        self.rows.setStretchFactor(0, 1)
        self.rows.setSizes([430, 250])
        for splitter in (self.upper, self.rows):
            splitter.setHandleWidth(2)
            splitter.setChildrenCollapsible(False)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.rows)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.search)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(whole)
        self._status = QLabel()
        self._status.setProperty("role", "small")
        self._status.setContentsMargins(10, 0, 0, 0)
        self._counter = QToolButton()
        self._counter.setProperty("role", "text")
        self._counter.setToolTip("Count in timecode, frames or seconds (T)")
        self._counter.clicked.connect(self.next_counting)
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().addWidget(self._status, 1)
        self.statusBar().addPermanentWidget(self._counter)

    def _make_side(self) -> QWidget:
        side = QWidget()
        side.setObjectName("panel")
        side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.side_pages = QStackedWidget()
        tabs = QHBoxLayout()
        tabs.setContentsMargins(12, 8, 12, 0)
        tabs.setSpacing(theme.SPACE)
        group = QButtonGroup(side)
        self.tabs: list[QToolButton] = []
        for number, (name, page) in enumerate((("Selects", self.selects), ("Export", self.export))):
            tab = QToolButton()
            tab.setText(name)
            tab.setCheckable(True)
            tab.setProperty("role", "tab")
            group.addButton(tab)
            tab.clicked.connect(lambda _=False, number=number: self.show_side(number))
            tabs.addWidget(tab)
            self.tabs.append(tab)
            self.side_pages.addWidget(page)
        tabs.addStretch(1)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(tabs)
        column.addWidget(self.side_pages, 1)
        self.tabs[0].setChecked(True)
        return side

    def _make_actions(self) -> None:
        keys = actions.keys_of()
        try:
            keys = actions.read_keys(self.session.settings.folder)
        except UserError as error:
            wrong = error
            QTimer.singleShot(0, self, lambda: self.notice.say_error(wrong))
        self.keys = keys
        self.actions_by_name = actions.make(self, handlers(self), keys)
        menus = {name: self.menuBar().addMenu(name) for name in ("File", "Edit", "Moment", "Playback", "View", "Help")}
        for action in actions.ACTIONS:
            menus[action.menu].addAction(self.actions_by_name[action.name])
        self._typing_first = actions.TypingFirst(self)
        self._app.installEventFilter(self._typing_first)

    def _connect(self) -> None:
        session = self.session
        session.ready.connect(self._show_status)
        session.folders_changed.connect(self._folders_changed)
        session.status_changed.connect(self._status_changed)
        session.indexing_changed.connect(self.library.set_progress)
        session.results_changed.connect(self._results_changed)
        session.project_changed.connect(self._project_changed)
        session.notice.connect(self.say)
        session.failed.connect(self.notice.say_error)
        self.stage.failed.connect(self.notice.say_error)
        self.files.opened.connect(lambda: self.show_side(0))
        self.stage.changed.connect(self._stage_changed)
        self.search.searched.connect(self._search)
        self.search.failed.connect(self.notice.say_error)
        self.search.left.connect(self.results.list.setFocus)
        self.results.chosen.connect(self.stage.show)
        self.selects.chosen.connect(self._show_select)
        self.selects.described.connect(self._described)
        self.library.add_folder.connect(self.choose_folder)
        self.library.add_files.connect(self.choose_files)
        self.library.removed.connect(session.remove)
        self.library.cancelled.connect(session.stop_indexing)
        self.library.paused.connect(session.pause_indexing)
        self.welcome.add_folder.connect(self.choose_folder)
        self.welcome.try_sample.connect(self._try_sample)
        self.export.finished.connect(self._exported)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_theme_changed)

    def _restore(self) -> None:
        settings = self.session.settings
        self.search.field.set_history(settings.queries)
        if not self.restoreGeometry(settings.remembered("window")):
            self.resize(1280, 800)
        for name, splitter in zip(_SPLITTERS, (self.upper, self.rows), strict=True):
            splitter.restoreState(settings.remembered(name))
        self._show_counting()

    # What changes

    def _folders_changed(self) -> None:
        self.library.set_folders(self.session.folders)
        has_something = bool(self.session.folders or self.session.project.decisions)
        self.pages.setCurrentWidget(self.rows if has_something else self.welcome)
        self.search.setEnabled(has_something)
        if has_something and not self.stage.moment:
            self.search.field.setFocus()

    def _status_changed(self, status: LibraryStatus) -> None:
        self.library.set_status(status)
        self._show_status()

    def _show_status(self) -> None:
        coverage = self.session.status.coverage
        if self.session.engine is None:
            text = "Opening the library…"
        elif not self.session.folders:
            text = "Nothing is uploaded and nothing is downloaded: everything happens on this machine."
        else:
            text = f"{counted(len(coverage.searched), 'file')}, {duration_label(float(coverage.searched_s))} of footage"
            if coverage.offline:
                text += f", {len(coverage.offline)} offline"
            if missed := len(coverage.skipped):
                text += f", {missed} not searched"
        self._status.setText(text)

    def _results_changed(self, results: Results) -> None:
        self.results.set_results(results)
        self.results.set_decisions(self.session.project.decisions)
        current = self.results.current()
        if current is not None:
            self.stage.show(current)  # with the steps that came meanwhile
        elif self.results.list.moments.rowCount():
            self.results.select(0)
            if self.search.field.hasFocus():
                self.results.list.setFocus()
        elif results.query and not results.moments:
            self.stage.show(None)

    def _project_changed(self) -> None:
        project = self.session.project
        self.selects.set_decisions(project.selects)
        self.selects.follow(self.stage.key)
        self.results.set_decisions(project.decisions)
        self.export.refresh()
        self.tabs[0].setText(f"Selects  {len(project.selects)}" if project.selects else "Selects")
        for name, what, verb in (("edit.undo", project.undoes, "Undo"), ("edit.redo", project.redoes, "Redo")):
            self.actions_by_name[name].setText(f"{verb} {what.lower()}".strip())
            self.actions_by_name[name].setEnabled(bool(what))
        self.setWindowTitle(f"{project.name}[*] – TimeRefine")
        self.setWindowModified(project.is_changed)
        if project.decisions and self.pages.currentWidget() is self.welcome:
            self._folders_changed()
        self._enable()

    def _stage_changed(self) -> None:
        self.selects.follow(self.stage.key)
        self._enable()

    def _enable(self) -> None:
        has_moment = self.stage.moment is not None
        for action in actions.ACTIONS:
            if action.needs_moment:
                self.actions_by_name[action.name].setEnabled(has_moment)
        is_select = has_moment and self.stage.decision.is_accepted
        for name in ("select.remove", "select.describe", "select.earlier", "select.later"):
            self.actions_by_name[name].setEnabled(is_select)

    # Searching

    def _search(self, query: str, footage_filter: FootageFilter) -> None:
        self.session.settings.remember_query(query)
        self.search.field.set_history(self.session.settings.queries)
        self.results.clear_choice()
        self.session.search(query, footage_filter)

    def search_like_frame(self) -> None:
        moment = self.stage.moment
        if moment is not None:
            frame = self.stage.player.frame()
            time_s = moment.times.time_s(frame)
            query = f"like {moment.media.path.name} at {moment.footage.timecode_at(frame)}"
            self.search.field.setText(query)
            self.results.clear_choice()
            self.session.search(query, self.search.footage_filter(), f"{moment.media.path}@{time_s}")

    def focus_search(self) -> None:
        self.search.field.setFocus()
        self.search.field.selectAll()

    def walk(self, by: int) -> None:
        if self.selects.list.hasFocus() and self.selects.model.rowCount():
            row = self.selects.list.currentIndex().row() + by
            row = min(max(row, 0), self.selects.model.rowCount() - 1)
            self.selects.list.setCurrentIndex(self.selects.model.index(row))
        else:
            self.results.walk(by)

    # The project

    def undo(self, step: Callable[[], str]) -> None:
        if step():
            self.session.edited()

    def _show_select(self, decision: Decision) -> None:
        moment = self.session.decided_moment(decision)
        if moment is not None:
            self.stage.show(moment)
            self.results.clear_choice()

    def _described(self, decision: Decision, name: str, note: str) -> None:
        self.session.project.describe(decision, name=name, note=note)
        self.session.edited()

    def describe(self) -> None:
        self.show_side(0)
        self.selects.follow(self.stage.key)
        self.selects.name.setFocus()
        self.selects.name.selectAll()

    # The library

    def choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Add folder")
        if name:
            self.session.add([Path(name)])

    def choose_files(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Add files")
        self.session.add([Path(name) for name in names])

    def _try_sample(self) -> None:
        self.search.field.setText(SAMPLE_QUERY)
        self.session.add_sample()

    # The view

    def show_side(self, page: int) -> None:
        self.tabs[page].setChecked(True)
        self.side_pages.setCurrentIndex(page)

    def show_export(self) -> None:
        self.show_side(1)
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
        self._counter.setText(counting.value.capitalize())

    def next_theme(self) -> None:
        order = list(Theme)
        settings = self.session.settings
        settings.theme = order[(order.index(settings.theme) + 1) % len(order)]
        self._dress()
        self.say(f"Colours: {settings.theme.value}.")

    def _system_theme_changed(self) -> None:
        if self.session.settings.theme is Theme.SYSTEM:
            self._dress()

    def _dress(self) -> None:
        theme.use(self._app, self.session.settings.theme)

    def show_keys(self) -> None:
        KeySheet(self.keys, self.session.settings.folder, self).open()

    def say(self, sentence: str) -> None:
        self.notice.say(sentence)
        QApplication.alert(self)

    # Events

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._place_notice()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if watched is self.notice and event.type() in (QEvent.Type.Show, QEvent.Type.LayoutRequest):
            self._place_notice()
        return False

    def _place_notice(self) -> None:
        """At the top of the picture, where there is one: the steps and the lists are what it must not cover."""
        over = self.stage.player if self.stage.player.isVisible() else self.pages
        at = over.mapTo(self, QPoint(0, 0))
        wide = min(640, max(over.width() - 24, 320))
        left = min(at.x() + (over.width() - wide) // 2, self.width() - wide)
        self.notice.setGeometry(left, at.y() + 12, wide, self.notice.heightForWidth(wide))
        self.notice.raise_()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = dropped_paths(event)
        projects = [path for path in paths if path.suffix.lower() == SUFFIX]
        if projects:
            self.files.open(projects[0])
        self.session.add([path for path in paths if path not in projects])
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.files.may_leave(self.close):
            event.ignore()
            return
        settings = self.session.settings
        settings.remember("window", self.saveGeometry())
        for name, splitter in zip(_SPLITTERS, (self.upper, self.rows), strict=True):
            settings.remember(name, splitter.saveState())
        self._app.removeEventFilter(self._typing_first)
        self.stage.shut_down()
        self.thumbnails.shut_down()
        self.has_ended = self.session.close(CLOSE_WITHIN_S)
        event.accept()
