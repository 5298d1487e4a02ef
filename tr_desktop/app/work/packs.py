"""The model packs that this machine has: facts about them, how fast they are, adding and removing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tr_desktop.app.look.settings import Settings
from tr_desktop.app.look.translate import tr
from tr_desktop.app.work import models_process
from tr_desktop.app.work.changing import Changing
from tr_desktop.app.work.indexing import Indexing
from tr_desktop.app.work.jobs import Job, Jobs, Lane
from tr_desktop.app.work.models_process import Stage
from tr_desktop.engine import Engine, Lacking, lacking
from tr_desktop.errors import PackError, UserError
from tr_desktop.library.index.coverage import Coverage, IndexProgress
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.check import running
from tr_desktop.models.choice import known_packs, remove_pack
from tr_desktop.models.convert.licence import LicenceError, licence_of
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import Pack, installed_packs, is_pack, list_packs, load_pack
from tr_desktop.models.speed import pictures_a_second
from tr_desktop.paths import packs_folder

_LEAST_S = 10.0  # of indexing, to call it a measurement


@dataclass(frozen=True)
class KnownPack:
    """key: the name or path by which it is opened. pack: None if that fails, for the reason `problem`. is_embedded: it
    came with the app. is_added: it lies among the user's packs. lacking: what it would have to index; None if unknown.
    """

    key: str
    name: str
    pack: Pack | None = None
    problem: str = ""
    is_embedded: bool = False
    is_added: bool = False
    lacking: Lacking | None = None

    @property
    def size_bytes(self) -> int:
        return 0 if self.pack is None else sum(size_bytes for size_bytes, _ in self.pack.files.values())


class Packs(QObject):
    """known: the packs, embedded ones first. problem: why packs at other places are missing there, or "".
    at_work: the name of what is being added, or "". stage: how far that is.

    changed: any of these. failed: adding or removing one failed. asked: a checkpoint's licence restricts its use; the
    checkpoint, and the terms that the user has to accept.
    """

    changed = Signal()
    failed = Signal(UserError)
    asked = Signal(Path, str)

    def __init__(self, settings: Settings, jobs: Jobs, indexing: Indexing, changing: Changing, parent: QObject) -> None:
        super().__init__(parent)
        self._settings, self._jobs, self._indexing, self._changing = settings, jobs, indexing, changing
        self.known: tuple[KnownPack, ...] = ()
        self.problem = ""
        self.in_use = ""
        self.at_work = ""
        self.stage: Stage | None = None
        self.measuring = ""
        self._engine: Engine | None = None
        self._job: Job | None = None
        self._listing: Job | None = None
        self._leaving: set[str] = set()  # the keys of packs that are being removed
        self._progress: tuple[Pack, IndexProgress] | None = None
        indexing.progressed.connect(self._progressed)
        indexing.ended.connect(self._keep_speed)
        changing.changed.connect(self.changed)

    def start(self, engine: Engine, key: str) -> None:
        """`engine`, of the pack with this name or path, is in use from now on."""
        self._engine, self.in_use = engine, key
        self.changed.emit()
        self.refresh()

    def refresh(self) -> None:
        """Look at the packs again; `changed` says when that is done."""
        if self._engine is None:
            return
        if self._listing is not None:
            self._listing.cancel()
        keys, coverage = (self.in_use, self._changing.wanted), self._indexing.status.coverage
        self._listing = self._jobs.run(partial(_known, keys, self._engine.catalog, coverage), self._set_known)

    def _set_known(self, found: tuple[Sequence[KnownPack], str]) -> None:
        known, self.problem = found
        self.known = tuple(each for each in known if each.key not in self._leaving)
        self.changed.emit()

    # Speed

    def speed(self, pack: Pack) -> float:
        """Pictures a second on this machine, or 0 if it wasn't measured."""
        return self._settings.speed(pack.sha256, self._device)

    def measure(self, key: str) -> None:
        """Measure how fast a pack is, in about a second."""
        device = self._device

        def work(_: Job) -> tuple[Pack, float]:
            pack = load_pack(key)
            return pack, running(pack, "image.onnx", lambda: pictures_a_second(Encoder(pack, device)))

        def end() -> None:
            self.measuring = ""
            self.changed.emit()

        self.measuring = key
        self._jobs.run(work, lambda done: self._remember_speed(*done), on_failure=self.failed.emit, on_end=end)
        self.changed.emit()

    @property
    def _device(self) -> str:
        return "auto" if self._engine is None else self._engine.encoder.wanted_device

    def _remember_speed(self, pack: Pack, pictures: float) -> None:
        self._settings.remember_speed(pack.sha256, self._device, pictures)

    def _progressed(self, progress: IndexProgress) -> None:
        engine = self._indexing.at_work
        if engine is not None:
            self._progress = engine.encoder.pack, progress

    def _keep_speed(self) -> None:
        """A run of indexing has ended: it has measured its pack."""
        if self._progress is not None:
            pack, progress = self._progress
            if progress.elapsed_s >= _LEAST_S:
                self._remember_speed(pack, float(progress.footage_s * pack.sample_fps) / progress.elapsed_s)
        self._progress = None
        self.refresh()

    # Adding and removing

    def add(self, source: Path, *, is_accepted: bool = False) -> None:
        """Add the pack or the checkpoint at `source`. is_accepted: whether the user has agreed to its licence."""

        def work(job: Job) -> str:
            if not is_accepted and (terms := _restriction(source)):
                raise LicenceError(terms, path=source)
            return models_process.run(["add", str(source), *(["--accept-licence"] if is_accepted else [])], job)

        self._make(work, source.name)

    def get(self, name: str) -> None:
        """Fetch a model of the list, whose licence the user has accepted, and add it."""
        self._make(partial(models_process.run, ["get", name, "--yes"]), name)

    def cancel(self) -> None:
        """Stop adding; no part of the pack is left. What was fetched is kept for the next time."""
        if self._job is not None:
            self._job.cancel()

    def _make(self, work: Callable[[Job], str], name: str) -> None:
        if self.at_work:
            return  # one at a time
        self.at_work, self.stage = name, None
        self._job = self._jobs.run(
            work,
            self.measure,
            on_failure=self._fail,
            on_progress=self._set_stage,
            on_end=self._made,
            lane=Lane.MODELS,
        )
        self.changed.emit()

    def _fail(self, error: UserError) -> None:
        if isinstance(error, LicenceError):
            self.asked.emit(error.path, error.what)
        else:
            self.failed.emit(error)

    def _set_stage(self, stage: Stage) -> None:
        self.stage = stage
        self.changed.emit()

    def _made(self) -> None:
        self.at_work, self.stage = "", None
        self.refresh()
        self.changed.emit()

    def remove(self, key: str) -> None:
        """Delete an added pack, or forget one at another place. The library keeps its index.

        A pack that is in use or wanted stays.
        """
        # A pack among the user's may be in use by its path. Joined to the folder, a path stays as it is.
        if packs_folder() / key in (packs_folder() / each for each in (self.in_use, self._changing.wanted)):
            self.failed.emit(
                PackError(
                    tr("{name} can’t be removed: it is in use, or will be", name=Path(key).name),
                    remedy=tr("Change to another pack, or cancel the change to this one, first"),
                )
            )
            return

        def end() -> None:
            self._leaving.discard(key)
            self.refresh()

        self._leaving.add(key)  # nobody can choose it meanwhile
        self._set_known((self.known, self.problem))
        self._jobs.run(lambda _: remove_pack(key), on_failure=self.failed.emit, on_end=end, lane=Lane.SAFETY)


