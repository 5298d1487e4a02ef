"""The main job: a sentence in, moments out.

    footage ─ index ─▶ frame vectors ─ similarity to the query ─▶ rough segments ─ refine × K ─▶ scored moments

Every step from rough to final stays in the answer: an editor sees how the edges were found and may keep any of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tr_desktop.errors import UserError
from tr_desktop.grounders.base import Grounder, Search
from tr_desktop.grounders.joined import Joiner
from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.grounders.video_llm.joining import OnWindow, Searched, VideoGrounder
from tr_desktop.grounders.written import Written
from tr_desktop.library.filters import LEFT_OUT, FootageFilter
from tr_desktop.library.index.coverage import Coverage, IndexProgress
from tr_desktop.library.index.indexer import EVERYTHING, ReadNew, index_footage, read_here
from tr_desktop.library.index.walk import is_never_footage
from tr_desktop.library.search.by_picture import load_example
from tr_desktop.library.search.by_words import text_moments
from tr_desktop.library.search.feedback import judged_vector, ranked, without_wrong
from tr_desktop.library.search.found import file_of
from tr_desktop.library.search.terms import cut_terms, query_vector
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.limits import DEFAULT_STEPS, DEFAULT_TOP, MAX_STEPS
from tr_desktop.moments import Footage, Indexed, Judgement, Moment, Segment, StepSource
from tr_desktop.names import printable
from tr_desktop.refine.apart import apart

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

# Every frame of the library is compared; the moments come from this many files, those with the best frames.
MAX_FILES = 24
MAX_ROWS = 1 << 15  # no more files once they have this many, four hours; an hour takes a tenth of a second


@dataclass(frozen=True)
class Answer:
    """The moments of a search, best first, and its coverage. searched_s: footage searched, in seconds.

    cut: sentences of the query of which the model reads only the beginning. judgements: those that the search was given
    and whose files it knows. grounder: the video language model that was asked. notes: what it couldn't answer.
    is_calibrated: whether the scores of what it found were computed with the weights of its pack.
    """

    query: str
    pack: str
    pack_sha256: str
    device: str
    coverage: Coverage
    searched_s: Fraction
    moments: tuple[Moment, ...]
    cut: tuple[str, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    grounder: str = ""
    notes: tuple[str, ...] = ()
    is_calibrated: bool = False


def find(
    query: str,
    paths: Sequence[Path],
    catalog: Catalog,
    encoder: Encoder,
    *,
    top: int = DEFAULT_TOP,
    steps: int = DEFAULT_STEPS,
    grounder: Grounder | None = None,
    video_grounder: VideoGrounder | None = None,
    example: str | None = None,
    judgements: Sequence[Judgement] = (),
    footage_filter: FootageFilter = EVERYTHING,
    read_new: bool = True,
    on_progress: Callable[[IndexProgress], None] = lambda _: None,
    on_moments: Callable[[Sequence[Moment]], None] = lambda _: None,
    on_window: OnWindow = lambda *_: None,
    read: ReadNew = read_here,
    on_indexed: Callable[[Coverage], object] = lambda _: None,
    check: Callable[[], None] = lambda: None,
) -> Answer:
    """The `top` best moments for `query` in the footage under `paths`; new footage is indexed first.

    query: a sentence, or several terms (`library/search/terms.py`). example: search by example instead, PICTURE or
    MEDIA@SECONDS; the query is then a name only. judgements: answers marked right or wrong: the right ones come first,
    the wrong ones are left out, and answers that look like the right ones rank higher. footage_filter: the footage to
    search.
    steps: refinement steps, 0 … MAX_STEPS; 0 answers with the rough segments. The last ones may look closer than the
    index, for the best answers. grounder: finds the moments of each file; None means the two-tower grounder.
    video_grounder: an open one, which looks at the best moments before the last steps, or at all footage. on_window:
    called with the number of windows that it has looked at, and how many there are.
    read_new: False searches what is indexed already and lists the rest as not indexed yet. on_moments: called with the
    best moments so far whenever they have changed: after each file and after each closer look. An error that it raises
    ends the search. read: how new footage is read, as for `index_footage`. on_indexed: called before the search.
    check: called many times a second while a video language model writes; an error that it raises ends the search.
    Raises UserError for an empty query, a missing path, or if no file can be searched.
    """
    query_example = None if example is None else load_example(example, catalog, encoder, read)
    if not 0 <= steps <= MAX_STEPS:
        raise UserError(f"A search can't take {steps} refinement steps", remedy=f"Ask for 0 to {MAX_STEPS}")
    # A bad query, or a pack that doesn't run, is reported before the footage is read.
    vector = query_vector(query, encoder) if query_example is None else query_example.vector
    coverage = index_footage(
        paths, catalog, encoder, on_progress, footage_filter=footage_filter, read_new=read_new, read=read
    )
    if not coverage.searched:
        raise UserError(_nothing_searched(coverage))
    on_indexed(coverage)

    grounder = grounder or TwoTower(catalog, encoder)
    looks = grounder.steps_that_look_closer(steps)

    def searched(path: Path) -> Path:
        """Where the search has the footage of `path`: perhaps in a copy."""
        return coverage.media.get(catalog.media_id(path) or 0, path)

    judgements = [replace(each, path=searched(each.path)) for each in judgements]
    if query_example is not None:
        query_example = replace(query_example, path=searched(query_example.path))
    vector, counted = judged_vector(
        vector, judgements, lambda path: catalog.load(path, encoder.pack.sha256), encoder.background
    )
    items: dict[Path, Indexed] = {}

    def item_of(path: Path) -> Indexed:
        if path not in items:
            items[path] = catalog.load(path, encoder.pack.sha256)
        return items[path]

    def score_of(footage: Footage, segment: Segment) -> float:
        try:
            return grounder.score(search, item_of(footage.media.path), segment)
        except KeyError:  # it has left the library since it was found
            return 0.0

    moments: list[Moment] = []
    files, best = catalog.best_files(encoder.pack.sha256, vector, coverage.media, max(MAX_FILES, top))
    shown = {each.path for each in counted if each.is_right}
    if query_example is not None and query_example.frame is not None:
        shown.add(query_example.path)
        judgements = [*judgements, Judgement(query_example.path, query_example.frame, False)]  # it isn't its own answer
    best = best[len(shown.intersection(coverage.media.values())) :]  # the first are their own pictures
    search = Search(query, vector, len(coverage.media), best)
    for item, moments in best_moments(search, files, grounder, top, steps - looks, judgements):
        items[item.media.path] = item
        on_moments(apart(moments))
    if video_grounder is not None and query_example is None:  # an example isn't words
        footage = Searched(query, lambda: _footage(coverage.media.values(), catalog), score_of)
        moments = ranked(video_grounder.ground(moments, footage, on_moments, on_window, check), judgements)
    for rank, moment in enumerate(moments if looks else ()):
        # Decoding takes time; a guess isn't worth it, unless it is the best answer or a model's.
        is_worth_it = moment.confident or rank == 0 or moment.refinement.kept.by is StepSource.MODEL
        if is_worth_it and moment.media.path in items:
            moments[rank] = grounder.look_closer(search, items[moment.media.path], moment)
            on_moments(apart(moments))
    moments = apart(moments)  # looking closer moves edges, also into another answer
    moments = Joiner(
        catalog, grounder, search, encoder, set(coverage.media.values()), top, steps - looks, looks > 0
    ).joined(moments)
    if query_example is None:
        pack = encoder.pack

        def best_of(path: Path) -> list[Moment]:
            try:
                item = catalog.load(path, pack.sha256)
            except KeyError:  # its vectors have left the library since it was found
                return []
            return grounder.moments(search, item, top + len(judgements), steps - looks)

        written = Written(query, paths, coverage, catalog, top, judgements, best_of, steps > 0, pack.threshold)
        moments = written.joined_with(moments)
        # No pictures support speech, so it gets half of the answer at most.
        said = without_wrong(text_moments(query, coverage, catalog, pack.threshold), judgements)
        moments += islice(said, max(top // 2, 1))
    moments = ranked(moments, judgements)[:top]
    catalog.answered.note([moment.media.path for moment in moments if moment.is_coarse or not moment.footage.is_whole])
    return Answer(
        query=query,
        pack=encoder.pack.name,
        pack_sha256=encoder.pack.sha256,
        device=encoder.device,
        coverage=coverage,
        searched_s=coverage.searched_s,
        moments=tuple(moments),
        cut=() if query_example is not None else cut_terms(query, encoder),
        judgements=counted,
        grounder="" if video_grounder is None else video_grounder.pack.name,
        notes=() if video_grounder is None else tuple(video_grounder.notes),
        is_calibrated=video_grounder is not None and video_grounder.is_calibrated,
    )


def best_moments(
    search: Search,
    files: Iterable[Indexed],
    grounder: Grounder,
    top: int,
    steps: int,
    judgements: Sequence[Judgement] = (),
) -> Iterator[tuple[Indexed, list[Moment]]]:
    """Each file read, best first, with the `top` best moments of all files up to it, refined in `steps` steps.

    files: those with the best frames first; no more are read once they have enough rows. judgements: as for `find`.
    """
    moments: list[Moment] = []
    rows = 0
    for count, item in enumerate(files, 1):
        wrong = sum(each.path == item.media.path and not each.is_right for each in judgements)
        moments += grounder.moments(search, item, top + wrong, steps)
        moments = ranked(moments, judgements)[:top]
        yield item, moments
        rows += len(item.vectors)
        if count >= top and rows >= MAX_ROWS:
            break


def refine(
    moment: Moment, catalog: Catalog, encoder: Encoder, *, grounder: Grounder | None = None, example: str | None = None
) -> Moment:
    """One moment of a search with the steps that look closer, as `find` takes them for the best ones.

    Another pack may have found the moment: the new steps begin at its edges, and all their vectors are of `encoder`.
    example: PICTURE or MEDIA@SECONDS, searched for instead of the query. Raises UserError if the file has left the
    library, isn't indexed with this pack that far or can't be read now, or for an example that can't be read.
    """
    path = moment.media.path
    grounder = grounder or TwoTower(catalog, encoder)
    vector = query_vector(moment.query, encoder) if example is None else load_example(example, catalog, encoder).vector
    item = file_of(moment, catalog, encoder.pack)
    refined = grounder.look_closer(Search(moment.query, vector), item, moment)
    if len(refined.refinement.steps) == len(moment.refinement.steps):
        raise UserError("The file can't be read now", path=path, remedy="Connect its drive")
    return refined


def _footage(paths: Iterable[Path], catalog: Catalog) -> Iterator[Footage]:
    for path in paths:
        with suppress(KeyError):  # it has left the library since it was found
            yield catalog.footage(path)


def _nothing_searched(coverage: Coverage) -> str:
    if not coverage.files:
        return "There are no files to search"
    # What never was footage is no cause, unless there is nothing else.
    footage = [each for each in coverage.skipped if not is_never_footage(each.path)] or coverage.skipped
    counted = Counter(skipped.reason for skipped in footage)
    left_out = {reason: count for reason, count in counted.items() if reason.startswith(LEFT_OUT)}
    if 2 * sum(left_out.values()) >= len(footage):
        causes = ", ".join(f"{reason.removeprefix(LEFT_OUT)} ({_files(count)})" for reason, count in left_out.items())
        return f"No file is left by the filters: {causes}"
    reason, count = next(each for each in counted.most_common() if each[0] not in left_out)
    name = next(printable(skipped.path.name) for skipped in footage if skipped.reason == reason)
    more = f" (and {count - 1} more like it)" if count > 1 else ""
    return f"None of the {coverage.files} files can be searched: {name}: {reason}{more}"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
