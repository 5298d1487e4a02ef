"""The main job: a sentence in, moments out.

    footage ─ index ─▶ frame vectors ─ similarity to the query ─▶ rough segments ─ refine × K ─▶ scored moments

Every step from rough to final stays in the answer: an editor sees how the edges were found and may keep any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tr_desktop.errors import UserError
from tr_desktop.grounders.base import Grounder, Search
from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.library.filters import FootageFilter
from tr_desktop.library.index.coverage import Coverage, IndexProgress
from tr_desktop.library.index.indexer import EVERYTHING, index_footage
from tr_desktop.library.search.by_picture import load_example
from tr_desktop.library.search.by_words import text_moments
from tr_desktop.library.search.terms import parse_terms, query_vector
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.limits import DEFAULT_STEPS, DEFAULT_TOP, MAX_STEPS
from tr_desktop.moments import Indexed, Moment

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

# Every frame of the library is compared; this many files, those with the best frames, are looked into for moments.
MAX_FILES = 24
MAX_ROWS = 1 << 15  # long ones until these are four hours; an hour takes a tenth of a second


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
    grounder: Grounder | None = None,
    example: str | None = None,
    footage_filter: FootageFilter = EVERYTHING,
    read_new: bool = True,
    on_progress: Callable[[IndexProgress], None] = lambda _: None,
    on_moments: Callable[[Sequence[Moment]], None] = lambda _: None,
) -> Answer:
    """The `top` best moments for `query` in the footage under `paths`; what is new there is indexed first.

    query: a sentence, or several terms (`library/terms.py`). example: search by example instead, PICTURE or
    MEDIA@SECONDS; the query is then a name only. footage_filter: the footage to search.
    steps: refinement steps, 0 … MAX_STEPS; 0 answers with the rough segments. The last ones may look closer than the
    index, for the best answers. grounder: finds the moments of each file; None is the two-tower way.
    read_new: False searches what is indexed already and lists the rest as not indexed yet. on_moments: called with the
    best moments so far whenever they have changed: as files are looked into, and as edges are looked at closer. What it
    raises ends the search.
    Raises UserError for an empty query, a missing path, or when not one file can be searched.
    """
    like_this = None if example is None else load_example(example, catalog, encoder)
    if not 0 <= steps <= MAX_STEPS:
        raise UserError(f"{steps} refinement steps can't be taken", remedy=f"Ask for 0 to {MAX_STEPS}")
    if like_this is None:
        parse_terms(query)  # what can't be understood is said before the footage is read
    coverage = index_footage(paths, catalog, encoder, on_progress, footage_filter=footage_filter, read_new=read_new)
    if not coverage.searched:
        raise UserError(_nothing_searched(coverage))

    vector = query_vector(query, encoder) if like_this is None else like_this.vector
    grounder = grounder or TwoTower(catalog, encoder)
    search = Search(query, vector)
    looks = grounder.steps_that_look_closer(steps)
    items: dict[Path, Indexed] = {}
    moments: list[Moment] = []
    for item in catalog.best_files(encoder.pack.sha256, vector, coverage.media, max(MAX_FILES, top)):
        items[item.media.path] = item
        found = grounder.moments(search, item, top, steps - looks)
        moments += (moment for moment in found if like_this is None or not like_this.is_in(moment))
        moments = sorted(moments, key=lambda moment: -moment.score)[:top]
        on_moments(moments)
        if len(items) >= top and sum(len(item.vectors) for item in items.values()) >= MAX_ROWS:
            break
    for rank, moment in enumerate(moments if looks else ()):
        # Decoding costs; a guess that nobody will use isn't worth it, unless it is the best there is.
        if moment.confident or rank == 0:
            moments[rank] = grounder.look_closer(search, items[moment.media.path], moment)
            on_moments(moments)
    if like_this is None:
        # No pictures stand behind what is only said, so it is half of the answer at most.
        moments += islice(text_moments(query, coverage, catalog, encoder.pack.threshold), max(top // 2, 1))
        moments = sorted(moments, key=lambda moment: -moment.score)[:top]
    return Answer(
        query=query,
        pack=encoder.pack.name,
        pack_sha256=encoder.pack.sha256,
        device=encoder.device,
        coverage=coverage,
        searched_s=coverage.searched_s,
        moments=tuple(moments),
    )


def _nothing_searched(coverage: Coverage) -> str:
    if not coverage.files:
        return "There are no files there to search"
    first = coverage.skipped[0]
    more = f" (and {coverage.files - 1} more)" if coverage.files > 1 else ""
    return f"None of the {coverage.files} files can be searched: {first.path.name}: {first.reason}{more}"
