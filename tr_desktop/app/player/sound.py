"""Sound while playing: decoded with PyAV in a thread, played through Qt; silence if there is no device.

The picture never waits for it. `SoundOutput.elapsed_s` is the time heard so far, and the pictures' clock follows it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard
from PySide6.QtCore import QIODevice, QLoggingCategory, QObject, QTimer

from tr_desktop.errors import MediaError
from tr_desktop.footage.audio_layout import ChannelLayout, channel_layout, usual_layout
from tr_desktop.footage.clips.joined_sound import JoinedSound, Joints, find_joints
from tr_desktop.footage.container import open_video
from tr_desktop.footage.tracks import can_be_decoded
from tr_desktop.moments import Footage, Media

if TYPE_CHECKING:
    from PySide6.QtMultimedia import QAudioSink

RATE_HZ = 48_000
CHANNELS = 2
_SAMPLE_BYTES = 2 * CHANNELS
_BLOCK = RATE_HZ // 20
_HELD_BLOCKS = 20  # a second decoded ahead
_FEED_MS = 15
_EARLIER_S = 1  # how far before the start to seek: decoders need a little sound in advance
_JITTER = RATE_HZ // 50  # smaller jumps of time stamps are no gap: Matroska rounds to milliseconds


def samples(footage: Footage, start_s: Fraction, end_s: Fraction) -> Iterator[bytes]:
    """The first sound track from `start_s` to `end_s`, in blocks: interleaved stereo, 16 bits, RATE_HZ.

    start_s, end_s: seconds from the first frame. Yields exactly round((end_s - start_s) * RATE_HZ) samples: gaps are
    filled with silence. Raises MediaError if the file can't be opened.
    """
    missing = round((end_s - start_s) * RATE_HZ)
    times = footage.times
    joints = _joints_of(footage)
    origin_s = start_s + (times.start_pts or 0) * times.tick_s
    position = 0  # of the next sample to yield
    expected = None  # the position at which the track continues without a gap
    with open_video(footage.media.path) as (container, video):
        video.discard = Discard.all
        for at, data in _resampled(container, origin_s, joints):
            at = expected if expected is not None and abs(at - expected) < _JITTER else at
            expected = at + len(data) // _SAMPLE_BYTES
            silence = min(at - position, missing - position)
            for first in range(0, silence, _BLOCK):
                yield bytes(min(_BLOCK, silence - first) * _SAMPLE_BYTES)
            position = max(position, position + silence)
            heard = data[max(position - at, 0) * _SAMPLE_BYTES :][: (missing - position) * _SAMPLE_BYTES]
            if heard:
                yield heard
            position += len(heard) // _SAMPLE_BYTES
            if position >= missing:
                return
    for first in range(position, missing, _BLOCK):
        yield bytes(min(_BLOCK, missing - first) * _SAMPLE_BYTES)


_found_joints: dict[tuple[Media, int], Joints] = {}  # of the file heard last: to find them, all of it is read


def _joints_of(footage: Footage) -> Joints | None:
    """The joints of a file whose time stamps contradict each other, such as segments joined end to end."""
    if footage.times.start_pts is not None or not footage.media.audio:
        return None
    key = footage.media, len(footage)
    joints = _found_joints.get(key)
    if joints is None:
        joints = find_joints(footage)
        _found_joints.clear()  # perhaps also what another thread has just found
        _found_joints[key] = joints
    return joints


def _resampled(container: InputContainer, origin_s: Fraction, joints: Joints | None) -> Iterator[tuple[int, bytes]]:
    """(Sample number counted from `origin_s`, samples), in order; damaged parts are left out.

    With joints, the file is read from its start, since a seek may land in another segment.
    """
    stream = next(filter(can_be_decoded, container.streams.audio), None)
    if stream is None:
        return
    stream.discard = Discard.default
    channels = channel_layout(stream.codec_context)  # PyAV can't hold frames of an unusual order
    stream.codec_context.layout = channels.name or usual_layout(channels.channels) or f"{channels.channels} channels"
    resampler = AudioResampler(format="s16", layout="stereo", rate=RATE_HZ)
    joined = None if joints is None else JoinedSound(joints)
    if joined is None:
        with suppress(av.error.FFmpegError):  # a container that can't seek is read from its start
            container.seek(max(0, int((origin_s - _EARLIER_S) * 1_000_000)))
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            if joined is not None:
                joined.place(packet)
            frames = packet.decode() if packet.size and not _ends_before(packet, origin_s - _EARLIER_S) else []
        except (av.error.FFmpegError, OSError):
            continue
        for frame in frames:
            for heard in resampler.resample(_in_order(frame, channels)):
                if heard.pts is not None and heard.time_base is not None:
                    at = round((heard.pts * heard.time_base - origin_s) * RATE_HZ)
                    yield at, bytes(heard.planes[0])[: heard.samples * _SAMPLE_BYTES]


def _ends_before(packet: Packet[AudioStream], time_s: Fraction) -> bool:
    """Whether it needn't be decoded for sound from `time_s` on."""
    if packet.pts is None or packet.time_base is None:
        return False
    return (packet.pts + (packet.duration or 0)) * packet.time_base < time_s


def _in_order(frame: AudioFrame, channels: ChannelLayout) -> AudioFrame:
    """`frame` with its channels in the order that the name of its layout means."""
    if channels.order == tuple(range(channels.channels)):
        return frame
    data: Any = frame.to_ndarray()
    if frame.format.is_planar:
        data = data[list(channels.order)]
    else:
        data = data.reshape(-1, channels.channels)[:, list(channels.order)].reshape(1, -1)
    ordered = AudioFrame.from_ndarray(np.ascontiguousarray(data), format=frame.format.name, layout=channels.name)
    ordered.sample_rate, ordered.pts, ordered.time_base = frame.sample_rate, frame.pts, frame.time_base
    return ordered


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


def _open_sink() -> QAudioSink | None:
    # Qt's messages about missing sound libraries are of no use to an editor.
    QLoggingCategory.setFilterRules("qt.multimedia.*=false")
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
