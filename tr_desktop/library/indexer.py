"""From paths to searchable files: find them, read what is new, list what can't be searched and why.

Every file found ends up either searched or skipped with a reason; nothing is passed over in silence.
"""

from __future__ import annotations

import os
import stat as stat_flags
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import MediaError, UserError
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.library.catalog import Catalog, Indexed

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

BATCH_FRAMES = 32

_T = TypeVar("_T")

# Never footage, so not worth opening. Anything else is judged by its content, whatever its name.
_NOT_FOOTAGE = {
    "a still picture": "bmp dng exr gif heic jpeg jpg png psd svg tif tiff webp",
    "a sound file": "aac aif aiff flac m4a mp3 ogg opus wav",
    "a document or data file": "aaf ale csv db doc docx edl fcpxml htm html json jsonl log md npy npz onnx otio otioz"
    " pdf prproj py rtf srt sqlite3 sqlite3-shm sqlite3-wal trpack trproj tsv txt vtt xls xlsx xml yaml yml zip gz tar",
}
_REASON_BY_SUFFIX = {f".{suffix}": reason for reason, all_ in _NOT_FOOTAGE.items() for suffix in all_.split()}


@dataclass(frozen=True)
class Skipped:
    path: Path
    reason: str


@dataclass
class Coverage:
    """What a run looked at: `searched` and `skipped` together are all the files found."""

    searched: list[Path] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def files(self) -> int:
        return len(self.searched) + len(self.skipped)


@dataclass(frozen=True)
class Progress:
    """How far an index run is. Bytes are those of the new files; footage_s: footage newly read so far, in seconds."""

    path: Path
    file_number: int
    files: int
    done_bytes: int
    total_bytes: int
    footage_s: Fraction


def index(
    paths: Sequence[Path],
    catalog: Catalog,
    encoder: Encoder,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Coverage:
    """Bring the library up to date with every file under `paths` and say which of them can be searched.

    Raises UserError for a path that does not exist. A file that can't be read is listed, never raised.
    """
    files, skipped = _walk(paths)
    reasons: dict[Path, str | None] = {}
    new: dict[Path, os.stat_result] = {}
    for path in files:
        try:
            stat = path.stat()
        except OSError as error:
            reasons[path] = f"can't be opened: {error.strerror}"
            continue
        reasons[path] = _never_footage(path, stat) or catalog.skip_reason(path, stat)
        if reasons[path] is None and not catalog.is_indexed(path, stat, encoder.pack.sha256):
            new[path] = stat

    total_bytes = sum(stat.st_size for stat in new.values())
    done_bytes, footage_s = 0, Fraction(0)
    for number, (path, stat) in enumerate(new.items(), 1):

        def report(read_bytes: int, read_s: Fraction, path: Path = path, number: int = number) -> None:
            on_progress(Progress(path, number, len(new), done_bytes + read_bytes, total_bytes, footage_s + read_s))  # noqa: B023

        try:
            item = _read(path, encoder, report)
        except MediaError as error:
            reasons[path] = error.what
            catalog.add_skipped(path, stat, error.what)
        except OSError as error:  # the disk or the network, not the file: try again next time
            reasons[path] = f"can't be read: {error.strerror or error}"
        else:
            catalog.add(item, encoder.pack.sha256)
            footage_s += item.times.duration_s
        done_bytes += stat.st_size
        report(0, Fraction(0))

    coverage = Coverage(skipped=skipped)
    for path, reason in reasons.items():
        if reason is None:
            coverage.searched.append(path)
        else:
            coverage.skipped.append(Skipped(path, reason))
    return coverage


def _never_footage(path: Path, stat: os.stat_result) -> str | None:
    if not stat_flags.S_ISREG(stat.st_mode):
        return "not a regular file"
    if stat.st_size == 0:
        return "an empty file"
    return _REASON_BY_SUFFIX.get(path.suffix.lower())


def _read(path: Path, encoder: Encoder, report: Callable[[int, Fraction], None]) -> Indexed:
    """Decode and encode one file. Raises MediaError when nothing of it can be shown."""
    every_s = 1 / encoder.pack.sample_fps
    sampler = Sampler(probe(path), every_s, encoder.pack.input_px)
    rows: list[npt.NDArray[np.float16]] = []
    for batch in _batches(sampler):
        vectors = encoder.encode_images(np.stack([sample.picture for sample in batch])).astype(np.float16)
        rows.append(np.repeat(vectors, [sample.repeat for sample in batch], axis=0))
        report(sampler.read_bytes, sum(map(len, rows)) * every_s)
    return Indexed(sampler.media, sampler.times, every_s, np.concatenate(rows), tuple(sampler.problems))


def _batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    batch: list[_T] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH_FRAMES:
            yield batch
            batch = []
    if batch:
        yield batch


def _walk(paths: Iterable[Path]) -> tuple[list[Path], list[Skipped]]:
    """Every file under `paths`, folders in name order, and the folders that were not entered, with the reason."""
    files: dict[Path, None] = {}
    skipped: list[Skipped] = []

    def not_entered(error: OSError) -> None:
        skipped.append(Skipped(Path(error.filename), f"the folder can't be opened: {error.strerror}"))

    for given in paths:
        # One spelling for one file: no "..", but a link stays the link that the user named.
        path = Path(os.path.abspath(given.expanduser()))  # noqa: PTH100
        if path.is_dir():
            for folder, folders, names in os.walk(path, onerror=not_entered):
                folders.sort()
                # Following them could loop for ever.
                links = [Path(folder, name) for name in folders if Path(folder, name).is_symlink()]
                skipped += [Skipped(link, "a link to a folder") for link in links]
                files |= dict.fromkeys(Path(folder, name) for name in sorted(names))
        elif os.path.lexists(path):
            files[path] = None
        else:
            raise UserError("There is no such file or folder", path=given, remedy="Check the path and try again")
    return list(files), skipped
