"""The first pass of a long index run: a keyframe every few seconds, so that all footage can be searched.

One thread decodes, the caller encodes and stores, file by file. Whatever is wrong with a file is left to the second
pass, which reads every file to its end and reports each problem once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from os import stat_result
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import DriveError, MediaError
from tr_desktop.footage.keyframes import KeyframeSampler
from tr_desktop.footage.probe import probe
from tr_desktop.library.index.coverage import IndexProgress
from tr_desktop.library.index.identity import content_digest, digest_by_date, has_grown
from tr_desktop.library.index.prefetch import Pause, prefetch
from tr_desktop.library.index.reading import ReadingOptions, is_same
from tr_desktop.library.store.records import Source
from tr_desktop.library.store.writer import Writer
from tr_desktop.moments import Footage

STEP_S = Fraction(2)  # between keyframes
FROM_S = 300  # an index run over less footage than this, in seconds, takes about a minute and needs no first pass
_DECODED_AHEAD = 8


@dataclass(frozen=True)
class _Picture:
    """A keyframe of one file. done_s: how far into the footage it is, seconds."""

    path: Path
    pts: int
    picture: npt.NDArray[np.uint8]
    read_bytes: int
    done_s: Fraction


@dataclass(frozen=True)
class _Ended:
    """A file is done, or left to the second pass if there is no footage. is_known: it is in the library under
    another name."""

    path: Path
    source: Source | None = None
    footage: Footage | None = None
    is_known: bool = False


def first_pass(
    files: Mapping[Path, stat_result],
    writer: Writer,
    options: ReadingOptions,
    wait_while_paused: Pause,
    on_begin: Callable[[Path], None],
) -> Iterator[Source]:
    """Look at `files` and store what was seen, if together they are long enough.

    Yields the files that the library knows under another name. Parameters: as for `read_files`.
    """
    return _FirstPass(files, writer, options, wait_while_paused, on_begin).run()


class _FirstPass:
    def __init__(
        self,
        files: Mapping[Path, stat_result],
        writer: Writer,
        options: ReadingOptions,
        wait_while_paused: Pause,
        on_begin: Callable[[Path], None],
    ) -> None:
        self._files, self._writer, self._options = files, writer, options
        self._wait_while_paused, self._on_begin = wait_while_paused, on_begin
        self._pack, self._every_s = options.encoder.pack.sha256, 1 / options.encoder.pack.sample_fps
        self._total_bytes = sum(stat.st_size for stat in files.values())
        self._started_s, self._paused_before_s = time.monotonic(), wait_while_paused.paused_s
        self._closed = threading.Event()  # ends the decoding thread
        self._ended_files, self._ended_bytes, self._ended_s = 0, 0, Fraction(0)

    def run(self) -> Iterator[Source]:
        try:
            if self._is_long():
                yield from self._run()
        finally:
            self._closed.set()

    def _is_over(self) -> bool:
        return self._options.stop.is_set() or self._closed.is_set()

    def _run(self) -> Iterator[Source]:
        most = max(self._options.encoder.batch, 1)
        pts, rows = list[int](), list[npt.NDArray[np.float32]]()
        for items in prefetch(self._keyframes(), _DECODED_AHEAD + most, self._is_over, most):
            pictures = [item.picture for item in items if isinstance(item, _Picture)]
            vectors = iter(self._options.encoder.encode_images(np.stack(pictures)) if pictures else ())
            for item in items:
                if isinstance(item, _Picture):
                    pts.append(item.pts)
                    rows.append(next(vectors))
                    self._report(item.path, item.read_bytes, item.done_s)
                    continue
                if item.source is not None and item.is_known:
                    yield item.source
                if item.source is not None and item.footage is not None:
                    self._store(item.source, item.footage, pts, np.stack(rows))
                    self._ended_s += item.footage.times.duration_s
                pts, rows = [], []
                self._ended_files += 1
                self._ended_bytes += self._files[item.path].st_size
                self._report(item.path, 0, Fraction(0))

    def _is_long(self) -> bool:
        """Whether the files together are so long that reading them takes more than a minute or so."""
        length_s = Fraction(0)
        for path in self._files:
            self._wait_while_paused(self._is_over)
            if self._is_over():
                break
            self._on_begin(path)
            with suppress(MediaError, OSError):
                duration_s = probe(path).duration_s
                length_s += FROM_S if duration_s is None else duration_s
            if length_s >= FROM_S:
                return True
        return False

    def _store(self, source: Source, footage: Footage, pts: list[int], rows: npt.NDArray[np.float32]) -> None:
        ticks = [stamp - (footage.times.start_pts or 0) for stamp in pts]
        self._writer.add_coarse_index(source, footage, self._pack, self._every_s, ticks, rows)

    def _report(self, path: Path, read_bytes: int, done_s: Fraction) -> None:
        paused_s = self._wait_while_paused.paused_s - self._paused_before_s
        self._options.on_progress(
            IndexProgress(
                path=path,
                file_number=min(self._ended_files + 1, len(self._files)),
                files=len(self._files),
                done_bytes=min(self._ended_bytes + read_bytes, self._total_bytes),
                total_bytes=self._total_bytes,
                footage_s=self._ended_s + done_s,
                elapsed_s=time.monotonic() - self._started_s - paused_s,
                is_first_pass=True,
            )
        )

    # In the decoding thread

    def _keyframes(self) -> Generator[_Picture | _Ended, None, None]:
        begun = set[tuple[int, bytes]]()
        for path, stat in self._files.items():
            self._wait_while_paused(self._is_over)
            self._on_begin(path)
            source = None
            try:
                source = self._source(path, stat, begun)
                if source is None or self._is_known(source):
                    yield _Ended(path, source, is_known=source is not None)
                    continue
                footage = yield from self._pictures(source)
                unchanged = is_same(path, stat.st_size, stat.st_mtime_ns)
                yield _Ended(path, source, footage if unchanged else None)
            except (MediaError, DriveError, OSError):
                yield _Ended(path)

    def _source(self, path: Path, stat: stat_result, begun: set[tuple[int, bytes]]) -> Source | None:
        """The file with its digest; None for one that needs the exact pass: a copy, or one that got longer."""
        sampled = content_digest(path, stat.st_size)
        known = self._writer.contents(stat.st_size, sampled)
        if (stat.st_size, sampled) in begun:
            return None
        begun.add((stat.st_size, sampled))
        if known:
            digest = digest_by_date(known, stat.st_mtime_ns)
        else:
            before = self._writer.source_of(path)
            digest = None if before is not None and has_grown(path, stat.st_size, before) else sampled
        return None if digest is None else Source(path, stat.st_size, stat.st_mtime_ns, digest)

    def _is_known(self, source: Source) -> bool:
        is_whole = self._writer.read_progress(source, self._pack).is_whole
        return is_whole or self._writer.has_coarse_index(source, self._pack)

    def _pictures(self, source: Source) -> Generator[_Picture, None, Footage]:
        media = probe(source.path)
        sampler = KeyframeSampler(media, STEP_S, self._options.encoder.pack.picture_shape)
        for key in sampler:
            self._wait_while_paused(self._is_over)
            share = Fraction(sampler.read_bytes, source.size_bytes)
            done_s = (media.duration_s or Fraction(0)) * min(share, Fraction(1))
            yield _Picture(source.path, key.pts, key.picture, sampler.read_bytes, done_s)
        return sampler.footage
