"""Searches that run while their clients read numbered events, and may be cancelled."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from typing import Any

from tr_desktop.errors import UserError

MAX_KEPT = 8
"""Searches that are remembered, those under way among them."""
_log = logging.getLogger(__name__)

Event = dict[str, Any]
"""Its number `n`, counted from 1, its `kind`, and what that kind has."""


class CancelledError(Exception):
    """Nobody wants the search any more."""


class TooManyError(UserError):
    """As many searches are under way as are remembered."""


class Search:
    """The events of one search. Clients wait for more in threads of their own."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._is_done = self._is_cancelled = False
        self._news = threading.Condition()

    @property
    def is_done(self) -> bool:
        return self._is_done

    def after(self, number: int, wait_s: float = 0) -> tuple[list[Event], bool]:
        """The events with a number above `number`, and whether they are all. Waits up to `wait_s` for the first."""
        with self._news:
            self._news.wait_for(lambda: self._is_done or len(self._events) > number, wait_s)
            return self._events[number:], self._is_done

    def cancel(self) -> None:
        """End the search at its next event. Readers are told at once."""
        with self._news:
            if not self._is_done:
                self._is_cancelled = True
                self._end("cancelled")

    def run(self, job: Callable[[Search], None]) -> None:
        """Do the job, and end with an event if it fails."""
        try:
            job(self)
        except CancelledError:
            return
        except UserError as error:
            self._finish("error", error=str(error))
        except BaseException:  # noqa: BLE001 (a panic of native code too; the client is told, the log has the rest)
            if self._is_cancelled:
                return
            _log.exception("A search of the local API failed")
            self._finish("error", error="The search failed unexpectedly. The log of TimeRefine has the reason")
        else:
            self._finish()

    def say(self, kind: str, **facts: Any) -> None:
        """Add an event. Raises CancelledError if the search was cancelled."""
        with self._news:
            self.check()
            self._add(kind, facts)

    def check(self) -> None:
        """Raises CancelledError if the search was cancelled."""
        if self._is_cancelled:
            raise CancelledError

    def _finish(self, kind: str = "", **facts: Any) -> None:
        with self._news:
            if not self._is_cancelled:
                self._end(kind, **facts)

    def _end(self, kind: str, **facts: Any) -> None:
        self._is_done = True
        if kind:
            self._add(kind, facts)
        self._news.notify_all()

    def _add(self, kind: str, facts: dict[str, Any]) -> None:
        self._events.append({"n": len(self._events) + 1, "kind": kind, **facts})
        self._news.notify_all()


class Searches:
    """The newest searches, by id."""

    def __init__(self) -> None:
        self._searches: dict[str, Search] = {}
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def start(self, job: Callable[[Search], None]) -> str:
        """Run `job` in a thread; its id. The oldest search that is over is forgotten. Raises TooManyError."""
        name, search = secrets.token_urlsafe(9), Search()
        with self._lock:
            while len(self._searches) >= MAX_KEPT:
                oldest = next((each for each, search in self._searches.items() if search.is_done), None)
                if oldest is None:
                    raise TooManyError(f"{MAX_KEPT} searches are under way", remedy="Wait for one, or cancel one")
                del self._searches[oldest]
            self._searches[name] = search
            thread = threading.Thread(target=search.run, args=[job], name="local API search", daemon=True)
            thread.start()
            self._threads = [thread, *(each for each in self._threads if each.is_alive())]
        return name

    def get(self, name: str) -> Search | None:
        return self._searches.get(name)

    @property
    def have_ended(self) -> bool:
        """Whether none is still under way. One that was cancelled goes on to its next event."""
        return not any(thread.is_alive() for thread in self._threads)

    def cancel_all(self) -> None:
        for search in list(self._searches.values()):
            search.cancel()
