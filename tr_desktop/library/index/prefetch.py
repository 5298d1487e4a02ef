"""Prefetching: a thread makes the next items while the caller uses the current one."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import TypeVar

_T = TypeVar("_T")

_LOOK_S = 0.05  # waits end this often to check for a stop: some systems let Ctrl-C through only then
_PATIENCE_S = 0.5  # how long to wait for a stopped thread, which may be in the middle of a slow file


class Pause:
    """Makes work wait while `pause` is set. paused_s: how long it has waited in all, seconds."""

    def __init__(self, pause: threading.Event | None = None) -> None:
        self.paused_s = 0.0
        self._pause = pause or threading.Event()

    def __call__(self, is_over: Callable[[], bool]) -> None:
        """Return once the pause has ended or `is_over` returns True."""
        while self._pause.is_set() and not is_over():
            started_s = time.monotonic()
            time.sleep(_LOOK_S)
            self.paused_s += time.monotonic() - started_s


def prefetch(
    items: Iterator[_T], depth: int, is_over: Callable[[], bool], most: int = 1
) -> Generator[list[_T], None, None]:
    """The same items, up to `depth` of them made in advance by a thread, counting the one in progress.

    They come in lists of those that are ready: at least one, at most `most`. Errors of `items` are raised here, in
    their turn. Once `is_over` returns True, nothing more comes and the thread ends at its next item. Callers that leave
    the loop early must make it return True.
    """
    made: queue.SimpleQueue[_T] = queue.SimpleQueue()
    room = threading.Semaphore(depth)
    errors: list[BaseException] = []
    ended = threading.Event()

    def wait_for_room() -> None:
        while not room.acquire(timeout=_LOOK_S) and not is_over():
            continue

    def make() -> None:
        try:
            wait_for_room()
            for item in items:
                made.put(item)
                wait_for_room()
                if is_over():
                    break
        except BaseException as error:  # noqa: BLE001 (whatever it is, it is the caller's)
            errors.append(error)
        ended.set()

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while not is_over():
            is_last = ended.is_set()  # read before the queue: no item can come in between
            ready = list[_T]()
            with suppress(queue.Empty):
                ready.append(made.get(timeout=0 if is_last else _LOOK_S))
                while len(ready) < most:
                    ready.append(made.get_nowait())
            if not ready:
                if is_last:
                    break
                continue
            room.release(len(ready))
            if is_over():  # meanwhile: a pause that ends because of it lets an item through
                break
            yield ready
        if errors:
            raise errors[0]
    finally:
        thread.join(_PATIENCE_S)
