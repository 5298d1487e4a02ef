"""How long Qt's event loop is held, and what its thread does that belongs to another one."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer

BEAT_MS = 5


class Watchdog:
    """Asks the loop of the thread that enters it for a beat every 5 ms.

    held_ms: how late each beat was. own_ms: how long the thread itself computed meanwhile, which a busy machine doesn't
    change: what is held beyond that was spent waiting for a processor, the interpreter or a lock.
    """

    def __enter__(self) -> Watchdog:
        self.held_ms: list[float] = []
        self.own_ms: list[float] = []
        self._last_s = time.perf_counter(), time.thread_time()
        self._owner = QObject()
        self._timer = QTimer(self._owner, interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.stop()

    def _beat(self) -> None:
        now_s = time.perf_counter(), time.thread_time()
        self.held_ms.append(max(1e3 * (now_s[0] - self._last_s[0]) - BEAT_MS, 0.0))
        self.own_ms.append(1e3 * (now_s[1] - self._last_s[1]))
        self._last_s = now_s

    def message(self) -> str:
        """The figures in one line."""
        held, own = (f"p99 {p99(times):.0f} ms, most {max(times):.0f} ms" for times in (self.held_ms, self.own_ms))
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
        return f"event loop held: {held}; computing itself: {own}; {len(self.held_ms)} beats, load {load:.1f}"


def p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


_FILES = {"open", "os.listdir", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.scandir", "sqlite3.connect"}
_watched: list[tuple[int, Path, list[str]]] = []


@contextmanager
def files_touched_by_this_thread(root: Path) -> Iterator[list[str]]:
    """What this thread does with files under `root` while the block runs, as 'event path'."""
    if not _hooked:
        sys.addaudithook(_audit)  # can't be taken away again
        _hooked.append(True)
    watch = (threading.get_ident(), root, list[str]())
    _watched.append(watch)
    try:
        yield watch[2]
    finally:
        _watched.remove(watch)


_hooked: list[bool] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if not _watched or event not in _FILES or not arguments:
        return
    for thread, root, touched in _watched:
        if thread == threading.get_ident() and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.fsdecode(arguments[0])
            if path.startswith(str(root)):
                touched.append(f"{event} {path}")
