"""Nothing may be left running: threads, timers and windows that a test starts end with it."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

PATIENCE_S = 3


@pytest.fixture
def no_leaks(qapp: QApplication) -> Iterator[None]:
    """Fails the test that leaves a thread, an active timer or a visible window behind.

    Ask for it before `qtbot`, whose widgets are closed before this looks.
    """
    threads = set(threading.enumerate())
    windows = {id(widget) for widget in qapp.topLevelWidgets()}
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()
    gc.collect()
    end_s = time.monotonic() + PATIENCE_S
    while left := [thread for thread in threading.enumerate() if thread not in threads and not _is_qts(thread)]:
        assert time.monotonic() < end_s, f"threads left: {left}"
        time.sleep(0.01)
    windows_left = [w for w in qapp.topLevelWidgets() if id(w) not in windows and w.isVisible()]
    assert not windows_left, f"windows left: {windows_left}"
    timers = [timer for timer in gc.get_objects() if isinstance(timer, QTimer) and _is_active(timer)]
    assert not timers, f"timers left: {timers}"


def _is_qts(thread: threading.Thread) -> bool:
    return thread.name.startswith("Dummy")


def _is_active(timer: QTimer) -> bool:
    try:
        return timer.isActive()
    except RuntimeError:  # its Qt half is gone
        return False


__all__ = ["QtBot", "no_leaks"]
