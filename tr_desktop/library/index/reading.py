"""New footage to vectors: one thread decodes, one encodes, the caller stores.

They pass on pieces of a few frames. On the CPU, at most BATCH_FRAMES are in progress, and lost if the program is
killed, whatever the files' sizes. A device that encodes more pictures at once is handed the pieces that are ready: it
never waits for more, and only what is decoded faster than it encodes is in progress besides.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import DriveError, MediaError
from tr_desktop.footage.captions import Cue
from tr_desktop.footage.frames import SampledFrame, Sampler
from tr_desktop.footage.gaps import kept_gaps
from tr_desktop.footage.hardware import DecoderChoice, choose_decoder
from tr_desktop.footage.probe import probe
from tr_desktop.library.index.coverage import IndexProgress
from tr_desktop.library.index.identity import SAMPLED_BYTES, content_digest, has_grown, identify
from tr_desktop.library.index.prefetch import Pause, prefetch
from tr_desktop.library.store.records import KnownContent, ReadProgress, Source
from tr_desktop.library.store.writer import Writer
from tr_desktop.moments import Footage

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

BATCH_FRAMES = 32
STORED_ROWS = 16  # in one transaction, which costs as much as several rows
_PIECE_FRAMES = 4
# One piece is being decoded, one waits to be encoded, one is being encoded, one is being stored.
_DECODED_AHEAD, _ENCODED_AHEAD = 2, 1
assert (_DECODED_AHEAD + _ENCODED_AHEAD + 1) * _PIECE_FRAMES + STORED_ROWS <= BATCH_FRAMES


@dataclass(frozen=True)
class ReadingOptions:
    """How new files are read. stop: when set, reading ends within a second; the next run continues from there.

    pause: while set, nothing is decoded. hardware: decode on a graphics device if a test shows that it decodes the file
    right (`footage/hardware.py`). An error from `on_progress` ends the run.
    """

    encoder: Encoder
    on_progress: Callable[[IndexProgress], None] = lambda _: None
    stop: threading.Event = field(default_factory=threading.Event)
    pause: threading.Event = field(default_factory=threading.Event)
    hardware: bool = False


@dataclass(frozen=True)
class DecodedBatch:
    """Decoded frames of one file: uint8 RGB [n, S, S, 3]; picture i stands for `repeats[i]` rows.

    first_row: the first of these rows. read_bytes: how far into the file they are. decoder: the decoder and the
    reason, if a device was requested. The rest is for `Writer.append`.
    """

    source: Source
    footage: Footage
    first_row: int
    pictures: npt.NDArray[np.uint8]
    repeats: list[int]
    read_bytes: int
    decoder: str
    decode_all: bool


@dataclass(frozen=True)
class EncodedBatch:
    """The same encoded: fp32 [rows, width]."""

    of: DecodedBatch
    rows: npt.NDArray[np.float32]


@dataclass(frozen=True)
class FinishedFile:
    """A file was read to its end, with these problems. cues: its subtitle tracks' texts. packets: their digest."""

    source: Source
    footage: Footage
    problems: tuple[str, ...]
    cues: tuple[Cue, ...]
    packets: bytes


@dataclass(frozen=True)
class DuplicateFile:
    """A file has the same content as another file of this run or of the library."""

    source: Source


@dataclass(frozen=True)
class ChangedFile:
    """A file changed while it was read. only_grew: what was read of it is still right."""

    source: Source
    only_grew: bool


@dataclass(frozen=True)
class UnreadableFile:
    """A file can't be searched. is_final: until it changes; otherwise the next run tries again."""

    path: Path
    stat: os.stat_result
    reason: str
    is_final: bool


