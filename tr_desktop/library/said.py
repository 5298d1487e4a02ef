"""Moments in which a sentence is said, by the subtitle files beside footage."""

from __future__ import annotations

from collections.abc import Iterator

from tr_desktop.library.catalog import Catalog
from tr_desktop.library.indexer import Coverage
from tr_desktop.library.terms import parse_terms
from tr_desktop.moments import Moment, Refinement, RefineStep, Segment

# The score of a sentence that is said word by word. No pictures stand behind it, and no model.
SCORE = 0.9


def said(query: str, coverage: Coverage, catalog: Catalog, threshold: float) -> Iterator[Moment]:
    """Where the query's sentence stands in a subtitle of the footage searched; in the subtitle's own times.

    threshold: the score from which a moment is called confident.
    """
    for source, cue in catalog.said(parse_terms(query)[0].text):
        if source not in coverage.subtitles:
            continue
        media, times = catalog.media(coverage.subtitles[source])
        start = times.boundary_at(cue.start_s)
        end = max(times.boundary_at(cue.end_s), start + 1)
        if end <= len(times):
            step = RefineStep(0, Segment(start, end), times.time_s(start), times.time_s(end), SCORE, 1.0, 1.0)
            yield Moment(media, times, Refinement((step,), 0), SCORE, threshold <= SCORE, query, cue.text, source)
