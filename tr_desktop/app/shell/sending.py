"""Sending the selects to the plugin inside an editor; the notice says what to do there next."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from PySide6.QtCore import QObject

from exporters.outbox import send
from exporters.write import ExportReport
from tr_desktop import paths
from tr_desktop.app.look.counter import counted, plural
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import Notice
from tr_desktop.app.panels import plugin_text
from tr_desktop.app.panels.export_panel import ExportPanel
from tr_desktop.app.work.jobs import Job
from tr_desktop.app.work.session import Session
from tr_desktop.editor_plugins import Plugin, State
from tr_desktop.library.kept_files import KeptFiles
from tr_desktop.library.relatives import Relatives


class Sending(QObject):
    """Sends what an export would take, with the handles of `export`, once the selects are final."""

    def __init__(self, session: Session, export: ExportPanel, notice: Notice, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._export, self._notice = session, export, notice
        self._job: Job | None = None
        self._waiting: Plugin | None = None
        self._project = session.editing.project  # the one that waits
        session.refining.changed.connect(self._refined)

    def send(self, plugin: Plugin) -> None:
        """Hand the selects over to `plugin`, now or when they are refined."""
        self._waiting, self._project = None, self._session.editing.project
        if not self._project.selects:
            self._notice.say(tr("There is nothing to send. Accept a moment as a select first."))
        elif waits_for := len(self._session.refining.unfinished()):
            self._waiting = plugin
            self._notice.say(
                plural(
                    waits_for,
                    "{count} select is still being refined. It is sent when it is final.",
                    "{count} selects are still being refined. They are sent when they are final.",
                ),
                (tr("Send with rough edges"), lambda: self._send(plugin)),
                (tr("Cancel"), self._cancel),
            )
        else:
            self._send(plugin)

    def _refined(self) -> None:
        if self._waiting is None:
            return
        if self._session.editing.project is not self._project or not self._project.selects:
            self._cancel()
        elif not self._session.refining.unfinished():
            self._send(self._waiting)

    def _cancel(self) -> None:
        self._waiting = None

    def _send(self, plugin: Plugin) -> None:
        self._waiting = None
        engine, project = self._session.engine, self._session.editing.project
        if engine is None or self._job is not None:
            return
        decisions, name, rough = project.selects, project.name, len(self._session.refining.rough())
        handles_s = Fraction(str(self._export.handles.value()))

        def work(_: Job) -> tuple[ExportReport, bool]:
            report = send(
                [decision.moment(engine.catalog.footage) for decision in decisions],
                paths.outbox_folder(),
                name=name,
                handles_s=handles_s,
                library=KeptFiles(engine.catalog),
                relatives=Relatives(engine.catalog),
            )
            return report, plugin.state is State.INSTALLED

        def done(outcome: tuple[ExportReport, bool]) -> None:
            report, is_installed = outcome
            folder = report.files[0].parent
            sent = tr("Handed over {selects} in {folder}", selects=counted(len(decisions), "select"), folder=folder)
            self._say(plugin, [f"{sent}.", *_rough_edges(rough), *report.notes], is_installed=is_installed)

        self._job = self._session.jobs.run(work, done, on_failure=self._notice.say_error, on_end=self._end)

    def _end(self) -> None:
        self._job = None

    def _say(self, plugin: Plugin, sentences: list[str], *, is_installed: bool) -> None:
        if is_installed:
            self._notice.say("\n".join([*sentences, tr(plugin.next_step)]), (tr("OK"), lambda: None))
            return
        missing = tr("The plugin for {editor} isn't installed yet.", editor=plugin.editor)
        self._notice.say("\n".join([*sentences, missing]), (tr("Install the plugin"), lambda: self._install(plugin)))

    def _install(self, plugin: Plugin) -> None:
        def done(written: Sequence[Path]) -> None:
            by_hand = [tr(plugin.by_hand)] if plugin.by_hand else []
            self._say(plugin, [plugin_text.wrote(written), *by_hand], is_installed=True)

        self._session.plugins.install(plugin, done, self._notice.say_error)


def _rough_edges(count: int) -> list[str]:
    if not count:
        return []
    return [plural(count, "{count} select has rough edges.", "{count} selects have rough edges.")]
