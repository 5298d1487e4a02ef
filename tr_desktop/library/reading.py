"""New footage to vectors: one thread decodes, one encodes, the caller stores.

They hand over pieces of a few frames. What is on its way at a time, and lost when the program is killed, is one batch
of BATCH_FRAMES, whatever the files' sizes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import MediaError
from tr_desktop.footage.captions import Cue
from tr_desktop.footage.frames import SampledFrame, Sampler
from tr_desktop.footage.hardware import Choice, choose
from tr_desktop.footage.probe import probe
from tr_desktop.library.ahead import Rest, ahead
from tr_desktop.library.catalog import Catalog, Source, Standing
from tr_desktop.library.identity import content_digest
from tr_desktop.moments import FrameTimes, Media

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

BATCH_FRAMES = 16
_PIECE_FRAMES = 4
# A piece is being decoded, one waits to be encoded, one is being encoded, one is being stored.
_DECODED_AHEAD, _ENCODED_AHEAD = 2, 1
assert (_DECODED_AHEAD + _ENCODED_AHEAD + 1) * _PIECE_FRAMES <= BATCH_FRAMES


@dataclass(frozen=True)
class Pictures:
    """Decoded frames of one file: uint8 RGB [n, S, S, 3], of which number i stands for `repeats[i]` rows.

    first_row: the first of these rows. read_bytes: how far into the file they are. decoder: what decodes it and why,
    where a device was asked for. The rest is for `Catalog.append`.
    """

    source: Source
    media: Media
    times: FrameTimes
    first_row: int
    pictures: npt.NDArray[np.uint8]
    repeats: list[int]
    read_bytes: int
    decoder: str
    decode_all: bool


@dataclass(frozen=True)
class Rows:
    """The same encoded: fp32 [rows, width]."""

    of: Pictures
    rows: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Whole:
    """A file was read to its end, with these problems. cues: what its subtitle tracks say."""

    source: Source
    media: Media
    times: FrameTimes
    problems: tuple[str, ...]
    cues: tuple[Cue, ...]


@dataclass(frozen=True)
class Copy:
    """A file holds what another file of this run, or of the library, holds already."""

    source: Source


@dataclass(frozen=True)
class Changed:
    """A file became another one while it was read."""

    source: Source


@dataclass(frozen=True)
class Unreadable:
    """A file can't be searched. is_final: for as long as it stays the same; otherwise it is tried again next time."""

    path: Path
    stat: os.stat_result
    reason: str
    is_final: bool


def read(
    files: Mapping[Path, os.stat_result],
    catalog: Catalog,
    encoder: Encoder,
    stop: threading.Event,
    rest: Rest,
    hardware: bool,
) -> Generator[Rows | Whole | Copy | Changed | Unreadable, None, None]:
    """Read `files` one after the other, each from where the library has it; whatever ends a file comes last for it.

    stop: when set, nothing more comes, and both threads end; so they do when this is closed. rest: called before each
    frame is decoded. hardware: decode on a graphics device where one has shown that it does it right.
    """
    closed = threading.Event()

    def is_over() -> bool:
        return stop.is_set() or closed.is_set()

    decoded = ahead(_decoded(files, catalog, encoder, lambda: rest(is_over), hardware), _DECODED_AHEAD, is_over)
    encoded = ahead(_encoded(decoded, encoder), _ENCODED_AHEAD, is_over)
    try:
        for item in encoded:  # noqa: UP028 (`yield from` would close it before the threads are told)
            yield item
    finally:
        closed.set()
        encoded.close()


def _encoded(
    decoded: Iterator[Pictures | Whole | Copy | Changed | Unreadable], encoder: Encoder
) -> Generator[Rows | Whole | Copy | Changed | Unreadable, None, None]:
    for item in decoded:
        if isinstance(item, Pictures):
            yield Rows(item, np.repeat(encoder.encode_images(item.pictures), item.repeats, axis=0))
        else:
            yield item


def _decoded(
    files: Mapping[Path, os.stat_result],
    catalog: Catalog,
    encoder: Encoder,
    rest: Callable[[], None],
    hardware: bool,
) -> Generator[Pictures | Whole | Copy | Changed | Unreadable, None, None]:
    begun: set[tuple[int, bytes]] = set()  # in this run, so that a copy waits for it
    for path, stat in files.items():
        rest()
        try:
            source = Source(path, stat.st_size, stat.st_mtime_ns, content_digest(path, stat.st_size))
            standing = catalog.standing(source, encoder.pack.sha256)
            identity = (source.size_bytes, source.digest)
            if standing.is_whole or identity in begun:
                yield Copy(source)
            else:
                begun.add(identity)
                yield from _file(source, standing, encoder, rest, hardware)
        except MediaError as error:
            yield Unreadable(path, stat, error.what, is_final=_is_same(path, stat.st_size, stat.st_mtime_ns))
        except OSError as error:  # the disk or the network, not the file
            yield Unreadable(path, stat, f"can't be read: {error.strerror or error}", is_final=False)


def _file(
    source: Source, standing: Standing, encoder: Encoder, rest: Callable[[], None], hardware: bool
) -> Generator[Pictures | Whole | Changed, None, None]:
    """One file from row `standing.rows` on. Raises MediaError when nothing of it can be shown."""
    media, every_s, size_px = probe(source.path), 1 / encoder.pack.sample_fps, encoder.pack.input_px
    choice = Choice("", "the file is damaged")
    if hardware and not standing.decode_all:
        choice = choose(media, every_s, size_px)
    sampler = Sampler(
        media,
        every_s,
        size_px,
        decode_all=standing.decode_all,
        first_row=standing.rows,
        device=choice.device,
    )
    row, piece = standing.rows, list[SampledFrame]()

    def pictures() -> Pictures:
        used = choice if sampler.device == choice.device else Choice("", f"{choice.device} failed in the middle")
        return Pictures(
            source=source,
            media=sampler.media,
            times=sampler.times_so_far,
            first_row=row,
            pictures=np.stack([sample.picture for sample in piece]),
            repeats=[sample.repeat for sample in piece],
            read_bytes=sampler.read_bytes,
            decoder=str(used) if hardware else "",
            decode_all=sampler.decode_all,
        )

    for sample in sampler:
        rest()
        piece.append(sample)
        if len(piece) == _PIECE_FRAMES:
            yield pictures()
            row += sum(sample.repeat for sample in piece)
            piece.clear()
    if piece:
        yield pictures()
    if _is_same(source.path, source.size_bytes, source.mtime_ns):
        yield Whole(source, sampler.media, sampler.times, tuple(sampler.problems), sampler.cues)
    else:
        yield Changed(source)


def _is_same(path: Path, size_bytes: int, mtime_ns: int) -> bool:
    """Whether the file is still the one that was opened. Raises OSError where it is out of reach."""
    now = path.stat()
    return (now.st_size, now.st_mtime_ns) == (size_bytes, mtime_ns)