def read_files(
    files: Mapping[Path, os.stat_result],
    writer: Writer,
    options: ReadingOptions,
    wait_while_paused: Pause,
    on_begin: Callable[[Path], None],
) -> Generator[EncodedBatch | FinishedFile | DuplicateFile | ChangedFile | UnreadableFile, None, None]:
    """Read `files` one after the other, each from where the library left off; how a file ended comes last. Those in
    which searches found something come first.

    Once `options.stop` is set, nothing more comes, and both threads end, as when this generator is closed.
    wait_while_paused: called before each frame is decoded.
    on_begin: called in the decoding thread before it opens a file.
    """
    closed = threading.Event()

    def is_over() -> bool:
        return options.stop.is_set() or closed.is_set()

    pieces = max(options.encoder.batch // _PIECE_FRAMES, 1)  # encoded at once
    decoded = prefetch(
        _decoded(files, writer, options, lambda: wait_while_paused(is_over), on_begin),
        _DECODED_AHEAD - 1 + pieces,
        is_over,
        pieces,
    )
    encoded = prefetch(_encoded(decoded, options.encoder), _ENCODED_AHEAD, is_over)
    try:
        for (item,) in encoded:
            yield item
    finally:
        closed.set()
        encoded.close()


def _encoded(
    decoded: Iterator[list[DecodedBatch | FinishedFile | DuplicateFile | ChangedFile | UnreadableFile]],
    encoder: Encoder,
) -> Generator[EncodedBatch | FinishedFile | DuplicateFile | ChangedFile | UnreadableFile, None, None]:
    for items in decoded:
        pictures = [item.pictures for item in items if isinstance(item, DecodedBatch)]
        vectors = encoder.encode_images(np.concatenate(pictures)) if pictures else np.empty((0, 0), np.float32)
        for item in items:
            if isinstance(item, DecodedBatch):
                own, vectors = np.split(vectors, [len(item.pictures)])
                yield EncodedBatch(item, np.repeat(own, item.repeats, axis=0))
            else:
                yield item


def _decoded(
    files: Mapping[Path, os.stat_result],
    writer: Writer,
    options: ReadingOptions,
    wait_while_paused: Callable[[], None],
    on_begin: Callable[[Path], None],
) -> Generator[DecodedBatch | FinishedFile | DuplicateFile | ChangedFile | UnreadableFile, None, None]:
    begun, pack = _Begun(writer), options.encoder.pack.sha256
    for path in _in_order(files, writer):
        stat = files[path]
        wait_while_paused()
        on_begin(path)
        source = None
        try:
            source = begun.source(path, stat)
            read_progress = writer.read_progress(source, pack)
            if read_progress.has_old_facts:
                with suppress(MediaError):  # then the old ones stay
                    writer.renew_facts(source, probe(path))
            is_new = not read_progress.rows and not writer.contents(source.size_bytes, source.digest)
            before = writer.source_of(path) if is_new else None
            if before is not None and has_grown(path, stat.st_size, before):
                writer.grow(before, source)
                read_progress = writer.read_progress(source, pack)
            if (reason := begun.reason(source)) is not None:
                yield UnreadableFile(path, stat, reason, is_final=True)
            elif read_progress.is_whole or source in begun:
                yield DuplicateFile(source)
            else:
                begun.add(source)
                for item in _file(source, read_progress, options, wait_while_paused):
                    if isinstance(item, FinishedFile):
                        begun.add(source, packets=item.packets)
                    yield item
        except DriveError as error:
            yield UnreadableFile(path, stat, error.what, is_final=False)
        except MediaError as error:
            is_final = _is_still(path, stat)
            if is_final and source is not None:
                begun.add(source, reason=error.what)
            yield UnreadableFile(path, stat, error.what, is_final)
        except OSError as error:  # the disk or the network, not the file
            yield UnreadableFile(path, stat, f"can't be read: {error.strerror or error}", is_final=False)


def _in_order(files: Mapping[Path, os.stat_result], writer: Writer) -> Iterator[Path]:
    """`files`, first those in which searches found something, also while others are being read."""
    taken = set[Path]()
    rest = iter(files)
    while len(taken) < len(files):
        found = (path for path in writer.answered.paths() if path in files and path not in taken)
        path = next(found, None) or next(path for path in rest if path not in taken)
        taken.add(path)
        yield path


class _Begun:
    """The content that this run has begun to read: its copies wait for it, and share the reason if it is unreadable."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._contents: dict[tuple[int, bytes], dict[bytes, KnownContent]] = {}  # by size and samples, then by digest
        self._reasons: dict[tuple[int, bytes], str] = {}

    def source(self, path: Path, stat: os.stat_result) -> Source:
        """The file with its digest. Raises OSError and DriveError."""
        sampled = content_digest(path, stat.st_size)
        known = {content.digest: content for content in self._writer.contents(stat.st_size, sampled)}
        known |= self._contents.get((stat.st_size, sampled), {})
        digest = identify(path, stat.st_size, stat.st_mtime_ns, sampled, known.values())
        return Source(path, stat.st_size, stat.st_mtime_ns, digest)

    def add(self, source: Source, packets: bytes | None = None, reason: str | None = None) -> None:
        """packets: once it was read to its end. reason: once it proved to be unreadable."""
        same_samples = self._contents.setdefault((source.size_bytes, source.digest[:SAMPLED_BYTES]), {})
        same_samples[source.digest] = KnownContent(source.digest, packets, (source.mtime_ns,))
        if reason is not None:
            self._reasons[source.size_bytes, source.digest] = reason

    def reason(self, source: Source) -> str | None:
        return self._reasons.get((source.size_bytes, source.digest))

    def __contains__(self, source: Source) -> bool:
        same_samples = self._contents.get((source.size_bytes, source.digest[:SAMPLED_BYTES]), {})
        return source.digest in same_samples


def _file(
    source: Source, read_progress: ReadProgress, options: ReadingOptions, wait_while_paused: Callable[[], None]
) -> Generator[DecodedBatch | FinishedFile | ChangedFile, None, None]:
    """One file from row `read_progress.rows` on. Raises MediaError if none of it can be shown."""
    pack, hardware = options.encoder.pack, options.hardware
    media, every_s, shape = probe(source.path), 1 / pack.sample_fps, pack.picture_shape
    choice = DecoderChoice("", "the file is damaged")
    if hardware and not read_progress.decode_all:
        choice = choose_decoder(media, every_s, shape)
    sampler = Sampler(
        media,
        every_s,
        shape,
        decode_all=read_progress.decode_all,
        first_row=read_progress.rows,
        device=choice.device,
    )
    row, piece = read_progress.rows, list[SampledFrame]()

    def pictures() -> DecodedBatch:
        used = choice if sampler.device == choice.device else DecoderChoice("", f"{choice.device} failed in the middle")
        return DecodedBatch(
            source=source,
            footage=Footage(sampler.media, sampler.times_so_far),
            first_row=row,
            pictures=np.stack([sample.picture for sample in piece]),
            repeats=[sample.repeat for sample in piece],
            read_bytes=sampler.read_bytes,
            decoder=str(used) if hardware else "",
            decode_all=sampler.decode_all,
        )

    try:
        for sample in sampler:
            wait_while_paused()
            piece.append(sample)
            if len(piece) == _PIECE_FRAMES:
                yield pictures()
                row += sum(sample.repeat for sample in piece)
                piece.clear()
    except DriveError:  # the pictures before it are good
        if piece:
            yield pictures()
        raise
    if piece:
        yield pictures()
    if is_same(source.path, source.size_bytes, source.mtime_ns):
        problems = (*sampler.problems, *kept_gaps(sampler.times))
        yield FinishedFile(source, sampler.footage, problems, sampler.cues, sampler.packets_digest)
    else:
        yield ChangedFile(source, has_grown(source.path, source.path.stat().st_size, source))


def _is_still(path: Path, stat: os.stat_result) -> bool:
    """Whether the file is certainly the one that was opened."""
    try:
        return is_same(path, stat.st_size, stat.st_mtime_ns)
    except OSError:
        return False


def is_same(path: Path, size_bytes: int, mtime_ns: int) -> bool:
    """Whether the file is still the one that was opened. Raises OSError if it is out of reach."""
    now = path.stat()
    return (now.st_size, now.st_mtime_ns) == (size_bytes, mtime_ns)
