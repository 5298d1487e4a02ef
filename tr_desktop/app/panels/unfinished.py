"""Waiting for selects that are still refined, before they are exported; or not waiting for them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from tr_desktop.app.look.counter import plural
from tr_desktop.app.look.icons import IconButton
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import words
from tr_desktop.app.work.refining import Refining
from tr_desktop.projects.decisions import Decision

_MAX_NAMED = 5


class Unfinished(QWidget):
    """Shown while an export waits. ready: it may start now, since all selects are final or the user doesn't wait."""

    ready = Signal()

    def __init__(self, refining: Refining, start: QWidget) -> None:
        """start: takes the focus back when this is hidden."""
        super().__init__()
        self._refining, self._start = refining, start
        self._is_waiting = self._is_asked_for = False
        self._most = 0
        self._says = words()
        self._bar = QProgressBar(textVisible=False)
        self._bar.setAccessibleName(tr("Selects refined"))
        stop = IconButton("close", tr("Cancel the export"))
        stop.clicked.connect(self.cancel)
        self.now = QPushButton(tr("Export with rough edges"))
        self.now.clicked.connect(self._go_ahead)
        line = QHBoxLayout()
        line.addWidget(self._bar, 1)
        line.addWidget(stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._says)
        column.addLayout(line)
        column.addWidget(self.now)
        self.hide()
        refining.changed.connect(self._count)

    def may_export(self) -> bool:
        """Whether an export may start now; if not, `ready` says when."""
        if self._is_asked_for or not self._refining.unfinished():
            self.cancel()
            return True
        if not self._is_waiting:
            self._is_waiting, self._most = True, 0
            self.show()
            self._count()
        return False

    @property
    def is_waiting(self) -> bool:
        return self._is_waiting

    def cancel(self) -> None:
        """Wait no longer, and export nothing."""
        self._is_waiting = self._is_asked_for = False
        if self.isAncestorOf(self.window().focusWidget() or self._start):
            self._start.setFocus()
        self.hide()

    def text(self) -> str:
        """What is waited for."""
        return self._says.text()

    def notes(self) -> list[str]:
        """Which selects have rough edges now, for the report of an export."""
        rough = self._refining.rough()
        if not rough:
            return []
        return [tr("Rough edges, not refined yet: {selects}.", selects=_named(rough))]

    def _count(self) -> None:
        if not self._is_waiting:
            return
        left = len(self._refining.unfinished())
        if not left:
            self._go_ahead()
            return
        self._most = max(self._most, left)
        self._bar.setMaximum(self._most)
        self._bar.setValue(self._most - left)
        self._says.setText(
            plural(
                left,
                "{count} select is still being refined. The export starts when it is final.",
                "{count} selects are still being refined. The export starts when they are final.",
            )
        )

    def _go_ahead(self) -> None:
        self._is_asked_for = True
        self.ready.emit()
        self.cancel()


def _named(selects: Sequence[Decision]) -> str:
    names = [each.name or each.query for each in selects[:_MAX_NAMED]]
    return ", ".join(names) + ("…" if len(selects) > _MAX_NAMED else "")
