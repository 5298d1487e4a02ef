"""A video language model looks at the best moments, or at all footage; its steps follow theirs, and its answer is kept.

    moments ─ windows around them ─▶ pictures ─ worker ─▶ segments, as they are written ─▶ steps on frames
    all footage ─ windows over it ─▶ is it there at all? ─ the best windows ─▶ the same

The model knows when something happens, to about half a second. A closer window, in which pictures follow each other
faster, makes that finer; looking closer at single frames then finds the exact one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from tr_desktop.errors import MediaError
from tr_desktop.grounders.video_llm.asking import Model, Proposal, Reply, View, span_of
from tr_desktop.grounders.video_llm.found import Found, Judged, OnMoments
from tr_desktop.grounders.video_llm.judging import PRESENT, calibrated_score, evidence
from tr_desktop.grounders.video_llm.packs import GrounderPack
from tr_desktop.grounders.video_llm.windows import Span, closer_window, sweep, touches, widened, windows_around
from tr_desktop.grounders.video_llm.worker import GrounderWorker, WindowLost
from tr_desktop.moments import Footage, Moment, Segment
from tr_desktop.names import printable

DEFAULT_MOST = 3
DEFAULT_TIMEOUT_S = 120.0
_WIDENINGS = 2
_CLOSER_FPS = Fraction(8)
_CLOSER_AT_LEAST = Fraction(3, 2)  # times as many pictures a second as before; fewer show nothing new
_SAME = 0.05  # a probability falls if it falls by more: pictures of another size and time change it a little
_SAME_LOG = 0.1

OnWindow = Callable[[int, int], None]
"""How many windows are done, and how many there are."""


@dataclass(frozen=True)
class Searched:
    """A search, as far as a model needs it. footage: all that was searched. score_of: what the search gives a segment
    that it didn't find itself."""

    query: str
    footage: Callable[[], Iterable[Footage]]
    score_of: Callable[[Footage, Segment], float]


@dataclass(frozen=True)
class Looked:
    """What came of one window. first: the first segment that the model wrote. presence: None if it didn't say."""

    footage: Footage
    first: Proposal | None
    answers: tuple[Judged, ...]
    presence: float | None


