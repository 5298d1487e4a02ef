"""Work ahead: the next items are made in a thread while the caller uses the present one."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

_T = TypeVar("_T")

_LOOK_S = 0.05  # how often who waits looks whether the work was stopped, so that Ctrl-C is heard on every system
_PATIENCE_S = 0.5  # how long the end of a stopped thread is waited for; it may be in the middle of a slow file


class Pause:
    """Lets work wait while `pause` is set. rested_s: how long it has waited in all, seconds."""

    def __init__(self, pause: threading.Event | None = None) -> None:
        self.paused_s = 0.0
        self._pause = pause or threading.Event()

    def __call__(self, is_over: Callable[[], bool]) -> None:
        """Return once there is no pause, or `is_over` says that it is of no use to wait."""
        while self._pause.is_set() and not is_over():
            started_s = time.monotonic()
            time.sleep(_LOOK_S)
            self.paused_s += time.monotonic() - started_s


def prefetch(items: Iterator[_T], depth: int, is_over: Callable[[], bool]) -> Generator[_T, None, None]:
    """The same items, of which up to `depth` are made in advance, by a thread of their own: the one in the making too.

    What `items` raises is raised here, in its turn. Once `is_over` says so nothing more comes, and the thread ends
    at its next item. It has to say so to who leaves the loop early.
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
            is_last = ended.is_set()  # asked before the queue is found empty: nothing comes in between
            try:
                item = made.get(timeout=0 if is_last else _LOOK_S)
            except queue.Empty:
                if is_last:
                    break
                continue
            room.release()
            yield item
        if errors:
            raise errors[0]
    finally:
        thread.join(_PATIENCE_S)
