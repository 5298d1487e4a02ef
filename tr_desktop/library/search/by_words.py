"""Moments in which a sentence is said: subtitle files and subtitle tracks. Text in pictures: `by_screen`."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from tr_desktop.library.index.coverage import Coverage
from tr_desktop.library.search.terms import parse_terms
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.words import search_words
from tr_desktop.moments import Moment, Quote, Refinement, RefineStep, Segment, TextKind

# The score of a text that holds the query, by the number of words in its longest term: the chance that the words are
# meant, not there by accident. Fewer words are in one of 2,000 texts by accident more often (83, 18 and 3 %,
# docs/experiments.md).
SCORES = (0.55, 0.85)
SCORE = 0.9  # of more words


def text_moments(query: str, coverage: Coverage, catalog: Catalog, threshold: float) -> Iterator[Moment]:
    """The moments at which a text of the searched footage contains the query's terms, timed like it.

    A text must contain every term that is asked for, and none of those to leave out. threshold: the score from which a
    moment is called confident.
    """
    terms = parse_terms(query)
    score = _score(max((_words(term.text) for term in terms if term.weight > 0), default=0))
    found = catalog.quotes.matches(
        *(term.text for term in terms if term.weight > 0),
        unwanted=[term.text for term in terms if term.weight < 0],
        paths=coverage.subtitles,
        media_ids=coverage.media,
    )
    sources = dict[tuple[Path, Segment], tuple[Path, TextKind, Path | None]]()
    for cue, kind, source, media_id in found:
        if kind is TextKind.SCREEN:
            continue
        paths = coverage.subtitles[source] if source is not None else [coverage.media[media_id or 0]]
        for path in paths if cue.end_s > 0 else ():
            footage = catalog.footage(path)
            times = footage.times
            start = times.boundary_at(max(cue.start_s, Fraction(0)))
            end = max(times.boundary_at(cue.end_s), start + 1)
            segment = Segment(start, end)
            # Subtitles in several files and tracks often repeat each other, and so do copies of a file.
            answer = coverage.copies.get(path, path), segment
            if end <= len(times) and sources.setdefault(answer, (path, kind, source)) == (path, kind, source):
                step = RefineStep(0, segment, times.time_s(start), times.time_s(end), score, 1.0, 1.0)
                refinement = Refinement((step,), 0)
                quote = Quote(cue.text, source or path, kind)
                yield Moment(footage, refinement, score, threshold <= score, query, quote)


def _words(text: str) -> int:
    return sum(any(map(str.isalnum, word)) for word in search_words(text).split())


def _score(words: int) -> float:
    return SCORES[max(words, 1) - 1] if words <= len(SCORES) else SCORE
