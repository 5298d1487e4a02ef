"""Moments in which a sentence is said or shown: subtitle files, subtitle tracks, text in pictures."""

from __future__ import annotations

from collections.abc import Iterator

from tr_desktop.library.index.coverage import Coverage
from tr_desktop.library.search.terms import parse_terms
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Moment, Quote, Refinement, RefineStep, Segment

# The score of a sentence that is said word for word. It rests on no pictures and no model.
SCORE = 0.9


def text_moments(query: str, coverage: Coverage, catalog: Catalog, threshold: float) -> Iterator[Moment]:
    """The moments at which the query's sentence occurs in a text of the searched footage, timed like it.

    threshold: the score from which a moment is called confident.
    """
    for cue, kind, source, media_id in catalog.quotes.matches(parse_terms(query)[0].text):
        path = coverage.subtitles.get(source) if source is not None else coverage.media.get(media_id or 0)
        if path is None:
            continue
        footage = catalog.footage(path)
        times = footage.times
        start = times.boundary_at(cue.start_s)
        end = max(times.boundary_at(cue.end_s), start + 1)
        if end <= len(times):
            step = RefineStep(0, Segment(start, end), times.time_s(start), times.time_s(end), SCORE, 1.0, 1.0)
            refinement = Refinement((step,), 0)
            quote = Quote(cue.text, source or path, kind)
            yield Moment(footage, refinement, SCORE, threshold <= SCORE, query, quote)
