"""Finishing the selects: each is refined to its last step in the background, whatever the user does meanwhile."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal

from tr_desktop.app.work.editing import Editing
from tr_desktop.app.work.jobs import Job, Jobs, Lane
from tr_desktop.app.work.searching import Searching
from tr_desktop.engine import Engine
from tr_desktop.errors import UserError
from tr_desktop.moments import Moment
from tr_desktop.projects.decisions import Decision, Key


class Refining(QObject):
    """One select at a time, in `Lane.REFINING`, in the order of the selects. changed: which of them are unfinished."""

    changed = Signal()

    def __init__(self, editing: Editing, searching: Searching, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._editing, self._searching, self._jobs = editing, searching, jobs
        self._engine: Engine | None = None
        self._job: Job | None = None
        self._given_up: dict[Key, str] = {}  # with the reason
        editing.changed.connect(self._go_on)

    def start(self, engine: Engine) -> None:
        """Refine with `engine` from now on, if its last steps look closer."""
        self._engine = engine if engine.looks_closer else None
        self._go_on()

    def retry(self) -> None:
        """Try again what could not be refined: its footage may be back."""
        if self._given_up:
            self._given_up.clear()
            self._go_on()

    def unfinished(self) -> tuple[Decision, ...]:
        """The selects whose edges will still be refined."""
        return tuple(each for each in self._rough() if not self.reason(each))

    def rough(self) -> tuple[Decision, ...]:
        """The selects whose edges are rough, even if they can't be refined now."""
        return tuple(self._rough())

    def is_unfinished(self, decision: Decision) -> bool:
        return self._engine is not None and decision.is_unfinished and not self.reason(decision)

    def reason(self, decision: Decision) -> str:
        """Why a select can't be refined now; empty if nothing is known against it."""
        return self._given_up.get(decision.key) or self._editing.unresolved.get(decision.key, "")

    def _rough(self) -> list[Decision]:
        if self._engine is None:
            return []
        return [each for each in self._editing.project.selects if each.is_unfinished]

    def _go_on(self) -> None:
        if self._job is None and self._engine is not None:
            for decision in self.unfinished():
                moment = self._editing.decided_moment(decision)
                if moment is not None:
                    self._begin(self._engine, decision, moment)
                    break
        self.changed.emit()

    def _begin(self, engine: Engine, decision: Decision, moment: Moment) -> None:
        key, example = decision.key, decision.example or self._searching.example_of(decision.query)
        self._job = self._jobs.run(
            partial(_refined, engine, moment, example or None),
            partial(self._follow, key),
            on_failure=partial(self._give_up, key),
            on_end=self._end,
            lane=Lane.REFINING,
        )

    def _follow(self, key: Key, moment: Moment) -> None:
        self._editing.follow([moment])
        # A project that was changed meanwhile may not take the steps: it isn't tried again and again.
        if any(each.key == key for each in self.unfinished()):
            self._given_up[key] = moment.media.path.name

    def _give_up(self, key: Key, error: UserError) -> None:
        self._given_up[key] = str(error)

    def _end(self) -> None:
        self._job = None
        self._go_on()


def _refined(engine: Engine, moment: Moment, example: str | None, _: Job) -> Moment:
    return engine.refine(moment, example)
