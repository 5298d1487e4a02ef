"""Reads the answer of a video language model while it is being written: each segment as soon as it is whole.

A reader never takes back a segment, so a number counts only if it can't grow any more: "12 to 1" may become "12 to 17".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from typing import Protocol

# Bounded, since a model may go on writing digits for ever.
_NUMBER = r"\d{1,7}(?:\.\d{1,6})?"
_CLOCK = r"(?:\d{1,2}:)?\d{1,2}:\d{2}(?:\.\d{1,6})?"
_TIME_NAMES = ("ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")
TIME_TOKENS = {f"<TIME_{name}>": str(digit) for digit, name in enumerate(_TIME_NAMES)} | {"<TIME_DOT>": "."}
"""VTG-LLM's own tokens for the characters of a time."""
_DIGIT = rf"(?:\d|<TIME_(?:{'|'.join(_TIME_NAMES)})>)"
_SIX = rf"{_DIGIT}{{4}}(?:\.|<TIME_DOT>){_DIGIT}"
_CAN_NOT_GROW = re.compile(r"[^\d.:]|[.:]\D")
_UNIT = r"\s*(?:seconds?|secs?|s)?"
_MAX_SAID = 200


class Written:
    """What a model has written so far, with the log-probability of each piece; None if it isn't known."""

    def __init__(self) -> None:
        self.text = ""
        self._pieces: list[tuple[int, float | None]] = []  # where each starts

    def add(self, piece: str, log_probability: float | None = None) -> None:
        self._pieces.append((len(self.text), log_probability))
        self.text += piece

    def probability(self, span: tuple[int, int]) -> float | None:
        """The probability with which the model wrote text[start:end]: the product over the pieces that touch it."""
        start, end = span
        ends = [*(at for at, _ in self._pieces[1:]), len(self.text)]
        touched = [value for (at, value), stops in zip(self._pieces, ends, strict=True) if at < end and stops > start]
        known = [value for value in touched if value is not None]
        return math.exp(max(sum(known), -50.0)) if touched and len(known) == len(touched) else None

    def sentence_around(self, span: tuple[int, int]) -> str:
        """The sentence that text[start:end] is in, without tags, at most 200 characters."""
        breaks = [0, *(match.end() for match in re.finditer(r"[.!?]\s|\n|</?think>|<answer>", self.text))]
        start = max(at for at in breaks if at <= span[0])
        end = min((at for at in breaks if at >= span[1]), default=len(self.text))
        said = " ".join(re.sub(r"</?\w+>", "", self.text[start:end]).split())
        return said if len(said) <= _MAX_SAID else said[: _MAX_SAID - 1] + "…"


@dataclass(frozen=True)
class WrittenSegment:
    """A segment that a model wrote, in seconds from the window's start.

    is_answer: whether it is an answer, not a step on the way. start_probability, end_probability: of the digits; None
    if not known. said: the sentence around it.
    """

    start_s: Fraction
    end_s: Fraction
    is_answer: bool
    start_probability: float | None
    end_probability: float | None
    said: str


class AnswerKind(Enum):
    """What a model writes."""

    SPAN = "span"
    SPANS = "spans"
    ANCHORS = "anchors"
    REFINE = "refine"
    HUNDREDTHS = "hundredths"
    DIGITS = "digits"


class Reader(Protocol):
    """Reads one answer. Its `Written` grows between the calls."""

    def read(self, is_over: bool) -> Iterator[WrittenSegment]:
        """The segments that have become whole since the last call. is_over: nothing more will be written."""


