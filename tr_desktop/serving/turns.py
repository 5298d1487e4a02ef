"""One after the other, in the order of asking."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_CHECK_EVERY_S = 0.1


class Turns:
    """Threads take turns. A lock wouldn't do: it keeps no order, and nobody who waits for it can give up."""

    def __init__(self) -> None:
        self._places = deque[object]()
        self._moved = threading.Condition()

    @contextmanager
    def turn(self, check: Callable[[], None]) -> Iterator[None]:
        """The block runs once all who asked before are done. `check` is called while waiting; its error ends that."""
        place = object()
        with self._moved:
            self._places.append(place)
        try:
            with self._moved:
                while self._places[0] is not place:
                    check()
                    self._moved.wait(_CHECK_EVERY_S)
            check()
            yield
        finally:
            with self._moved:
                self._places.remove(place)
                self._moved.notify_all()
