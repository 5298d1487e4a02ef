"""A video language model looks at the best moments; its steps follow theirs, and its answer is kept.

    moments ─ windows around them ─▶ pictures ─ worker ─▶ segments, as they are written ─▶ steps on frames

The model knows when something happens, to about half a second; looking closer then finds the exact frame.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from tr_desktop.errors import MediaError
from tr_desktop.footage.fitted import Fitted
from tr_desktop.footage.seek import find_frames
from tr_desktop.grounders.video_llm.answers import WrittenSegment
from tr_desktop.grounders.video_llm.messages import Presence, Question
from tr_desktop.grounders.video_llm.packs import GrounderPack
from tr_desktop.grounders.video_llm.windows import Span, widened, windows_around
from tr_desktop.grounders.video_llm.worker import GrounderWorker, WindowLost
from tr_desktop.moments import Footage, Moment, Refinement, RefineStep, Segment, StepSource
from tr_desktop.names import printable

DEFAULT_MOST = 3
DEFAULT_TIMEOUT_S = 120.0
_WIDENINGS = 2
_PRESENT = 0.5

OnMoments = Callable[[Sequence[Moment]], None]


@dataclass
class VideoGrounder:
    """Asks one model about the `most` best moments. Open it before a search, close it after use.

    timeout_s: for each window. notes: what went wrong in the last search, a sentence for each window.
    """

    pack: GrounderPack
    most: int = DEFAULT_MOST
    timeout_s: float = DEFAULT_TIMEOUT_S
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._worker = GrounderWorker(self.pack)
        self._lock = threading.Lock()  # a search that was given up may still be about to let go

    def open(self, check: Callable[[], None] = lambda: None) -> None:
        """Start the model. Raises UserError if it can't be used."""
        self._worker.open(check)

    def close(self) -> None:
        self._worker.close()

    def ground(
        self, moments: Sequence[Moment], on_moments: OnMoments, check: Callable[[], None] = lambda: None
    ) -> list[Moment]:
        """`moments`, best first, with the model's steps in the best ones; what it found elsewhere is a moment too.

        on_moments: called after each step that the model writes. check: called many times a second, raises to give up.
        """
        with self._lock:
            return self._ground(moments, on_moments, check)

    def _ground(self, moments: Sequence[Moment], on_moments: OnMoments, check: Callable[[], None]) -> list[Moment]:
        self.notes.clear()
        found = _Found(list(moments), on_moments)
        numbers = {id(moment): number for number, moment in enumerate(moments)}
        asked = [moment for moment in moments if moment.quote is None][: self.most]
        for path in dict.fromkeys(moment.media.path for moment in asked):
            of_file = [moment for moment in asked if moment.media.path == path]
            footage = of_file[0].footage
            spans = [_span(moment.refinement.kept) for moment in of_file]
            for window, inside in windows_around(spans, footage.times.duration_s, self.pack.window_s):
                candidates = sorted(numbers[id(of_file[number])] for number in inside)
                try:
                    self._look(footage, window, candidates, found, check)
                except (WindowLost, MediaError) as lost:
                    self.notes.append(f"{self.pack.name} gave no answer about {_place(footage, window)}: {lost}")
        return found.with_others()

    def _look(
        self, footage: Footage, window: Span, candidates: list[int], found: _Found, check: Callable[[], None]
    ) -> None:
        """Ask about one window, again about a wider one if the answer lies at its edge, and keep the last answer."""
        query = found.moments[candidates[0]].query
        for widening in range(_WIDENINGS + 1):
            answers, presence = list[RefineStep](), None
            question = _question(footage, window, query, self.pack)
            for reply in self._worker.ask(question, check, self.timeout_s):
                if isinstance(reply, Presence):
                    presence = reply.probability
                elif (step := _placed(footage, window, reply)) is not None:
                    if reply.is_answer:
                        answers.append(step)
                    found.show(step, candidates, is_answer=reply.is_answer)
            wider = widened(window, [_span(step) for step in answers], footage.times.duration_s)
            if wider is None or widening == _WIDENINGS:
                break
            window = wider
        if not answers:
            self.notes.append(f"{self.pack.name} gave no time for {_place(footage, window)}")
        elif presence is None or presence >= _PRESENT:
            found.keep(answers, candidates)


