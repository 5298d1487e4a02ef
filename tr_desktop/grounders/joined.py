"""Moments that go on in the next file of a recording, which the camera split: one moment each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tr_desktop.grounders.base import Grounder, Search
from tr_desktop.library.relatives import Relatives
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Indexed, Moment, Part
from tr_desktop.refine.apart import overlap

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder


@dataclass
class Joiner:
    """Joins the moments of one search. encoder: the one that indexed the footage. searched: the files that may answer.

    steps: for answers on the index; looks: whether answers then look closer.
    """

    catalog: Catalog
    grounder: Grounder
    search: Search
    encoder: Encoder
    searched: Collection[Path]
    top: int
    steps: int
    looks: bool

    def __post_init__(self) -> None:
        self._relatives = Relatives(self.catalog)

    def joined(self, moments: Sequence[Moment]) -> list[Moment]:
        """`moments`, best first, in which those that meet at the boundary of two files are one.

        A confident moment at a boundary also gets the neighbour's answer there if it wasn't among `moments`.
        """
        left, done = list(moments), list[Moment]()
        while left:
            chain = [left.pop(0)]
            while (after := self._beside(chain, 1, left, done)) is not None:
                chain.append(after)
            while (before := self._beside(chain, -1, left, done)) is not None:
                chain.insert(0, before)
            done.append(_as_one(chain))
        return done

    def _beside(self, chain: Sequence[Moment], step: int, left: list[Moment], done: Sequence[Moment]) -> Moment | None:
        """The moment that goes on from `chain` in the next file (step 1) or the previous one (-1); taken from `left`
        if it's there."""
        moment = chain[-1 if step > 0 else 0]
        if moment.quote is not None or not moment.footage.is_whole or not _is_at_edge(moment, step):
            return None
        footage = self._relatives.after(moment.footage) if step > 0 else self._relatives.before(moment.footage)
        if footage is None or footage.media.path not in self.searched:
            return None
        path = footage.media.path
        if any(each.media.path == path for each in chain):  # a card's document may lead in a circle
            return None
        if not self._matches_on(moment, path, step):
            return None
        there = [each for each in left if each.media.path == path and each.quote is None]
        meeting = (each for each in there if _is_at_edge(each, -step))
        found = next((each for each in meeting if each.confident or not moment.confident), None)
        if found is None:
            found = self._ask(path, step) if moment.confident else None
            taken = [part for each in done for part in each.parts if part.footage.media.path == path]
            if found is None or any(overlap(found.segment, part.segment) for part in taken):
                return None
        left[:] = [each for each in left if each not in there or not overlap(each.segment, found.segment)]
        return found

    def _matches_on(self, moment: Moment, path: Path, step: int) -> bool:
        """Whether the first frame of the next file (step 1), or the last of the previous one, matches the query as the
        moment does: more than half-way from what surrounds the moment, or from unrelated pictures if it fills its file.
        """
        try:
            item, beside = self._load(moment.media.path), self._load(path)
        except KeyError:  # one has left the library since it was found
            return False
        curve = item.vectors.astype(np.float32) @ self.search.vector
        start_s, end_s = moment.times.time_s(moment.segment.start_frame), moment.times.time_s(moment.segment.end_frame)
        seconds = [row * item.every_s for row in range(len(curve))]
        is_inside = np.array([start_s <= second < end_s for second in seconds])
        if not is_inside.any():
            is_inside[-1 if step > 0 else 0] = True
        around = curve[~is_inside] if not is_inside.all() else self.encoder.background @ self.search.vector
        edge = float(beside.vectors[0 if step > 0 else -1].astype(np.float32) @ self.search.vector)
        return edge > (float(curve[is_inside].mean()) + float(around.mean())) / 2

    def _load(self, path: Path) -> Indexed:
        return self.catalog.load(path, self.encoder.pack.sha256)

    def _ask(self, path: Path, step: int) -> Moment | None:
        """The confident answer of one file at its start (step 1) or its end (-1)."""
        try:
            item = self._load(path)
        except KeyError:  # it has left the library since it was found
            return None
        for found in self.grounder.moments(self.search, item, self.top, self.steps):
            if found.confident and _is_at_edge(found, -step):
                seen = self.grounder.look_closer(self.search, item, found) if self.looks else found
                return seen if _is_at_edge(seen, -step) else None
        return None


def _is_at_edge(moment: Moment, step: int) -> bool:
    """Whether a moment has the last frame of its file (step 1), or the first (-1)."""
    segment = moment.segment
    return segment.end_frame == len(moment.footage) if step > 0 else segment.start_frame == 0


def _as_one(chain: Sequence[Moment]) -> Moment:
    """The first of `chain`, which goes on in the others, with the score of the best."""
    best = max(chain, key=lambda moment: moment.score)
    continued = tuple(Part(each.footage, each.segment) for each in chain[1:])
    return replace(chain[0], score=best.score, confident=best.confident, continued=continued)
