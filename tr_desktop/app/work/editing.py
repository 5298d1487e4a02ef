"""The project that is being edited: its moments, its file and its safety copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tr_desktop.app.look.counter import plural
from tr_desktop.app.look.settings import Settings
from tr_desktop.app.work.jobs import Job, Jobs, Lane
from tr_desktop.app.work.safe_copy import SafeCopy
from tr_desktop.errors import UserError
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Moment
from tr_desktop.projects.decisions import Decision, Key, key_of, known
from tr_desktop.projects.file import Snapshot
from tr_desktop.projects.project import Project
from tr_desktop.projects.recovery import LeftBehind


class Editing(QObject):
    """One project at a time.

    moments: all moments that were found, and those of the project, as they were found. unresolved: the project's
    moments that can't be shown, with the reason. changed: decisions, name or path. notice: one sentence.
    """

    changed = Signal()
    notice = Signal(str)

    def __init__(self, settings: Settings, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.project = Project()
        self.moments: dict[Key, Moment] = {}
        self.unresolved: dict[Key, str] = {}
        self.safe_copy = SafeCopy(settings.folder / "recovery", jobs, self)
        self._catalog: Catalog | None = None
        self._saving: Job | None = None

    def start(self, catalog: Catalog) -> None:
        """Look up the project's moments in `catalog` from now on."""
        self._catalog = catalog
        self._resolve()

    # The project and its file

    def use(self, project: Project) -> None:
        """Replace the current project."""
        self.project, self.unresolved = project, {}
        self._resolve()
        self._edited()

    def load(self, path: Path, on_loaded: Callable[[Project], None]) -> None:
        """Read a project file; `use` makes it the current project."""
        self._jobs.run(lambda _: Project.load(path), on_loaded, lane=Lane.PROJECT)

    def save(self, path: Path, on_saved: Callable[[], object] = lambda: None) -> None:
        """Save the project as it is now, after saves that are under way. A failed save loses nothing."""
        project, snapshot = self.project, self.project.snapshot()
        self._saving = self._jobs.run(
            lambda _: _saved(snapshot, path, self._catalog),
            lambda saved: self._saved(project, saved, path, on_saved),
            lane=Lane.PROJECT,
        )

    def _saved(self, project: Project, snapshot: Snapshot, path: Path, on_saved: Callable[[], object]) -> None:
        project.saved(snapshot, path)
        self._edited()
        on_saved()

    @property
    def is_saving(self) -> bool:
        return self._saving is not None and not self._saving.is_over

    def after_saving(self, call: Callable[[], object]) -> None:
        """Call it when all saves have ended, whether or not they succeeded."""
        self._jobs.run(lambda _: None, on_end=call, lane=Lane.PROJECT)

    def recover(self, left: LeftBehind) -> None:
        """Continue with the work that a killed app left behind. Raises ProjectError if it is damaged."""
        self.use(left.project())
        self.safe_copy.discard(left)

    def edit(self, change: Callable[[Project], object]) -> None:
        """Change the project. Every edit goes through here, so that it is autosaved and shown."""
        change(self.project)
        self._edited()

    def describe(self, decision: Decision, name: str, note: str) -> None:
        """Name a select, and write a note about it."""
        self.edit(lambda project: project.describe(decision, name=name, note=note))

    def rate(self, decision: Decision, rating: int) -> None:
        """Give a select a rating: 1 to `MAX_RATING`, or 0 for none."""
        name, note = decision.name, decision.note
        self.edit(lambda project: project.describe(decision, name=name, note=note, rating=rating))

    def mark(self, moment: Moment, is_right: bool) -> None:
        """Mark a moment as a right or a wrong answer, or take that mark back."""
        self.edit(lambda project: project.mark(moment, is_right))

    def clear_marks(self, query: str | None = None) -> None:
        """Take back the marks on answers to a query, or all."""
        self.edit(lambda project: project.clear_marks(query))

    def _edited(self) -> None:
        self.safe_copy.keep(self.project)
        self.changed.emit()

    def undo(self) -> None:
        if self.project.undo():
            self._edited()

    def redo(self) -> None:
        if self.project.redo():
            self._edited()

    # Its moments

    def relink(self, paths: Mapping[str, Path]) -> None:
        """Give files of the project new paths, by the old ones, and look for its moments again."""
        self.project.relink(paths)
        self._resolve()
        if paths:
            self._edited()

    def decided_moment(self, decision: Decision) -> Moment | None:
        """The moment of a decision, with the steps that it is about; None if it can't be shown."""
        moment = self.moments.get(decision.key)
        return None if moment is None else known(moment, decision)

    def known(self, moment: Moment) -> Moment:
        """`moment` with the steps that the decision about it is about."""
        return known(moment, self.project.decision(moment))

    def remember(self, moments: Iterable[Moment]) -> None:
        """A search found these moments."""
        self.moments.update((key_of(moment), moment) for moment in moments)

    def follow(self, moments: Iterable[Moment]) -> None:
        """Give later steps to moments that were decided on before these were found."""
        before = self.project.decisions
        moved = self.project.follow(moments)
        if self.project.decisions == before:
            return
        if moved:
            self.notice.emit(
                plural(
                    moved,
                    "{count} select was updated with its final edges.",
                    "{count} selects were updated with their final edges.",
                )
            )
        self._edited()

    def _resolve(self) -> None:
        """Find the footage of the project's decisions in the library."""
        if self._catalog is not None:
            self._jobs.run(partial(_resolved, self._catalog, self.project.decisions), self._use_resolved)

    def _use_resolved(self, resolved: tuple[dict[Key, Moment], dict[Key, str]]) -> None:
        found, self.unresolved = resolved
        self.moments = {**found, **self.moments}
        self.changed.emit()


def _saved(snapshot: Snapshot, path: Path, catalog: Catalog | None) -> Snapshot:
    """Save, with the identities of the files that the library knows."""
    snapshot = snapshot if catalog is None else snapshot.identified(catalog)
    snapshot.save(path)
    return snapshot


def _resolved(catalog: Catalog, decisions: Iterable[Decision], _: Job) -> tuple[dict[Key, Moment], dict[Key, str]]:
    """The moments of `decisions`, and for those that can't be shown the reason."""
    found, missing = {}, {}
    for decision in decisions:
        try:
            found[decision.key] = decision.found_moment(catalog.footage)
        except UserError as error:
            missing[decision.key] = str(error)
    return found, missing
