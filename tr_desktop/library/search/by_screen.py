"""Moments in which what is asked for is written in the picture."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from tr_desktop.footage.captions import Cue
from tr_desktop.library.index.coverage import Coverage
from tr_desktop.library.search.alike import Found, asked_of, look_in, words_of
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Moment, Quote, Refinement, RefineStep, Segment, TextKind

# The chance that a text is meant, fitted to texts read in 166 real clips (docs/experiments.md, "Texts in pictures").
_BIAS, _SHARE, _LETTERS, _IS_FOR_TEXT, _PER_TEXT = -1.61, 2.94, 5.48, 0.32, -1.0
_MANY_LETTERS = 15
_TEXTS = 5, 200  # fitted between these numbers of texts
# Of the texts that are meant, so many are on screen as long as their shot.
_FITS_SHOT = 0.8
# Of the queries for text without a word of it, "a title", so many mean one of the texts found.
_ANY_TEXT = 0.6
# A text's edges are on the grid of the index until a cut is found near them.
_EDGE_CONFIDENCE = 0.5


@dataclass(frozen=True)
class _Text:
    cue: Cue
    media_id: int
    words: tuple[str, ...]


def screen_moments(query: str, coverage: Coverage, catalog: Catalog, threshold: float, limit: int) -> list[Moment]:
    """The `limit` best moments with text in the picture that the query asks for, best first.

    Texts with a term to leave out are none. threshold: the score from which a moment is called confident.
    """
    asked = asked_of(query)
    texts = [
        _Text(match.cue, match.media_id, words)
        for match in catalog.quotes.texts(TextKind.SCREEN, coverage.media.keys())
        if match.media_id is not None and (words := tuple(words_of(match.cue.text)))
    ]
    if asked.words:
        found = look_in([text.words for text in texts], asked.words)
        scores = [_FITS_SHOT * chance(each, asked.is_for_text, len(texts)) for each in found]
    elif asked.is_for_text:  # any text; the more there is to read, the likelier it is this one
        lengths = [sum(map(len, text.words)) for text in texts]
        scores = [_ANY_TEXT * length / sum(lengths) for length in lengths]
    else:
        return []
    ranked = sorted(zip(scores, texts, strict=True), key=lambda each: -each[0])
    best = [(score, text) for score, text in ranked if score > 0 and not asked.leaves_out(text.words)]
    return [_moment(query, text, score, threshold, coverage, catalog) for score, text in best[:limit]]


def chance(found: Found, is_for_text: bool, count: int) -> float:
    """The chance that one of `count` texts, or names, is meant if so much of what was asked is in it."""
    if not found.words:
        return 0.0
    logit = (
        _BIAS
        + _SHARE * found.share
        + _LETTERS * min(found.letters / _MANY_LETTERS, 1)
        + _IS_FOR_TEXT * is_for_text
        + _PER_TEXT * log(min(max(count, _TEXTS[0]), _TEXTS[1]))
    )
    return 1 / (1 + exp(-logit))


def _moment(query: str, text: _Text, score: float, threshold: float, coverage: Coverage, catalog: Catalog) -> Moment:
    path = coverage.media[text.media_id]
    footage = catalog.footage(path)
    times = footage.times
    start = min(times.boundary_at(text.cue.start_s), len(times) - 1)
    end = min(max(times.boundary_at(text.cue.end_s), start + 1), len(times))
    is_first, is_last = start == 0, end == len(times) and footage.is_whole
    step = RefineStep(
        step=0,
        segment=Segment(start, end),
        start_s=times.time_s(start),
        end_s=times.time_s(end),
        score=score,
        start_confidence=_EDGE_CONFIDENCE,
        end_confidence=_EDGE_CONFIDENCE,
        start_is_exact=is_first,
        end_is_exact=is_last,
    )
    quote = Quote(text.cue.text, path, TextKind.SCREEN)
    return Moment(footage, Refinement((step,), 0), score, threshold <= score, query, quote)
