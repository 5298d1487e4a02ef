"""What an index run or a search looked at: every file found is either searched, or skipped with a reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

NOT_YET = "not indexed yet"


@dataclass(frozen=True)
class Skipped:
    path: Path
    reason: str


@dataclass
class Coverage:
    """What a run looked at: `searched` and `skipped` together are all the files found.

    offline: those of `searched` whose drive isn't there now. incomplete: those that haven't been read to their end,
    with how much has been, in seconds. damaged: those with damage that was passed over, as sentences. searched_s:
    footage searched, in seconds. media: one path of everything searched, by its id in the library, under which copies
    are the same. subtitles: of everything searched, {subtitle file: footage}; these files count as skipped, being no
    footage.
    """

    searched: list[Path] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    offline: list[Path] = field(default_factory=list)
    incomplete: dict[Path, Fraction] = field(default_factory=dict)
    damaged: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    searched_s: Fraction = Fraction(0)
    media: dict[int, Path] = field(default_factory=dict)
    subtitles: dict[Path, Path] = field(default_factory=dict)

    @property
    def files(self) -> int:
        return len(self.searched) + len(self.skipped)

    @property
    def waiting(self) -> list[Path]:
        """Those of `skipped` that only wait for an index run."""
        return [skipped.path for skipped in self.skipped if skipped.reason == NOT_YET]


@dataclass(frozen=True)
class IndexProgress:
    """How far an index run is. Bytes are those of the new files; footage_s: footage newly read so far, in seconds;
    elapsed_s: time that took, without pauses. decoder: what decodes this file and why, if that is a question.
    """

    path: Path
    file_number: int
    files: int
    done_bytes: int
    total_bytes: int
    footage_s: Fraction
    elapsed_s: float
    decoder: str = ""

    @property
    def times_real_time(self) -> float:
        return float(self.footage_s) / max(self.elapsed_s, 1e-6)

    @property
    def left_s(self) -> float | None:
        """Time left, if the rest goes like what is done; None before anything is."""
        if not self.done_bytes:
            return None
        return self.elapsed_s * (self.total_bytes - self.done_bytes) / self.done_bytes
