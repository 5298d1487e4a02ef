"""Which part of a file a model looks at. All times are exact seconds of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

LEAST_CONTEXT_S = Fraction(5)
NEAR_S = Fraction(1)
SHARED = Fraction(1, 4)
"""Of a window of a sweep: neighbours share this much of it, so that a moment between two is in one of them."""
_CLOSER_CONTEXT = Fraction(1, 2)


@dataclass(frozen=True)
class Span:
    """Seconds [start_s, end_s) of a file."""

    start_s: Fraction
    end_s: Fraction

    @property
    def length_s(self) -> Fraction:
        return self.end_s - self.start_s

    def shared_s(self, other: Span) -> Fraction:
        """How long both last together, seconds."""
        return max(min(self.end_s, other.end_s) - max(self.start_s, other.start_s), Fraction(0))

    def iou(self, other: Span) -> Fraction:
        """Shared time over covered time."""
        shared_s = self.shared_s(other)
        return shared_s / (self.length_s + other.length_s - shared_s)


def windows_around(candidates: Sequence[Span], duration_s: Fraction, most_s: Fraction) -> list[tuple[Span, list[int]]]:
    """Windows that show the candidates of one file, each with the numbers of those that it was made for.

    Each is widened by its own length on both sides, by at least 5 s, up to most_s in all. Windows that overlap become
    one if that isn't too long.
    """
    windows = list[tuple[Span, list[int]]]()
    alone = ((_around(candidate, duration_s, most_s), number) for number, candidate in enumerate(candidates))
    for window, number in sorted(alone, key=lambda each: each[0].start_s):
        last, inside = windows[-1] if windows else (window, [])
        end_s = max(last.end_s, window.end_s)
        if windows and window.start_s <= last.end_s and end_s - last.start_s <= most_s:
            windows[-1] = replace(last, end_s=end_s), [*inside, number]
        else:
            windows.append((window, [number]))
    return windows


def sweep(duration_s: Fraction, most_s: Fraction) -> list[Span]:
    """Windows over all of a file, evenly spaced; neighbours share at least a quarter."""
    if duration_s <= most_s:
        return [Span(Fraction(0), duration_s)]
    gaps = -((most_s - duration_s) // (most_s * (1 - SHARED)))
    step_s = (duration_s - most_s) / gaps
    return [Span(number * step_s, number * step_s + most_s) for number in range(gaps + 1)]


def closer_window(answer: Span, every_s: Fraction, duration_s: Fraction) -> Span:
    """The window for another look at an answer: twice as long, since fewer pictures of the same number are closer.

    On each side it has at least two of the pictures that the answer was seen in, every_s seconds apart: an edge is not
    known any better.
    """
    context_s = max(answer.length_s * _CLOSER_CONTEXT, 2 * every_s)
    return Span(max(answer.start_s - context_s, Fraction(0)), min(answer.end_s + context_s, duration_s))


def touches(window: Span, answer: Span, duration_s: Fraction, near_s: Fraction = NEAR_S) -> tuple[bool, bool]:
    """Whether the answer may go on outside: its start, its end is within near_s of an edge of the window that isn't
    the file's."""
    return (
        window.start_s > 0 and answer.start_s - window.start_s < near_s,
        window.end_s < duration_s and window.end_s - answer.end_s < near_s,
    )


def widened(window: Span, answers: Sequence[Span], duration_s: Fraction) -> Span | None:
    """The window to ask about again, or None: an answer at an edge of the window may go on outside.

    The side is widened by half the window.
    """
    touched = [touches(window, each, duration_s) for each in answers]
    touches_start, touches_end = any(start for start, _ in touched), any(end for _, end in touched)
    if not touches_start and not touches_end:
        return None
    half_s = window.length_s / 2
    return Span(
        max(window.start_s - (half_s if touches_start else 0), Fraction(0)),
        min(window.end_s + (half_s if touches_end else 0), duration_s),
    )


def _around(candidate: Span, duration_s: Fraction, most_s: Fraction) -> Span:
    context_s = max(candidate.length_s, LEAST_CONTEXT_S)
    start_s, end_s = max(candidate.start_s - context_s, Fraction(0)), min(candidate.end_s + context_s, duration_s)
    if end_s - start_s > most_s:
        middle_s = (candidate.start_s + candidate.end_s) / 2
        start_s = max(min(middle_s - most_s / 2, duration_s - most_s), Fraction(0))
        end_s = min(start_s + most_s, duration_s)
    return Span(start_s, end_s)
