"""Moments that can't be exported: kept with their reasons, so that one doesn't stop the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from exporters.text import one_line
from tr_desktop.errors import ExportError, UserError
from tr_desktop.moments import Moment


class Failures:
    """Moments that couldn't be exported. Use `of` around the work on each."""

    def __init__(self, moments: int) -> None:
        self._moments = moments
        self._errors: dict[int, tuple[str, UserError]] = {}

    @contextmanager
    def of(self, rank: int, moment: Moment) -> Iterator[None]:
        """Keep the error of the block, which works on the moment of this rank, instead of raising it.

        A moment fails once, with its first error, though several blocks may work on it.
        """
        try:
            yield
        except UserError as error:
            name = one_line(moment.remarks.name or moment.media.path.name)
            label = moment.footage.timecode_at(moment.segment.start_frame)
            self._errors.setdefault(rank, (f"Moment {rank} ({name}, {label}) failed: ", error))

    def sentences(self, *, none_made: bool) -> tuple[str, ...]:
        """A sentence for each failed moment: which one, and why. ExportError if nothing else could be made."""
        errors = [self._errors[rank] for rank in sorted(self._errors)]
        if errors and none_made:
            if self._moments == 1:
                raise errors[0][1]
            reasons = " ".join(f"{which}{error}" for which, error in errors)
            raise ExportError(f"None of the {self._moments} moments could be exported. {reasons}")
        return tuple(f"{which}{error}" for which, error in errors)
