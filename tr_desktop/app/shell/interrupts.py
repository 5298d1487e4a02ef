"""Ctrl-C in the terminal that started the app."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QSocketNotifier, QTimer
from PySide6.QtWidgets import QApplication, QWidget


@contextmanager
def interrupts_close(window: QWidget) -> Iterator[None]:
    """While the block runs, Ctrl-C closes `window` as its button does, instead of failing wherever Python is.

    Nothing happens while a dialog waits for an answer. If the program ignores Ctrl-C, it goes on ignoring it.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return

    def close() -> None:
        if QApplication.activeModalWidget() is None:
            window.close()

    signal.signal(signal.SIGINT, lambda *_: QTimer.singleShot(0, window, close))
    try:
        with _waking():
            yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _waking() -> Iterator[None]:
    """Let a signal wake Qt, which otherwise waits in the system until something happens to the window."""
    if sys.platform == "win32":  # a notifier watches only sockets there: the next event has to do
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    notifier = QSocketNotifier(reader, QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda *_: os.read(reader, 64))  # Python calls its handlers before the next statement
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        notifier.setEnabled(False)
        notifier.deleteLater()
        os.close(reader)
        os.close(writer)
