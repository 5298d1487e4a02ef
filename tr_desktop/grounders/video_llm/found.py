"""The moments of a search while a model looks at them: its steps follow theirs; what it finds elsewhere is added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tr_desktop.grounders.video_llm.asking import Proposal, span_of
from tr_desktop.grounders.video_llm.judging import CONFIDENT
from tr_desktop.moments import Footage, Moment, Refinement, RefineStep, StepSource

OnMoments = Callable[[Sequence[Moment]], None]


@dataclass(frozen=True)
class Judged:
    """An answer of the model, and whether it counts.

    about: the number of the moment that it is about; None if it shares time with none. evidence: what speaks for it, by
    name. score: the calibrated one, None without weights. is_kept: whether it is the answer now; otherwise it is only
    shown. closer: the answer about the closer window, if that counts instead.
    """

    answer: Proposal
    about: int | None
    evidence: dict[str, float]
    score: float | None
    is_kept: bool
    closer: Proposal | None = None

    @property
    def best(self) -> Proposal:
        return self.closer or self.answer


class Found:
    """moments: of the search, best first. on_moments: called whenever they have changed."""

    def __init__(self, query: str, moments: Sequence[Moment], on_moments: OnMoments) -> None:
        self.moments = list(moments)
        self._query, self._on_moments = query, on_moments
        # What was found where no moment was, by the number of the moment that it stands before or after.
        self._before: dict[int, list[Moment]] = {}
        self._after: dict[int, list[Moment]] = {}

    def about(self, proposal: Proposal, candidates: Sequence[int]) -> int | None:
        """The candidate that shares most time with the proposal; None if none shares any."""
        kept = {number: span_of(self.moments[number].refinement.kept) for number in candidates}
        shared = {number: proposal.span.shared_s(span) for number, span in kept.items()}
        best = max(candidates, key=lambda number: shared[number], default=None)
        return best if best is not None and shared[best] > 0 else None

    def is_confirmed(self, number: int) -> bool:
        """Whether the answer of the model is that of the moment."""
        return number < len(self.moments) and self.moments[number].refinement.kept.by is StepSource.MODEL

    def show(self, proposal: Proposal, number: int | None) -> None:
        """Append a step to a moment; to none, it is not shown yet."""
        if number is not None:
            moment = self.moments[number]
            steps = moment.refinement.steps
            added = replace(proposal.step, step=len(steps), score=moment.score)
            self.moments[number] = replace(moment, refinement=replace(moment.refinement, steps=(*steps, added)))
            self._on_moments(self.all())

    def keep(self, number: int, judged: Judged) -> None:
        """The answer, which was shown, is that of the moment now."""
        moment = self.moments[number]
        steps = list(moment.refinement.steps)
        stop = max(step.step for step in steps if _is_same(step, judged.best.step))
        score = moment.score if judged.score is None else judged.score
        steps[stop] = replace(steps[stop], score=score)
        self.moments[number] = replace(
            moment,
            refinement=Refinement(tuple(steps), stop),
            score=score,
            confident=moment.confident if judged.score is None else judged.score >= CONFIDENT,
        )
        self._on_moments(self.all())

    def add(self, footage: Footage, steps: Sequence[RefineStep], judged: Judged, candidates: Sequence[int]) -> None:
        """What the model alone found is a moment of its own. steps: on the way there, the last one counts.

        candidates: the moments in the window. Without weights its own score isn't known. It has that of the first of
        these, or of the first moment that the model hasn't confirmed, and stands before it; after a confirmed one.
        """
        its_own = [each for each in self.all() if each.refinement.kept.by is StepSource.MODEL]
        if any(each.media.path == footage.media.path and _is_in(each, steps[-1]) for each in its_own):
            return  # windows of a sweep share a quarter
        place = candidates[0] if candidates else self._first_unconfirmed()
        score, confident = 0.0, False
        if judged.score is not None:
            score, confident = judged.score, judged.score >= CONFIDENT
        elif self.moments:
            score, confident = self.moments[place].score, self.moments[place].confident
        numbered = tuple(replace(step, step=number, score=score) for number, step in enumerate(steps))
        moment = Moment(footage, Refinement(numbered, len(numbered) - 1), score, confident, self._query)
        (self._after if self.is_confirmed(place) else self._before).setdefault(place, []).append(moment)
        self._on_moments(self.all())

    def doubt(self) -> None:
        """The model saw the event nowhere: no moment is confident."""
        self.moments = [replace(each, confident=each.confident and each.quote is not None) for each in self.moments]
        self._on_moments(self.all())

    def all(self) -> list[Moment]:
        """All moments; what the model found elsewhere stands before the moment that it doesn't confirm, or after it."""
        if not self.moments:
            return list(self._before.get(0, ()))
        return [
            each
            for number, moment in enumerate(self.moments)
            for each in (*self._before.get(number, ()), moment, *self._after.get(number, ()))
        ]

    def _first_unconfirmed(self) -> int:
        """The number of the first moment that the model hasn't confirmed, or of the last one; 0 if there is none."""
        numbers = range(len(self.moments))
        return next((number for number in numbers if not self.is_confirmed(number)), max(len(numbers) - 1, 0))


def _is_same(shown: RefineStep, step: RefineStep) -> bool:
    return shown.by is StepSource.MODEL and shown.segment == step.segment and shown.said == step.said


def _is_in(moment: Moment, step: RefineStep) -> bool:
    """Whether most of the shorter one of the two lies in the other."""
    one, other = span_of(moment.refinement.kept), span_of(step)
    return 2 * one.shared_s(other) > min(one.length_s, other.length_s)