class _Found:
    """The moments of a search while a model looks at them."""

    def __init__(self, moments: list[Moment], on_moments: OnMoments) -> None:
        self.moments, self._on_moments = moments, on_moments
        self._others: dict[int, list[Moment]] = {}  # found where no moment was, by the moment that they stand before
        self._after: dict[int, list[Moment]] = {}

    def show(self, step: RefineStep, candidates: Sequence[int], *, is_answer: bool) -> None:
        """Append a step to the moment that it is about. An answer about none of them waits until it is kept."""
        number = self._about(step, candidates)
        if number is None:
            if is_answer:
                return
            number = candidates[0]
        moment = self.moments[number]
        steps = moment.refinement.steps
        added = replace(step, step=len(steps), score=moment.score)
        self.moments[number] = replace(moment, refinement=replace(moment.refinement, steps=(*steps, added)))
        self._on_moments(self.moments)

    def keep(self, answers: Sequence[RefineStep], candidates: Sequence[int]) -> None:
        """Keep, for each moment, the answer that shares most with it; the others are moments of their own."""
        about = {number: [each for each in answers if self._about(each, candidates) == number] for number in candidates}
        for number, own in about.items():
            moment = self.moments[number]
            if own:
                first = _span(moment.refinement.kept)
                best = max(own, key=lambda each: _span(each).shared_s(first))
                stop = max(s.step for s in moment.refinement.steps if s.segment == best.segment)
                self.moments[number] = replace(moment, refinement=replace(moment.refinement, stop=stop))
        kept = {id(each) for own in about.values() for each in own}
        place = candidates[0]
        others = self._after if about[place] else self._others
        for answer in answers:
            if id(answer) not in kept:
                others.setdefault(place, []).append(_new(self.moments[place], answer))
        self._on_moments(self.moments)

    def with_others(self) -> list[Moment]:
        """All moments; what the model found elsewhere stands before the moment that it doesn't confirm, or after it."""
        return [
            each
            for number, moment in enumerate(self.moments)
            for each in (*self._others.get(number, ()), moment, *self._after.get(number, ()))
        ]

    def _about(self, step: RefineStep, candidates: Sequence[int]) -> int | None:
        """The moment that shares most time with the step; None if none shares any."""
        shared = {number: _span(step).shared_s(_span(self.moments[number].refinement.kept)) for number in candidates}
        best = max(candidates, key=lambda number: shared[number])
        return best if shared[best] > 0 else None


def _question(footage: Footage, window: Span, query: str, pack: GrounderPack) -> Question:
    """The pictures of a window at a steady rate. Raises MediaError if they can't be read."""
    times = footage.times
    step_s = max(1 / pack.fps, window.length_s / pack.frames_most)
    count = -(-window.length_s // step_s)
    frames = sorted({times.frame_at(window.start_s + number * step_s) for number in range(int(count))})
    picture_of = Fitted(footage.media, pack.side_px)
    pictures = [picture_of(frame) for _, frame in find_frames(footage, frames)]
    # The first frame may have been on screen before the window.
    times_s = tuple(max(times.time_s(frame) - window.start_s, Fraction(0)) for frame in frames)
    return Question(query, np.stack(pictures), times_s, window.length_s)


def _placed(footage: Footage, window: Span, written: WrittenSegment) -> RefineStep | None:
    """The written segment on frames of the file; None if it is empty or outside the window.

    Its edges have no confidence: the probability of a digit isn't the chance that an edge is right.
    """
    times = footage.times
    start, end = (
        times.boundary_at(min(max(window.start_s + time_s, window.start_s), window.end_s))
        for time_s in (written.start_s, written.end_s)
    )
    if start >= end:
        return None
    return RefineStep(
        step=0,
        segment=Segment(start, end),
        start_s=times.time_s(start),
        end_s=times.time_s(end),
        score=0.0,
        start_confidence=None,
        end_confidence=None,
        by=StepSource.MODEL,
        said=written.said,
    )


def _new(beside: Moment, answer: RefineStep) -> Moment:
    """A moment that only the model found, with the score of the one whose window it is in."""
    step = replace(answer, step=0, score=beside.score)
    return replace(beside, refinement=Refinement((step,), 0), continued=())


def _span(step: RefineStep) -> Span:
    return Span(step.start_s, step.end_s)


def _place(footage: Footage, window: Span) -> str:
    return f"{printable(footage.media.path.name)} from {float(window.start_s):.0f} to {float(window.end_s):.0f} s"
