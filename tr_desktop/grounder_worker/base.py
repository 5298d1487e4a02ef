"""What every family of models offers to the worker's loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from tr_desktop.grounders.video_llm.answers import WrittenSegment
from tr_desktop.grounders.video_llm.messages import Question

Check = Callable[[], None]
"""Raises Cancelled once the question was given up."""


class Cancelled(Exception):  # noqa: N818 (it is not an error)
    """The question was given up."""


class Model(Protocol):
    """A model that answers questions about windows."""

    def models(self) -> list[str]:
        """The models that are offered. Raises UserError if it can't be used."""

    def interrupt(self) -> None:
        """Make a waiting call return, if the family waits for anything. For any thread."""

    def ground(self, question: Question, check: Check) -> Iterator[WrittenSegment]:
        """The segments that the model writes about the window, as it writes them."""

    def presence(self, question: Question, check: Check) -> float | None:
        """The probability of "yes" against "no" to the question whether the event is there; None if it isn't known."""
