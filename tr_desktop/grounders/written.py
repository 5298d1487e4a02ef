"""What is written beside what is seen: text in the pictures and the names of files, in one list by chance.

A moment with both gains. The evidence is taken as independent: a moment is wrong only if each of its reasons is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from tr_desktop.errors import MediaError
from tr_desktop.footage.cuts import cut_between
from tr_desktop.library.index.coverage import Coverage
from tr_desktop.library.search.by_name import named_files
from tr_desktop.library.search.by_screen import screen_moments
from tr_desktop.library.search.feedback import ranked, without_wrong
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Judgement, Moment, Quote, Refinement, RefineStep, Segment, StepSource, TextKind
from tr_desktop.refine.apart import apart

_SAME_IOU = 0.5
_FIRST_S = Fraction(5)  # of a file that is named and has no picture to begin with
# A text appears at most this far from a row of the index at which the picture changes.
_NEAR_S = Fraction(1, 2)


@dataclass(frozen=True)
class Written:
    """The written evidence of one search. paths: as they were given. top: the number of moments wanted.

    judgements: answers marked right or wrong. best_of: the moments of a file, best first, by its pictures. looks:
    whether edges may be looked for in frames. threshold: the score from which a moment is called confident.
    """

    query: str
    paths: Sequence[Path]
    coverage: Coverage
    catalog: Catalog
    top: int
    judgements: Sequence[Judgement]
    best_of: Callable[[Path], Sequence[Moment]]
    looks: bool
    threshold: float

    def joined_with(self, moments: Sequence[Moment]) -> list[Moment]:
        """The best of `moments`, which were found by what is seen, and of what is written; each with its reason."""
        most = self.top + len(self.judgements)
        texts = screen_moments(self.query, self.coverage, self.catalog, self.threshold, most)
        best = ranked(self._with_texts(self._with_names(moments), texts), self.judgements)[: self.top]
        if not self.looks:
            return best
        read = [begin_and_end_at_cuts(moment) for moment in best if _is_read(moment)]
        seen = [moment for moment in best if not _is_read(moment)]
        # A cut may be in another answer, whose edge is then the wrong one.
        return ranked(apart([*read, *seen]), self.judgements)

    def _with_names(self, moments: Sequence[Moment]) -> list[Moment]:
        """`moments`, the best of each named file with a better score, and one of each file that is named only."""
        left = list(moments)
        for named in named_files(self.query, self.paths, self.coverage)[: self.top]:
            best = next((moment for moment in left if _has_part_of(moment, named.path)), None)
            if best is not None:
                if best.quote is not None:
                    continue  # it goes on from a file that was named too
                left.remove(best)
            else:
                there = self.best_of(named.path) or [self._beginning(named.path)]
                best = next(without_wrong(there, self.judgements), None)
                if best is None:
                    continue  # all of it was marked wrong
            quote = Quote(named.name, named.path, TextKind.NAME)
            left.append(self._with_reason(best, quote, named.chance))
        return sorted(left, key=lambda moment: -moment.score)

    def _with_texts(self, moments: Sequence[Moment], texts: Sequence[Moment]) -> list[Moment]:
        """Both, best first and without overlaps. A text that is also seen has its own edges."""
        left, joined = list(moments), list[Moment]()
        for text in texts:
            seen = next((moment for moment in left if _iou(moment, text) >= _SAME_IOU), None)
            if seen is not None and text.quote is not None:
                left.remove(seen)
                joined.append(self._with_reason(text, text.quote, seen.score))
            else:
                joined.append(text)
        return apart(sorted([*left, *joined], key=lambda moment: -moment.score))

    def _beginning(self, path: Path) -> Moment:
        """The first seconds of a file."""
        footage = self.catalog.footage(path)
        end = max(footage.times.boundary_at(min(_FIRST_S, footage.times.duration_s)), 1)
        step = RefineStep(0, Segment(0, end), Fraction(0), footage.times.time_s(end), 0.0, 0.0, 0.0)
        return Moment(footage, Refinement((step,), 0), 0.0, False, self.query)

    def _with_reason(self, moment: Moment, quote: Quote, chance: float) -> Moment:
        def raised(score: float) -> float:
            return 1 - (1 - score) * (1 - chance)

        steps = tuple(replace(step, score=raised(step.score)) for step in moment.refinement.steps)
        score = raised(moment.score)
        return replace(
            moment,
            refinement=Refinement(steps, moment.refinement.stop),
            score=score,
            confident=score >= self.threshold,
            quote=quote,
        )


def begin_and_end_at_cuts(moment: Moment) -> Moment:
    """A moment of text in the picture with its edges at the cuts near them, if there are any."""
    kept, times = moment.refinement.kept, moment.times
    placed = [kept.segment.start_frame, kept.segment.end_frame]
    are_exact = [kept.start_is_exact, kept.end_is_exact]
    with suppress(MediaError):  # it went away after it was indexed
        for edge, edge_s in enumerate((kept.start_s, kept.end_s)):
            if not are_exact[edge]:
                last = min(times.frame_at(min(edge_s + _NEAR_S, times.duration_s)), len(times) - 1)
                cut = cut_between(moment.footage, times.frame_at(max(edge_s - _NEAR_S, Fraction(0))), last)
                if cut is not None:
                    placed[edge], are_exact[edge] = cut, True
    segment = Segment(*placed)
    if segment == kept.segment or segment.frames < 1:
        return moment
    step = replace(
        kept,
        step=len(moment.refinement.steps),
        segment=segment,
        start_s=times.time_s(segment.start_frame),
        end_s=times.time_s(segment.end_frame),
        start_confidence=1.0 if are_exact[0] else kept.start_confidence,
        end_confidence=1.0 if are_exact[1] else kept.end_confidence,
        start_is_exact=are_exact[0],
        end_is_exact=are_exact[1],
        by=StepSource.FRAMES,
    )
    steps = (*moment.refinement.steps, step)
    return replace(moment, refinement=Refinement(steps, len(steps) - 1))


def _is_read(moment: Moment) -> bool:
    return moment.quote is not None and moment.quote.kind is TextKind.SCREEN


def _has_part_of(moment: Moment, path: Path) -> bool:
    return any(part.footage.media.path == path for part in moment.parts)


def _iou(a: Moment, b: Moment) -> float:
    if a.media.path != b.media.path:
        return 0.0
    both = min(a.segment.end_frame, b.segment.end_frame) - max(a.segment.start_frame, b.segment.start_frame)
    return max(both, 0) / (a.segment.frames + b.segment.frames - max(both, 0))
