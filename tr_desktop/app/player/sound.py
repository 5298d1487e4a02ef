"""Sound while playing: decoded in a thread, played through Qt; silence if there is no device.

The picture never waits for it. `SoundOutput.elapsed_s` is the time heard so far, and the pictures' clock follows it.
"""

from __future__ import annotations

import queue
import threading
import time
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING

from PySide6.QtCore import QIODevice, QLoggingCategory, QObject, QTimer

from tr_desktop.app.player.samples import CHANNELS, RATE_HZ, samples
from tr_desktop.errors import MediaError
from tr_desktop.moments import Footage

if TYPE_CHECKING:
    from PySide6.QtMultimedia import QAudioSink

_HELD_BLOCKS = 20  # a second decoded ahead
_FEED_MS = 15


class SoundOutput(QObject):
    """Plays part of a file, once or in a loop; silent without a device or a sound track."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sink: QAudioSink | None = None
        self._device: QIODevice | None = None
        self._blocks: queue.Queue[bytes] = queue.Queue(_HELD_BLOCKS)
        self._rest = b""
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._feeding = QTimer(self)
        self._feeding.setInterval(_FEED_MS)
        self._feeding.timeout.connect(self._feed)

    @property
    def elapsed_s(self) -> float | None:
        """Seconds heard since `start`; None while nothing is heard."""
        if self._sink is None:
            return None
        from PySide6.QtMultimedia import QtAudio

        return self._sink.processedUSecs() / 1e6 if self._sink.state() == QtAudio.State.ActiveState else None

    def start(self, footage: Footage, from_s: Fraction, start_s: Fraction, end_s: Fraction, loop: bool) -> None:
        """Play from `from_s` to `end_s`; with `loop`, again from `start_s`."""
        self.stop()
        if not footage.media.audio or (sink := _open_sink()) is None:
            return
        self._sink = sink
        self._device = self._sink.start()
        self._stopping, self._blocks, self._rest = threading.Event(), queue.Queue(_HELD_BLOCKS), b""
        thread = threading.Thread(
            target=_read,
            args=(self._blocks, self._stopping, footage, from_s, start_s, end_s, loop),
            name="sound",
            daemon=True,
        )
        thread.start()
        self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]
        self._feeding.start()

    def stop(self) -> None:
        """Be silent at once. The thread ends by itself: a drive that doesn't answer can't hold the window."""
        self._feeding.stop()
        self._stopping.set()
        if self._sink is not None:
            self._sink.reset()
            self._sink.deleteLater()
            self._sink = self._device = None

    def has_ended(self, within_s: float) -> bool:
        """After `stop`: whether all threads ended `within_s`."""
        end_s = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(end_s - time.monotonic(), 0))
        return not any(map(threading.Thread.is_alive, self._threads))

    def _feed(self) -> None:
        if self._sink is None or self._device is None:
            return
        with suppress(queue.Empty):
            while (room := self._sink.bytesFree()) > 0:
                self._rest = self._rest or self._blocks.get_nowait()
                written = int(self._device.write(self._rest[:room]))
                if written <= 0:
                    return
                self._rest = self._rest[written:]


def why_silent() -> str:
    """Why no device could play anything, or "". No device is asked."""
    _be_quiet()
    try:
        import PySide6.QtMultimedia  # noqa: F401
    except ImportError as error:
        return str(error)
    return ""


def _read(
    blocks: queue.Queue[bytes],
    stopping: threading.Event,
    footage: Footage,
    from_s: Fraction,
    start_s: Fraction,
    end_s: Fraction,
    loop: bool,
) -> None:
    with suppress(MediaError):  # the picture reports it
        while True:
            for block in samples(footage, from_s, end_s):
                while not stopping.is_set():
                    with suppress(queue.Full):
                        blocks.put(block, timeout=0.05)
                        break
                if stopping.is_set():
                    return
            if not loop:
                return
            from_s = start_s


def _be_quiet() -> None:
    """Qt's messages about missing sound libraries are of no use to an editor."""
    QLoggingCategory.setFilterRules("qt.multimedia.*=false")


def _open_sink() -> QAudioSink | None:
    _be_quiet()
    try:  # imported late: it is slow, and needs libraries that a server may lack
        from PySide6.QtMultimedia import QAudioFormat, QAudioSink, QMediaDevices
    except ImportError:
        return None
    device = QMediaDevices.defaultAudioOutput()
    form = QAudioFormat()
    form.setSampleRate(RATE_HZ)
    form.setChannelCount(CHANNELS)
    form.setSampleFormat(QAudioFormat.SampleFormat.Int16)
    if device.isNull() or not device.isFormatSupported(form):
        return None
    return QAudioSink(device, form)
