"""The grounder protocol: it finds the moments of one file that answer a query, step by step.

Grounders don't rank files: `grounding.find` does, with the library's vectors, and passes the best files on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tr_desktop.moments import Indexed, Moment, Segment


@dataclass(frozen=True)
class Search:
    """One query. vector: fp32 [D], L2-normalised, of the encoder that indexed the footage.

    files, best: what else is searched decides what a match is worth: the number of files, and the query's similarity to
    the best frame of each of the best files, best first.
    """

    query: str
    vector: npt.NDArray[np.float32]
    files: int = 1
    best: tuple[float, ...] = ()


class Grounder(Protocol):
    """Answers one query in one file. Implementations keep every step from rough to final in the moment."""

    def steps_that_look_closer(self, steps: int) -> int:
        """How many of `steps` refinement steps `look_closer` takes; `moments` takes the others."""

    def moments(self, search: Search, item: Indexed, limit: int, steps: int) -> list[Moment]:
        """At most `limit` moments that don't overlap, best first, each refined in `steps` steps on the index."""

    def score(self, search: Search, item: Indexed, segment: Segment) -> float:
        """The score of any segment, as if `moments` had found it."""

    def look_closer(self, search: Search, item: Indexed, moment: Moment) -> Moment:
        """The moment with the steps on frames decoded for it; unchanged if the file can't be read any more."""
