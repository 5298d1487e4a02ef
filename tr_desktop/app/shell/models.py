"""What the window does about model packs: shows the dialog, and says which pack indexes, answers or is in use now."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import Notice
from tr_desktop.app.panels.library_panel import LibraryPanel
from tr_desktop.app.panels.results import ResultsPanel
from tr_desktop.app.shell.dialogs import Dialogs, bring_up
from tr_desktop.app.shell.models_dialog import ModelsDialog
from tr_desktop.app.work.session import Session
from tr_desktop.library.index.coverage import IndexProgress


class Models(QObject):
    """dialog: *Models*, hidden until `show`."""

    def __init__(
        self,
        session: Session,
        library: LibraryPanel,
        results: ResultsPanel,
        notice: Notice,
        dialogs: Dialogs,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session, self._library, self._results, self._notice = session, library, results, notice
        self.dialog = ModelsDialog(session, dialogs, window)
        session.indexing.progressed.connect(self._show_progress)
        session.packs.changed.connect(self._name_pack)
        session.changed_over.connect(self._say_changed_over)
        session.changing.failed.connect(notice.say_error)
        session.packs.failed.connect(notice.say_error)

    def show(self) -> None:
        bring_up(self.dialog)

    def _show_progress(self, progress: IndexProgress) -> None:
        engine = self._session.indexing.at_work
        if engine is None or engine is self._session.engine:
            self._library.set_progress(progress)
        else:
            self._library.set_progress(progress, engine.encoder.pack.name)

    def _name_pack(self) -> None:
        self._results.name_pack(len(self._session.packs.known) > 1)

    def _say_changed_over(self, pack: str, is_repeated: bool) -> None:
        searching = self._session.searching
        again = [] if is_repeated or not searching.results.query else [(tr("Search again"), searching.repeat)]
        self._notice.say(tr("Searches use {pack} from now on.", pack=pack), *again)
