"""Finding the project's files again by their content, in the library or in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tr_desktop.app.look.counter import counted, plural
from tr_desktop.app.look.translate import tr
from tr_desktop.app.work.jobs import Job
from tr_desktop.app.work.session import Session
from tr_desktop.library.index.identity import content_digest, full_digest
from tr_desktop.library.index.walk import find_files
from tr_desktop.projects.project import Project
from tr_desktop.projects.relink import FileIdentity, Located, locate


class Relinking(QObject):
    """relinked: files of the project have new paths. notice: one sentence."""

    relinked = Signal()
    notice = Signal(str)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._seen: Project | None = None
        self._wanted: tuple[Path, frozenset[str]] | None = None  # asked for before the library was open
        session.ready.connect(self._begin)
        session.editing.changed.connect(self._look_at_new_project)
        session.indexing.ended.connect(self.use_library)

    def _begin(self) -> None:
        self.use_library()
        if self._wanted is not None:
            self.locate(*self._wanted)

    def _look_at_new_project(self) -> None:
        project = self._session.editing.project
        if project is not self._seen:
            self._seen = project
            self.use_library()

    def use_library(self) -> None:
        """Use files that the library knows to have the same content as those that aren't at their path."""
        engine, project = self._session.engine, self._session.editing.project
        if engine is not None and (project.decisions or project.marks):
            catalog = engine.catalog
            self._session.jobs.run(lambda _: project.moved_files(catalog), lambda moved: self._use(project, moved))

    def locate(self, folder: Path, missing: frozenset[str]) -> None:
        """Find the `missing` files of the project below `folder`, and search that folder from now on."""
        engine, project = self._session.engine, self._session.editing.project
        if engine is None:
            self._wanted = (folder, missing)
            return
        self._wanted = None
        catalog = engine.catalog

        def work(job: Job) -> tuple[dict[str, FileIdentity], Located]:
            files = project.snapshot().identified(catalog).files
            wanted = {path: identity for path, identity in files.items() if path in missing}
            candidates = (path for path in find_files([folder]).files if not job.stop.is_set())
            return wanted, locate(wanted, candidates, content_digest, full_digest)

        def done(outcome: tuple[dict[str, FileIdentity], Located]) -> None:
            wanted, located = outcome
            self.notice.emit(_outcome(len(missing), wanted, located))
            if located.found:
                self._session.indexing.add([folder])
            self._use(project, located.found)

        self._session.jobs.run(work, done)

    def _use(self, project: Project, paths: Mapping[str, Path]) -> None:
        if project is self._session.editing.project:
            self._session.editing.relink(paths)
            if paths:
                self.relinked.emit()


def _outcome(missing: int, wanted: Mapping[str, FileIdentity], located: Located) -> str:
    sentences = [
        plural(missing, "{found} of {count} file found.", "{found} of {count} files found.", found=len(located.found))
    ]
    if other := sorted(path.name for path in located.other_content.values()):
        sentences.append(tr("{name} has other content, so it isn’t used.", name=", ".join(other[:3])))
    if unknown := missing - len(wanted):
        files = counted(unknown, "file")
        sentences.append(
            tr("The project doesn’t know the content of {files}: open it where they are, and save it.", files=files)
        )
    return " ".join(sentences)
