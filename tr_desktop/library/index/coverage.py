"""The files that an index run or a search found: each is either searched, or skipped with a reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

NOT_YET = "not indexed yet"
OTHER_MODEL = "not indexed for this model; connect its drive"


@dataclass(frozen=True)
class Skipped:
    path: Path
    reason: str


@dataclass
class Coverage:
    """Every file that a run found: either in `searched` or in `skipped`.

    offline: searched files whose drive is missing. incomplete: searched files that are only partly read, with the
    seconds read. coarse: searched files of which, or of the rest of which, only keyframes were read. damaged:
    searched files with damage that was passed over, as sentences. searched_s: footage searched, in seconds. media: one
    path for each searched media id; copies share an id. copies: the other paths, each with that one. subtitles:
    {subtitle file: its footage} of the searched files; subtitle files count as skipped, because they aren't footage.
    """

    searched: list[Path] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    offline: list[Path] = field(default_factory=list)
    incomplete: dict[Path, Fraction] = field(default_factory=dict)
    coarse: list[Path] = field(default_factory=list)
    damaged: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    searched_s: Fraction = Fraction(0)
    media: dict[int, Path] = field(default_factory=dict)
    copies: dict[Path, Path] = field(default_factory=dict)
    subtitles: dict[Path, list[Path]] = field(default_factory=dict)

    @property
    def files(self) -> int:
        return len(self.searched) + len(self.skipped)

    @property
    def waiting(self) -> list[Path]:
        """The skipped files that only wait for an index run."""
        return [skipped.path for skipped in self.skipped if skipped.reason == NOT_YET]

    @property
    def unread(self) -> int:
        """The number of files that an index run would read, or read on."""
        return len(self.waiting) + len(self.incomplete) + len(self.coarse)


@dataclass(frozen=True)
class IndexProgress:
    """Progress of one pass of an index run. Bytes count the new files. file_number: counted in the order of reading.
    footage_s: footage read so far, seconds. elapsed_s: time spent on it, without pauses. decoder: the decoder of this
    file and the reason; "" unless hardware was requested. is_first_pass: whether the pass is the one over keyframes.
    """

    path: Path
    file_number: int
    files: int
    done_bytes: int
    total_bytes: int
    footage_s: Fraction
    elapsed_s: float
    decoder: str = ""
    is_first_pass: bool = False

    @property
    def times_real_time(self) -> float:
        return float(self.footage_s) / max(self.elapsed_s, 1e-6)

    @property
    def left_s(self) -> float | None:
        """Time left at the speed so far; None before anything is done."""
        if not self.done_bytes:
            return None
        return self.elapsed_s * (self.total_bytes - self.done_bytes) / self.done_bytes


@dataclass(frozen=True)
class TextProgress:
    """Progress of reading the text in pictures. done_s, duration_s: of this file, seconds."""

    path: Path
    file_number: int
    files: int
    done_s: Fraction
    duration_s: Fraction

    @property
    def share(self) -> float:
        """Of all files, in [0, 1]."""
        return float(self.file_number - 1 + self.done_s / self.duration_s) / self.files
