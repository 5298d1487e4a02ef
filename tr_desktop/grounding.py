"""The main job: a sentence in, moments out.

    footage ─ index ─▶ frame vectors ─ similarity to the query ─▶ rough segments ─ refine × K ─▶ scored moments

Every step from rough to final stays in the answer: an editor sees how the edges were found and may keep any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import UserError
from tr_desktop.library.catalog import Catalog, Indexed
from tr_desktop.library.filters import Only
from tr_desktop.library.indexer import EVERYTHING, Coverage, Progress, index
from tr_desktop.library.like import example
from tr_desktop.library.search import best_media
from tr_desktop.library.terms import parse_terms, query_vector
from tr_desktop.localize.edges import EdgeStep, refine_edges, shot_change
from tr_desktop.localize.rough import contrast, rough_segments
from tr_desktop.moments import Moment, Refinement, RefineStep, Segment

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

DEFAULT_TOP = 5
DEFAULT_STEPS = 3
MOST_STEPS = 8
# Every frame of the library is compared; this many files, those with the best frames, are looked into for moments.
MOST_FILES = 24
# So many frames speak for a segment's best part; one alone is often a chance hit.
PEAK_FRAMES = 3


@dataclass(frozen=True)
class Answer:
    """What a search found, best first, and what it looked at. searched_s: footage searched, in seconds."""

    query: str
    pack: str
    pack_sha256: str
    device: str
    coverage: Coverage
    searched_s: Fraction
    moments: tuple[Moment, ...]


def find(
    query: str,
    paths: Sequence[Path],
    catalog: Catalog,
    encoder: Encoder,
    *,
    top: int = DEFAULT_TOP,
    steps: int = DEFAULT_STEPS,
    like: str | None = None,
    only: Only = EVERYTHING,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Answer:
    """The `top` best moments for `query` in the footage under `paths`; what is new there is indexed first.

    query: a sentence, or several terms (`library/terms.py`). like: search by example instead, PICTURE or MEDIA@SECONDS;
    the query is then a name only. only: the footage to search.
    steps: refinement steps, 0 … MOST_STEPS; 0 answers with the rough segments.
    Raises UserError for an empty query, a missing path, or when not one file can be searched.
    """
    like_this = None if like is None else example(like, catalog, encoder)
    if like_this is None:
        parse_terms(query)  # what can't be understood is said before the footage is read
    coverage = index(paths, catalog, encoder, on_progress, only=only)
    if not coverage.searched:
        raise UserError(_nothing_searched(coverage))

    vector = query_vector(query, encoder) if like_this is None else like_this.vector
    best = best_media(catalog, encoder.pack.sha256, vector, coverage.media, max(MOST_FILES, top))
    items = [catalog.load(coverage.media[media_id], encoder.pack.sha256) for media_id, _ in best]
    found = chain.from_iterable(_moments(query, vector, item, encoder, top, steps) for item in items)
    moments = [moment for moment in found if like_this is None or not like_this.is_in(moment)]
    return Answer(
        query=query,
        pack=encoder.pack.name,
        pack_sha256=encoder.pack.sha256,
        device=encoder.device,
        coverage=coverage,
        searched_s=coverage.searched_s,
        moments=tuple(sorted(moments, key=lambda moment: -moment.score)[:top]),
    )


def _moments(
    query: str, query_vector: npt.NDArray[np.float32], item: Indexed, encoder: Encoder, most: int, steps: int
) -> list[Moment]:
    """The moments of one file: non-overlapping rough segments, each refined and scored."""
    curve = item.vectors.astype(np.float32) @ query_vector
    unrelated = encoder.background.astype(np.float32) @ query_vector
    change = shot_change(item.vectors)

    def score(start: int, end: int) -> float:
        peak = float(np.sort(curve[start:end])[-PEAK_FRAMES:].mean())
        evidence = {
            "peak_z": (peak - float(unrelated.mean())) / float(unrelated.std()),
            "contrast": contrast(curve, start, end),
        }
        return encoder.pack.calibrated_score(evidence)

    found: list[Moment] = []
    for rough in rough_segments(curve, most):
        answers = refine_edges(curve, change, rough, steps, float(encoder.pack.sample_fps))
        chain_of_steps = tuple(
            _refine_step(number, answer, item, score(answer.start, answer.end)) for number, answer in enumerate(answers)
        )
        refinement = Refinement(chain_of_steps, stop=len(chain_of_steps) - 1)
        if not any(_overlap(refinement.kept.segment, other.segment) for other in found):
            value = refinement.kept.score
            found.append(Moment(item.media, item.times, refinement, value, value >= encoder.pack.threshold, query))
    return found


def _refine_step(number: int, answer: EdgeStep, item: Indexed, score: float) -> RefineStep:
    start = min(item.boundary_frame(answer.start), len(item.times) - 1)
    end = max(item.boundary_frame(answer.end), start + 1)
    return RefineStep(
        step=number,
        segment=Segment(start, end),
        start_s=item.times.time_s(start),
        end_s=item.times.time_s(end),
        score=score,
        start_confidence=answer.start_confidence,
        end_confidence=answer.end_confidence,
    )


def _overlap(a: Segment, b: Segment) -> bool:
    return a.start_frame < b.end_frame and b.start_frame < a.end_frame


def _nothing_searched(coverage: Coverage) -> str:
    if not coverage.files:
        return "There are no files there to search"
    first = coverage.skipped[0]
    more = f" (and {coverage.files - 1} more)" if coverage.files > 1 else ""
    return f"None of the {coverage.files} files can be searched: {first.path.name}: {first.reason}{more}"
