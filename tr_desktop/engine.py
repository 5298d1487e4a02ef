"""One library and one model pack, opened: the command line, the window and a local API search with it.

    open_engine ─▶ survey ─▶ index ─▶ find ─▶ evidence

No Qt here. Every method may run in any thread; only one `index` runs at a time on a library.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from tr_desktop import grounding
from tr_desktop.errors import UserError
from tr_desktop.evidence import Evidence, evidence_for
from tr_desktop.grounders.base import Grounder
from tr_desktop.grounders.two_tower import RefinerKind, TwoTower
from tr_desktop.grounders.video_llm.joining import OnWindow, VideoGrounder
from tr_desktop.library.filters import FootageFilter
from tr_desktop.library.index.coverage import Coverage, IndexProgress, TextProgress
from tr_desktop.library.index.indexer import EVERYTHING, index_footage
from tr_desktop.library.index.isolated import read_isolated
from tr_desktop.library.index.screen_text import can_read, read_screen_text
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.lock import NotWritableError
from tr_desktop.limits import DEFAULT_STEPS, DEFAULT_TOP
from tr_desktop.models.check import running
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import Pack, load_pack
from tr_desktop.models.speed import pictures_a_second
from tr_desktop.moments import Judgement, Moment


@dataclass(frozen=True)
class LibraryStatus:
    """The searchable footage. missing: folders that don't exist, on drives that are here."""

    coverage: Coverage = field(default_factory=Coverage)
    missing: tuple[Path, ...] = ()

    def present(self, folders: Sequence[Path]) -> list[Path]:
        """Those of `folders` that can be searched."""
        return [folder for folder in folders if folder not in self.missing]


@dataclass(frozen=True)
class Lacking:
    """Searched files that a pack hasn't indexed to their end, and the seconds of footage that it has to read."""

    files: int = 0
    footage_s: Fraction = Fraction(0)