def reader_of(kind: AnswerKind, written: Written, window_s: Fraction) -> Reader:
    """window_s: the length of the window, for answers in hundredths of it."""
    match kind:
        case AnswerKind.SPAN:
            return _Span(written, _Span.SECONDS, Fraction(1))
        case AnswerKind.SPANS:
            return _Pairs(written, re.compile(rf"\[\s*(?P<a>{_NUMBER})\s*,\s*(?P<b>{_NUMBER})\s*\]"))
        case AnswerKind.ANCHORS:
            return _Anchors(written)
        case AnswerKind.REFINE:
            return _Refine(written, window_s)
        case AnswerKind.HUNDREDTHS:
            return _Span(written, _Span.HUNDREDTHS, window_s / 100)
        case AnswerKind.DIGITS:
            return _Pairs(written, re.compile(rf"(?P<a>{_SIX})\s*(?:-|to|and)\s*(?P<b>{_SIX})"))


def segments_in(
    pieces: Iterable[tuple[str, float | None]], kind: AnswerKind, window_s: Fraction
) -> Iterator[WrittenSegment]:
    """The segments of an answer as soon as they are whole. pieces: of its text, each with its log-probability."""
    written = Written()
    reader = reader_of(kind, written, window_s)
    for piece, log_probability in pieces:
        written.add(piece, log_probability)
        yield from reader.read(is_over=False)
    yield from reader.read(is_over=True)


class _Pairs:
    """Every match of a pattern is an answer: `[[3.0, 8.5], [20, 31.25]]` of TimeLens2, and VTG-LLM's six characters."""

    def __init__(self, written: Written, pattern: re.Pattern[str]) -> None:
        self._written, self._pattern, self._at = written, pattern, 0

    def read(self, is_over: bool) -> Iterator[WrittenSegment]:
        while match := self._pattern.search(self._written.text, self._at):
            self._at = match.end()
            yield _segment(self._written, match, is_answer=True)


class _Span:
    """One answer, as sentences have it: "The event happens in 3.0 - 8.5 seconds", "from 01:05 to 01:10", [3, 8.5].

    unit_s: how many seconds 1 stands for. VTimeLLM writes hundredths of the window: "From 17 to 34."
    """

    _TO = r"\s*(?:-|–|—|to|and|,)\s*"
    SECONDS = (
        re.compile(rf"(?P<a>{_CLOCK}){_TO}(?P<b>{_CLOCK})"),
        re.compile(rf"(?P<a>{_NUMBER}){_UNIT}>?\s*(?:-|–|—|to|and)\s*<?(?P<b>{_NUMBER})"),
        re.compile(rf"\[\s*(?P<a>{_NUMBER})\s*,\s*(?P<b>{_NUMBER})\s*\]"),
    )
    HUNDREDTHS = (re.compile(rf"(?P<a>{_NUMBER})\s*(?:-|–|to|and)\s*(?P<b>{_NUMBER})"),)

    def __init__(self, written: Written, patterns: tuple[re.Pattern[str], ...], unit_s: Fraction) -> None:
        self._written, self._patterns, self._unit_s, self._is_done = written, patterns, unit_s, False

    def read(self, is_over: bool) -> Iterator[WrittenSegment]:
        text = self._written.text
        for pattern in self._patterns:
            match = None if self._is_done else pattern.search(text)
            if match and (is_over or _CAN_NOT_GROW.match(text, match.end())):
                self._is_done = True
                yield _segment(self._written, match, is_answer=True, unit_s=self._unit_s)


