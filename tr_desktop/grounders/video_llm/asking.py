"""One question to a model: from a window of a file to pictures, and from what the model writes to steps on frames."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tr_desktop.footage.fitted import Fitted
from tr_desktop.footage.seek import find_frames
from tr_desktop.grounders.video_llm.answers import WrittenSegment
from tr_desktop.grounders.video_llm.messages import Presence, Question
from tr_desktop.grounders.video_llm.windows import Span
from tr_desktop.grounders.video_llm.worker import GrounderWorker
from tr_desktop.moments import Footage, RefineStep, Segment, StepSource


@dataclass(frozen=True)
class View:
    """A window of a file as a model sees it: a picture every `every_s` seconds."""

    footage: Footage
    window: Span
    every_s: Fraction

    def __str__(self) -> str:
        return f"{float(self.window.start_s):.0f} to {float(self.window.end_s):.0f} s"


@dataclass(frozen=True)
class Proposal:
    """A segment that a model wrote. step: its place; number and score are not known yet. is_answer: otherwise a step on
    the way.

    edges: log-probability of the digits of both edges, the mean of the two; None if the server gives none. That isn't
    the chance that an edge is right.
    """

    step: RefineStep
    is_answer: bool
    edges: float | None

    @property
    def span(self) -> Span:
        return span_of(self.step)


@dataclass(frozen=True)
class Reply:
    """What a model wrote about one view. presence: its probability that the event is there, None if it didn't say."""

    view: View
    proposals: tuple[Proposal, ...]
    presence: float | None

    @property
    def answers(self) -> list[Proposal]:
        return [each for each in self.proposals if each.is_answer]


@dataclass(frozen=True)
class Model:
    """A running model and the query that it is asked about. side_px: of the pictures' longer side. timeout_s: for each
    question. check: called many times a second; raises to give up."""

    worker: GrounderWorker
    query: str
    side_px: int
    timeout_s: float
    check: Callable[[], None]

    def ground(self, view: View, on_proposal: Callable[[Proposal], None]) -> Reply:
        """Ask when the event is, and whether it is there. on_proposal: called with each segment as it is written.

        Raises WindowLost if there is no answer, MediaError if the pictures can't be read.
        """
        proposals, presence = list[Proposal](), None
        for reply in self.worker.ask(self._question(view), self.check, self.timeout_s):
            if isinstance(reply, Presence):
                presence = reply.probability
            elif (proposal := _placed(view, reply)) is not None:
                proposals.append(proposal)
                on_proposal(proposal)
        return Reply(view, tuple(proposals), presence)

    def presence(self, view: View) -> float | None:
        """Ask only whether the event is there: the probability, None if the answer was neither yes nor no.

        Raises WindowLost if there is no answer, MediaError if the pictures can't be read.
        """
        replies = self.worker.ask(self._question(view, only_presence=True), self.check, self.timeout_s)
        return next((reply.probability for reply in replies if isinstance(reply, Presence)), None)

    def _question(self, view: View, *, only_presence: bool = False) -> Question:
        """The pictures of a window at a steady rate."""
        times, window = view.footage.times, view.window
        count = -(-window.length_s // view.every_s)
        frames = sorted({times.frame_at(window.start_s + number * view.every_s) for number in range(int(count))})
        picture_of = Fitted(view.footage.media, self.side_px)
        pictures = [picture_of(frame) for _, frame in find_frames(view.footage, frames)]
        # The first frame may have been on screen before the window.
        times_s = tuple(max(times.time_s(frame) - window.start_s, Fraction(0)) for frame in frames)
        return Question(self.query, np.stack(pictures), times_s, window.length_s, only_presence)


def span_of(step: RefineStep) -> Span:
    return Span(step.start_s, step.end_s)


def _placed(view: View, written: WrittenSegment) -> Proposal | None:
    """The written segment on frames of the file; None if it is empty or outside the window.

    Its edges have no confidence: the probability of a digit isn't the chance that an edge is right.
    """
    times, window = view.footage.times, view.window
    start, end = (
        times.boundary_at(min(max(window.start_s + time_s, window.start_s), window.end_s))
        for time_s in (written.start_s, written.end_s)
    )
    if start >= end:
        return None
    step = RefineStep(
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
    return Proposal(step, written.is_answer, _mean_log(written.start_probability, written.end_probability))


def _mean_log(start: float | None, end: float | None) -> float | None:
    if not start or not end:
        return None
    return (math.log(start) + math.log(end)) / 2
