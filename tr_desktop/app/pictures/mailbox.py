"""The thread that makes pictures, and the lock that it shares with those who ask for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

PATIENCE_S = 60.0


def report_bug(error: Exception) -> None:
    """Report `error` as if it had ended this thread, which goes on: a bug costs one picture, not all later ones."""
    arguments = type(error), error, error.__traceback__, threading.current_thread()
    threading.excepthook(threading.ExceptHookArgs(arguments))


class Mailbox:
    """A thread that sleeps until there is a request for it.

    Requests belong to the caller, which changes them inside `with mailbox:` and then calls `notify`. `work` runs in the
    thread; it calls `wait_for` inside `with mailbox:` too, and returns once `is_over`.
    """

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.is_over = False
        self._condition = threading.Condition()
        self._thread = threading.Thread(target=work, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread, when all that `work` reads is in place."""
        self._thread.start()

    def shut_down(self, patience_s: float) -> bool:
        """Set `is_over`; whether `work` returned within `patience_s`: it may be stuck in a slow drive."""
        with self._condition:
            self.is_over = True
            self._condition.notify()
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def notify(self) -> None:
        """Wake the thread, to look at its requests."""
        self._condition.notify()

    def wait_for(self, has_request: Callable[[], bool]) -> None:
        """Sleep until `has_request` is true or it is over."""
        self._condition.wait_for(lambda: self.is_over or has_request())

    def __enter__(self) -> None:
        self._condition.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._condition.release()
