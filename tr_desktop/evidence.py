"""The evidence for a moment's edges: the similarity of its file's frames to the query, and shot changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import MediaError
from tr_desktop.footage.cuts import cut_between
from tr_desktop.library.search.by_picture import load_example
from tr_desktop.library.search.found import file_of
from tr_desktop.library.search.terms import query_vector
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.encoder import Encoder
from tr_desktop.moments import Indexed, Moment
from tr_desktop.refine.training_free import shot_change

# A change of picture this complete between two rows of the index, in [0, 1], may be a cut.
CHANGED = 0.35
# Cuts are placed exactly where an editor is likely to put an edge, and this many at most: each costs some decoding.
NEAR_S = 10.0
MAX_CUTS = 12


@dataclass(frozen=True)
class Evidence:
    """curve: fp32 [T], how similar the frame on screen at k * every_s seconds is to the query. shot_frames: frames near
    the moment's edges that begin a new shot.
    """

    curve: npt.NDArray[np.float32]
    every_s: Fraction
    shot_frames: tuple[int, ...]


def evidence_for(moment: Moment, catalog: Catalog, encoder: Encoder, example: str | None = None) -> Iterator[Evidence]:
    """The evidence for a moment: at once without shot changes, then again after each place decoded to find one.

    All of it is the encoder's own, whichever pack found the moment. example: PICTURE or MEDIA@SECONDS, searched for
    instead of the query. Raises UserError if the file has left the library or isn't indexed with this pack that far, or
    for a query or an example that can't be read.
    """
    vector = query_vector(moment.query, encoder) if example is None else load_example(example, catalog, encoder).vector
    item = file_of(moment, catalog, encoder.pack)
    evidence = Evidence(item.vectors.astype(np.float32) @ vector, item.every_s, ())
    yield evidence
    with suppress(MediaError):  # the file may have gone away after it was indexed
        for row in _changes_near(item, moment):
            cut = _cut_between(item, row)
            if cut is not None:
                evidence = replace(evidence, shot_frames=(*evidence.shot_frames, cut))
            yield evidence


def _changes_near(item: Indexed, moment: Moment) -> list[int]:
    """The rows of the index within NEAR_S of the moment's edges before which the picture changes."""
    change = shot_change(item.vectors)[1:-1]
    rows = np.flatnonzero(change > CHANGED) + 1
    times_s = rows * float(item.every_s)
    edges_s = [float(edge_s) for step in moment.refinement.steps for edge_s in (step.start_s, step.end_s)]
    distance_s = np.min([np.abs(times_s - edge_s) for edge_s in edges_s], axis=0)
    nearest = np.argsort(distance_s, kind="stable")[:MAX_CUTS]
    return [int(rows[index]) for index in nearest if distance_s[index] <= NEAR_S]


def _cut_between(item: Indexed, row: int) -> int | None:
    """The first frame of the shot that begins between rows `row` - 1 and `row` of the index, if that is a hard cut."""
    first, last = (item.times.frame_at(at * item.every_s) for at in (row - 1, row))
    return cut_between(item.footage, first, last)