@dataclass
class VideoGrounder:
    """Asks one model about the `most` best moments. Open it before a search, close it after use.

    everywhere: asks about all footage first whether the event is there, and looks at the `most` best windows instead.
    closer: whether it asks again about a closer window. timeout_s: for each question. device, quantise: as in
    `GrounderWorker`. Of the last search: notes, what went wrong, as sentences; looked, what came of each window.
    """

    pack: GrounderPack
    most: int = DEFAULT_MOST
    timeout_s: float = DEFAULT_TIMEOUT_S
    everywhere: bool = False
    closer: bool = True
    device: str = "auto"
    quantise: str = "none"
    notes: list[str] = field(default_factory=list)
    looked: list[Looked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._worker = GrounderWorker(self.pack, self.device, self.quantise)
        self._lock = threading.Lock()  # a search that was given up may still be about to let go

    def open(self, check: Callable[[], None] = lambda: None) -> None:
        """Start the model. Raises UserError if it can't be used."""
        self._worker.open(check)

    def close(self) -> None:
        self._worker.close()

    @property
    def is_calibrated(self) -> bool:
        """Whether the scores of what it kept in the last search were computed with the pack's weights."""
        kept = [answer for looked in self.looked for answer in looked.answers if answer.is_kept]
        return self.pack.calibration is not None and all(answer.score is not None for answer in kept)

    def ground(
        self,
        moments: Sequence[Moment],
        searched: Searched,
        on_moments: OnMoments,
        on_window: OnWindow = lambda *_: None,
        check: Callable[[], None] = lambda: None,
    ) -> list[Moment]:
        """`moments`, best first, with the model's steps in the best ones; what it found elsewhere is a moment too.

        on_moments: called after each step that the model writes. check: called many times a second, raises to give up.
        """
        with self._lock:
            found = Found(searched.query, moments, on_moments)
            model = Model(self._worker, searched.query, self.pack.side_px, self.timeout_s, check)
            run = _Run(self, model, searched, found, on_window)
            self.looked.clear()
            self.notes.clear()
            (run.sweep if self.everywhere else run.best)()
            self.notes[:] = run.sentences()
            return found.all()


class _Run:
    """One search with a model."""

    def __init__(
        self, grounder: VideoGrounder, model: Model, searched: Searched, found: Found, on_window: OnWindow
    ) -> None:
        self._grounder, self._model, self._searched, self._found = grounder, model, searched, found
        self._pack, self._on_window = grounder.pack, on_window
        self._presences = list[float | None]()  # of the windows, None also for those that were lost
        self._lost: dict[tuple[str, str], list[str]] = {}  # places by the file and what happened

    def best(self) -> None:
        """Look at windows around the best moments."""
        seen = [number for number, moment in enumerate(self._found.moments) if moment.quote is None]
        asked = seen[: self._grounder.most]
        looks = list[tuple[View, list[int]]]()
        for path in dict.fromkeys(self._found.moments[number].media.path for number in asked):
            numbers = [number for number in asked if self._found.moments[number].media.path == path]
            footage = self._found.moments[numbers[0]].footage
            spans = [span_of(self._found.moments[number].refinement.kept) for number in numbers]
            for window, inside in windows_around(spans, footage.times.duration_s, self._pack.window_s):
                looks.append((self._view(footage, window), sorted(numbers[each] for each in inside)))
        for done, (view, candidates) in enumerate(looks):
            self._on_window(done, len(looks))
            self._presences.append(self._look(view, candidates))
        self._on_window(len(looks), len(looks))
        self._doubt()

    def sweep(self) -> None:
        """Ask of all windows of all footage whether the event is there, and look at the best ones."""
        views = [
            self._view(footage, window)
            for footage in self._searched.footage()
            for window in sweep(footage.times.duration_s, self._pack.window_s)
        ]
        most = min(self._grounder.most, len(views))
        for done, view in enumerate(views):
            self._on_window(done, len(views) + most)
            self._presences.append(self._presence(view))
        known = [(p, view) for p, view in zip(self._presences, views, strict=True) if p is not None]
        likely = sorted(known, key=lambda each: -each[0])[:most]
        for done, (_, view) in enumerate(likely):
            self._on_window(len(views) + done, len(views) + most)
            self._presences.append(self._look(view, self._in(view)))
        self._on_window(len(views) + most, len(views) + most)
        self._doubt()

    def sentences(self) -> list[str]:
        """What went wrong: a sentence for each file and reason."""
        said = []
        for (about, why), places in self._lost.items():
            more = f", and about {len(places) - 1} more of its windows" if len(places) > 1 else ""
            said.append(f"{self._pack.name} {about} from {places[0]}{more}{why}")
        kept = [answer for looked in self._grounder.looked for answer in looked.answers if answer.is_kept]
        if self._pack.calibration is not None and any(answer.score is None for answer in kept):
            said.append(
                f"{self._pack.name} didn't give all the probabilities that its calibration needs: scores are those of"
                " the search"
            )
        return said

    def _view(self, footage: Footage, window: Span, fps: Fraction | None = None) -> View:
        return View(footage, window, max(1 / (fps or self._pack.fps), window.length_s / self._pack.frames_most))

    def _in(self, view: View) -> list[int]:
        """The moments of which a window shows a part, without those that the model has confirmed."""
        path = view.footage.media.path
        return [
            number
            for number, moment in enumerate(self._found.moments)
            if moment.quote is None
            and moment.media.path == path
            and not self._found.is_confirmed(number)  # in the window before, which shares a quarter
            and view.window.shared_s(span_of(moment.refinement.kept)) > 0
        ]

    def _presence(self, view: View) -> float | None:
        try:
            presence = self._model.presence(view)
            if presence is None:
                self._note("didn't say whether the event is in", view, "")
            return presence
        except (WindowLost, MediaError) as lost:
            self._lose(view, lost)
            return None

    def _look(self, view: View, candidates: list[int]) -> float | None:
        """Ask about one window and keep what counts of the answer; the probability that the event is there."""
        try:
            reply = self._widening(self._ask(view, candidates), candidates)
        except (WindowLost, MediaError) as lost:
            self._lose(view, lost)
            return None
        if not reply.answers and _is_there(reply):
            self._note("gave no time for", reply.view, "")
        judged = [self._judged(reply, answer, candidates) for answer in self._one_for_each(reply, candidates)]
        for each in judged:
            if each.is_kept and each.about is not None:
                self._found.keep(each.about, each)
        for each in judged:
            if each.is_kept and each.about is None:
                way = [p for p in reply.proposals if not (p.is_answer or candidates) and _meet(p, each.answer)]
                steps = [p.step for p in (*way, each.answer, each.closer) if p is not None]
                self._found.add(view.footage, steps, each, candidates)
        first = reply.proposals[0] if reply.proposals else None
        self._grounder.looked.append(Looked(view.footage, first, tuple(judged), reply.presence))
        return reply.presence

    def _ask(self, view: View, candidates: Sequence[int]) -> Reply:
        def show(proposal: Proposal) -> None:
            number = self._found.about(proposal, candidates)
            if number is None and candidates and not proposal.is_answer:
                number = candidates[0]  # an answer about none of them waits until it is kept
            self._found.show(proposal, number)

        return self._model.ground(view, show)

    def _widening(self, reply: Reply, candidates: Sequence[int]) -> Reply:
        """Ask again about a wider window if an answer lies at the edge of its window. The last reply counts."""
        for _ in range(_WIDENINGS):
            view, spans = reply.view, [answer.span for answer in reply.answers]
            wider = widened(view.window, spans, view.footage.times.duration_s)
            if wider is None:
                break
            try:
                reply = self._ask(self._view(view.footage, wider), candidates)
            except (WindowLost, MediaError) as lost:
                self._lose(self._view(view.footage, wider), lost)
                break
        return reply

    def _one_for_each(self, reply: Reply, candidates: Sequence[int]) -> list[Proposal]:
        """The answers that may count: for each candidate the one that shares most with it, and all about none."""
        about = [(self._found.about(answer, candidates), answer) for answer in reply.answers]
        best = dict[int, Proposal]()
        for number, answer in about:
            if number is not None:
                own = span_of(self._found.moments[number].refinement.kept)
                best[number] = max(best.get(number, answer), answer, key=lambda each: each.span.shared_s(own))
        return [answer for number, answer in about if number is None or best[number] is answer]

    def _judged(self, reply: Reply, answer: Proposal, candidates: Sequence[int]) -> Judged:
        about = self._found.about(answer, candidates)
        judged = self._weighed(reply, answer, about)
        if not judged.is_kept or not self._grounder.closer:
            return judged
        closer = self._closer(reply, answer, about)
        if closer is None:
            return judged
        return replace(self._weighed(*closer, about), answer=answer, closer=closer[1], is_kept=True)

    def _weighed(self, reply: Reply, answer: Proposal, about: int | None) -> Judged:
        """The answer counts if the model says that the event is there, or if its score is better than the search's."""
        if about is None:
            search, agreement = self._searched.score_of(reply.view.footage, answer.step.segment), 0.0
        else:
            moment = self._found.moments[about]
            search, agreement = moment.score, float(answer.span.iou(span_of(moment.refinement.kept)))
        known = evidence(search, reply.presence, answer.edges, agreement)
        score = calibrated_score(self._pack.calibration, known)
        is_better = about is not None and score is not None and score > search
        return Judged(answer, about, known, score, is_kept=_is_there(reply) or is_better)

    def _closer(self, reply: Reply, answer: Proposal, about: int | None) -> tuple[Reply, Proposal] | None:
        """The answer in a shorter window with more pictures a second, with the model's reply, if it counts instead.

        It counts if it is about the same moment, isn't cut off by its window, and the model is as sure as before.
        """
        view, duration_s = reply.view, reply.view.footage.times.duration_s
        closer = self._view(view.footage, closer_window(answer.span, view.every_s, duration_s), _CLOSER_FPS)
        if closer.every_s * _CLOSER_AT_LEAST > view.every_s:
            return None
        try:
            again = self._model.ground(closer, lambda proposal: self._found.show(proposal, about))
        except (WindowLost, MediaError) as lost:
            self._lose(closer, lost)
            return None
        best = max(again.answers, key=lambda each: each.span.shared_s(answer.span), default=None)
        if best is None or not _meet(best, answer):
            return None
        if any(touches(closer.window, best.span, duration_s, closer.every_s)):
            return None
        falls = _falls(reply.presence, again.presence, _SAME) or _falls(answer.edges, best.edges, _SAME_LOG)
        return None if falls else (again, best)

    def _doubt(self) -> None:
        if self._presences and all(p is not None and p < PRESENT for p in self._presences):
            self._found.doubt()

    def _lose(self, view: View, lost: Exception) -> None:
        self._note("gave no answer about", view, f": {lost}")

    def _note(self, what: str, view: View, why: str) -> None:
        about = f"{what} {printable(view.footage.media.path.name)}"
        self._lost.setdefault((about, why), []).append(str(view))


def _is_there(reply: Reply) -> bool:
    """Whether the model says that the event is there, or at least not that it isn't."""
    return reply.presence is None or reply.presence >= PRESENT


def _meet(one: Proposal, other: Proposal) -> bool:
    return one.span.shared_s(other.span) > 0


def _falls(before: float | None, after: float | None, by: float) -> bool:
    """Whether a probability is lower than before; one that isn't known doesn't fall."""
    return before is not None and after is not None and after < before - by