def _restriction(source: Path) -> str:
    """What a checkpoint's licence says, if it restricts the use of the model; else ""."""
    if is_pack(source) or not source.is_dir():
        return ""
    licence = licence_of(source)
    return licence.shown if licence.is_restricted else ""


def _known(keys: Sequence[str], catalog: Catalog, coverage: Coverage, _: Job) -> tuple[list[KnownPack], str]:
    """All known packs, and those in use or wanted; why those at other places aren't known, or ""."""
    problem = ""
    try:
        known = known_packs()
    except PackError as error:
        known, problem = [*list_packs(), *installed_packs()], str(error)
    return [_looked_at(key, catalog, coverage) for key in dict.fromkeys((*known, *filter(None, keys)))], problem


def _looked_at(key: str, catalog: Catalog, coverage: Coverage) -> KnownPack:
    is_embedded, is_added = key in list_packs(), key in installed_packs()
    try:
        pack = load_pack(key)
        return KnownPack(key, pack.name, pack, "", is_embedded, is_added, lacking(catalog, pack, coverage))
    except UserError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 (a bug, or a pack that nobody thought of: the others are shown all the same)
        problem = tr("It can’t be read: {reason}", reason=f"{type(error).__name__}: {error}")
    return KnownPack(key, Path(key).name, None, problem, is_embedded, is_added)