class _Anchors:
    """Steps while it thinks, then one answer (Time-R1, VideoChat-R1, TAR-TVG).

    <think> … <timestep>10.0 to 20.5</timestep> … </think> <answer>12.54 to 17.83</answer>

    Without a well-formed answer, the last pair of numbers counts, as in Time-R1's evaluation.
    """

    _BETWEEN = rf"\s*(?P<a>{_NUMBER}){_UNIT}\s*(?:to|-|–|and)\s*(?P<b>{_NUMBER}){_UNIT}\s*"
    _STEP = re.compile(rf"<time(?:step|stamp)>{_BETWEEN}</time(?:step|stamp)>")
    _ANSWER = re.compile(rf"<answer>{_BETWEEN}</answer>")
    _LOOSE = re.compile(rf"(?P<a>{_NUMBER}){_UNIT}\s*(?:to|and|-|–)\s*(?P<b>{_NUMBER})")

    def __init__(self, written: Written) -> None:
        self._written, self._at, self._is_done = written, 0, False

    def read(self, is_over: bool) -> Iterator[WrittenSegment]:
        text = self._written.text
        while not self._is_done:
            step, answer = self._STEP.search(text, self._at), self._ANSWER.search(text, self._at)
            if step and (answer is None or step.start() < answer.start()):
                self._at = step.end()
                yield _segment(self._written, step, is_answer=False)
            elif answer:
                self._is_done = True
                yield _segment(self._written, answer, is_answer=True)
            else:
                break
        if is_over and not self._is_done:
            self._is_done = True
            for last in list(self._LOOSE.finditer(text))[-1:]:
                yield _segment(self._written, last, is_answer=True)


class _Refine:
    """TimeRefine: a rough segment, then offsets to the target again and again, in hundredths of the window.

    From <SEG_START> 30 to 46 <OFFSET> +05 and -06 <RETHINK> 32 to 44 <OFFSET> +03 and -04 <SEG_END>

    The last step is the answer.
    """

    _STEP = re.compile(
        r"<(?:SEG_START|RETHINK)>\s*(?P<a>\d{2})\s*to\s*(?P<b>\d{2})\s*"
        r"<OFFSET>\s*(?P<by_a>[+-]\d{2})\s*and\s*(?P<by_b>[+-]\d{2})"
    )
    _ROUGH = re.compile(r"<SEG_START>\s*(?P<a>\d{2})\s*to\s*(?P<b>\d{2})\s*(?=<OFFSET>)")
    _END = "<SEG_END>"

    def __init__(self, written: Written, window_s: Fraction) -> None:
        self._written, self._window_s, self._at = written, window_s, 0
        self._is_rough_read = False
        self._last: WrittenSegment | None = None

    def read(self, is_over: bool) -> Iterator[WrittenSegment]:
        text = self._written.text
        if not self._is_rough_read and (match := self._ROUGH.search(text)):
            self._is_rough_read = True
            yield self._scaled(match, (0, 0))
        while match := self._STEP.search(text, self._at):
            if self._last is not None:
                yield self._last
            self._at = match.end()
            self._last = self._scaled(match, (int(match["by_a"]), int(match["by_b"])))
        if self._last is not None and (is_over or self._END in text[self._at :]):
            last, self._last = self._last, None
            yield replace(last, is_answer=True)

    def _scaled(self, match: re.Match[str], offsets: tuple[int, int]) -> WrittenSegment:
        start, end = (
            (int(match[name]) + offset) * self._window_s / 100 for name, offset in zip(("a", "b"), offsets, strict=True)
        )
        by = {name: match.span(f"by_{name}") for name in ("a", "b")} if "by_a" in match.groupdict() else {}
        probabilities = [
            _product(self._written.probability(match.span(name)), self._written.probability(by[name]) if by else 1.0)
            for name in ("a", "b")
        ]
        said = self._written.sentence_around(match.span())
        return WrittenSegment(start, end, False, probabilities[0], probabilities[1], said)


def _segment(
    written: Written, match: re.Match[str], *, is_answer: bool, unit_s: Fraction = Fraction(1)
) -> WrittenSegment:
    return WrittenSegment(
        _seconds(match["a"]) * unit_s,
        _seconds(match["b"]) * unit_s,
        is_answer,
        written.probability(match.span("a")),
        written.probability(match.span("b")),
        written.sentence_around(match.span()),
    )


def _seconds(text: str) -> Fraction:
    """12.5, 01:05.5 or 1:01:05 in seconds; also in time tokens."""
    for token, character in TIME_TOKENS.items():
        text = text.replace(token, character)
    total = Fraction(0)
    for part in text.split(":"):
        total = total * 60 + Fraction(part)
    return total


def _product(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one * other