@dataclass(frozen=True)
class Engine:
    """Searches one library with one pack. Close it after use. grounder: finds the moments of each file.

    New files are read in a process of their own: one that crashes its decoder is skipped.
    """

    catalog: Catalog
    encoder: Encoder
    grounder: Grounder

    def survey(self, folders: Sequence[Path]) -> LibraryStatus:
        """The searchable footage under `folders`. Reads no new footage."""
        coverage = index_footage(folders, self.catalog, self.encoder, read_new=False, may_be_gone=True)
        gone = [folder for folder in folders if not os.path.lexists(folder)]
        missing = tuple(folder for folder in gone if not any(path.is_relative_to(folder) for path in coverage.offline))
        return LibraryStatus(coverage, missing)

    def index(
        self,
        folders: Sequence[Path],
        on_progress: Callable[[IndexProgress], None] = lambda _: None,
        stop: threading.Event | None = None,
        *,
        pause: threading.Event | None = None,
        hardware: bool = False,
        footage_filter: FootageFilter = EVERYTHING,
        retry: bool = False,
    ) -> Coverage:
        """Read the new files under `folders` into the library; the coverage shows which can be searched.

        stop: when set, indexing ends within a second; the next run continues from there. pause: while set, indexing
        waits. hardware: decode on a graphics device if it matches software output and is faster. retry: also read the
        files again that an earlier run couldn't read.
        Raises UserError for a path that doesn't exist. An error from `on_progress` ends the run.
        """
        return index_footage(
            folders,
            self.catalog,
            self.encoder,
            on_progress,
            stop,
            footage_filter,
            pause=pause,
            hardware=hardware,
            retry=retry,
            read=read_isolated,
        )

    def read_text(
        self,
        coverage: Coverage,
        on_progress: Callable[[TextProgress], None] = lambda _: None,
        stop: threading.Event | None = None,
        *,
        pause: threading.Event | None = None,
        everything: bool = False,
    ) -> int:
        """Read the text in the pictures of the footage of `coverage`; the number of files read, 0 without the extra.

        everything: read also what the budget has no room for. Otherwise as `read_screen_text`, with its errors.
        """
        if not can_read():
            return 0
        return read_screen_text(
            coverage,
            self.catalog,
            self.encoder,
            on_progress=on_progress,
            stop=stop,
            pause=pause,
            everything=everything,
        )

    def find(
        self,
        query: str,
        folders: Sequence[Path],
        *,
        top: int = DEFAULT_TOP,
        steps: int = DEFAULT_STEPS,
        example: str | None = None,
        judgements: Sequence[Judgement] = (),
        footage_filter: FootageFilter = EVERYTHING,
        read_new: bool = True,
        video_grounder: VideoGrounder | None = None,
        on_progress: Callable[[IndexProgress], None] = lambda _: None,
        on_moments: Callable[[Sequence[Moment]], None] = lambda _: None,
        on_window: OnWindow = lambda *_: None,
        check: Callable[[], None] = lambda: None,
    ) -> grounding.Answer:
        """The best moments for `query` in the footage under `folders`. See `grounding.find` for options and errors.

        The text in the pictures of new footage is read too. Reading that of a library that has none is left to `index`.
        """
        new = set[Path]()

        def on_read(progress: IndexProgress) -> None:
            new.add(progress.path)
            on_progress(progress)

        def on_indexed(coverage: Coverage) -> None:
            media = {media_id: path for media_id, path in coverage.media.items() if path in new}
            with suppress(NotWritableError):  # another program is indexing
                self.read_text(replace(coverage, media=media))

        return grounding.find(
            query,
            folders,
            self.catalog,
            self.encoder,
            top=top,
            steps=steps,
            grounder=self.grounder,
            video_grounder=video_grounder,
            example=example,
            judgements=judgements,
            footage_filter=footage_filter,
            read_new=read_new,
            on_progress=on_read,
            on_moments=on_moments,
            on_window=on_window,
            read=read_isolated,
            on_indexed=on_indexed,
            check=check,
        )

    @property
    def looks_closer(self) -> bool:
        """Whether the last steps of a search read frames around the edges."""
        return self.grounder.steps_that_look_closer(DEFAULT_STEPS) > 0

    def refine(self, moment: Moment, example: str | None = None) -> Moment:
        """One moment with its last steps, whose search may have been given up. See `grounding.refine`."""
        return grounding.refine(moment, self.catalog, self.encoder, grounder=self.grounder, example=example)

    def evidence(self, moment: Moment, example: str | None = None) -> Iterator[Evidence]:
        """The evidence for a moment's edges, more complete each time. example: searched for instead of a query.

        Raises UserError if the file has left the library.
        """
        return evidence_for(moment, self.catalog, self.encoder, example)

    def warm_up(self) -> None:
        """Load the model files that the first search needs."""
        self.encoder.encode_text(["a first sentence"])
        _ = self.encoder.background

    def try_out(self) -> None:
        """Load and run both towers. Raises PackError if one is missing, changed or doesn't run."""
        pack = self.encoder.pack
        running(pack, "text.onnx", self.warm_up)
        running(pack, "image.onnx", lambda: pictures_a_second(self.encoder, within_s=0))

    def with_pack(self, pack: str) -> Engine:
        """The same library with another pack, by its name, folder or file. Both share the catalog: close only one.

        Raises PackError if the pack can't be opened.
        """
        return _engine(self.catalog, Encoder(load_pack(pack), self.encoder.wanted_device), None)

    def close(self) -> None:
        self.catalog.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_engine(library: Path, pack: str, device: str = "auto", refiner: RefinerKind | None = None) -> Engine:
    """Open the library in the folder `library`, and a pack by its name, folder or file.

    device: one of `models.devices.CHOICES`. refiner: None means the best that the pack has.
    Raises UserError if the pack or the library can't be opened.
    """
    encoder = Encoder(load_pack(pack), device)
    catalog = Catalog(library)
    try:
        return _engine(catalog, encoder, refiner)
    except UserError:
        catalog.close()
        raise


def _engine(catalog: Catalog, encoder: Encoder, refiner: RefinerKind | None) -> Engine:
    return Engine(catalog, encoder, TwoTower(catalog, encoder, refiner))


def lacking(catalog: Catalog, pack: Pack, coverage: Coverage) -> Lacking:
    """What `pack` would have to index before it can search all that `coverage` says is searched."""
    known = catalog.known(pack.sha256)
    left: dict[Path, Fraction] = {}
    unfinished = {*coverage.incomplete, *coverage.coarse}
    for path in coverage.searched:
        entry = known.get(os.fsencode(path))
        # Nobody may be able to read the rest of a file that is incomplete.
        if entry is None or not (entry.is_whole or (entry.rows and path in unfinished)):
            left[path] = Fraction(0) if entry is None else entry.duration_s - entry.read_s
    return Lacking(len(left), sum((left[path] for path in left if path not in coverage.copies), Fraction(0)))
