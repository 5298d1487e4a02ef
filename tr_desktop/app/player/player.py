"""The picture: exact frames of one file, stepped, scrubbed and played by the clock.

Playing shows each frame at its own time and drops frames that can't be decoded in time. Normal speed has sound.
"""

from __future__ import annotations

from fractions import Fraction

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.translate import tr
from tr_desktop.app.pictures.frame_server import FrameRequest, FrameServer
from tr_desktop.app.pictures.images import fit
from tr_desktop.app.pictures.mailbox import PATIENCE_S
from tr_desktop.app.player.play_clock import PlayClock
from tr_desktop.app.player.sound import SoundOutput
from tr_desktop.errors import MediaError
from tr_desktop.moments import Footage, Segment

FASTEST = 8
_STEP_FRAMES = 8  # a move of so many frames is a step in a direction, a longer one is a jump
_DRIFT_S = 0.06  # allowed between pictures and sound


class Player(QWidget):
    """Shows frames of the file that is open; owns its decoder thread, which `shut_down` ends.

    frame_shown: a frame is on screen. playing_changed: it plays (True) or has stopped. failed: why a frame can't be
    shown, one sentence; the player shows it in place of the picture.
    """

    frame_shown = Signal(int)
    playing_changed = Signal(bool)
    failed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 90)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(tr("Player"))
        self._footage: Footage | None = None
        self._frame = 0  # the one requested last
        self._image = QImage()
        self._message = ""
        self._clock: PlayClock | None = None
        self._sound = SoundOutput(self)
        self._ticking = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._ticking.timeout.connect(self._tick)
        self._server = FrameServer(self)
        self._server.ready.connect(self._show)
        self._server.failed.connect(self._fail)

    # The file

    def open(self, footage: Footage, frame: int = 0) -> None:
        """Show `frame` of `footage`; the picture before stays until it is ready."""
        self.pause()
        self._footage = footage
        self._message = ""
        self.setAccessibleDescription(footage.media.path.name)
        self._request(frame, 0)

    def close_media(self) -> None:
        """Show nothing and close the file."""
        self.pause()
        self._footage = None
        self._frame, self._image, self._message = 0, QImage(), ""
        self._server.ask(None)
        self.update()

    def shut_down(self, patience_s: float = PATIENCE_S) -> bool:
        """End the threads; whether they ended within `patience_s`. The player can't be used after that."""
        self.pause()
        return all([self._server.shut_down(patience_s), self._sound.has_ended(patience_s)])

    # Frames

    def frame(self) -> int:
        """The frame that is shown, or that was requested last."""
        return self._frame

    def show_frame(self, frame: int) -> None:
        """Stop playing and show `frame`, clamped to the file."""
        self.pause()
        if self._footage is not None:
            step = frame - self._frame
            direction = 0 if step == 0 or abs(step) > _STEP_FRAMES else 1 if step > 0 else -1
            self._request(frame, direction)

    # Playing

    def is_playing(self) -> bool:
        return self._clock is not None

    def play(self, speed: float = 1.0) -> None:
        """Play to the end of the file, or with a negative speed back to its start."""
        if self._footage is None or not speed:
            self.pause()
            return
        end = len(self._footage)
        if speed > 0 and self._frame >= end - 1:
            self._frame = 0
        self._play(Fraction(speed), Segment(0, end), False)

    def play_range(self, segment: Segment, loop: bool) -> None:
        """Play exactly the frames [start, end) of `segment`, from its start."""
        if self._footage is not None:
            end = min(segment.end_frame, len(self._footage))
            self._frame = min(segment.start_frame, end - 1)
            self._play(Fraction(1), Segment(self._frame, end), loop)

    def shuttle(self, direction: int) -> None:
        """J, K, L: -1 plays backwards, 0 stops, 1 plays; again in the same direction is twice as fast."""
        speed = Fraction(direction)
        if self._clock is not None and self._clock.speed * direction > 0:
            speed = max(min(2 * self._clock.speed, Fraction(FASTEST)), Fraction(-FASTEST))
        self.play(float(speed))

    def pause(self) -> None:
        """Stop playing, at the frame that is due."""
        if self._stop():
            self._request(self._frame, 0)

    def _play(self, speed: Fraction, within: Segment, loop: bool) -> None:
        if self._footage is None:
            return
        was_playing = self._clock is not None
        self._sound.stop()
        self._ticking.stop()
        self._clock = PlayClock(self._footage.times, self._frame, speed, within, loop)
        self._request(self._frame, 1 if speed > 0 else -1)
        if not was_playing:
            self.playing_changed.emit(True)

    def _stop(self) -> bool:
        """Stop playing. Returns whether it played."""
        if self._clock is None:
            return False
        self._clock = None
        self._ticking.stop()
        self._sound.stop()
        self.playing_changed.emit(False)
        return True

    def _start_clock(self, clock: PlayClock) -> None:
        if self._footage is None:
            return
        clock.start()
        if clock.speed == 1:
            times = self._footage.times
            from_s = times.time_s(self._frame)
            start_s, end_s = times.time_s(clock.within.start_frame), times.time_s(clock.within.end_frame)
            self._sound.start(self._footage, from_s, start_s, end_s, clock.loop)
        self._tick()

    def _tick(self) -> None:
        clock = self._clock
        if clock is None:
            return
        heard_s = self._sound.elapsed_s if clock.speed == 1 else None
        if heard_s and abs(drift_s := heard_s - float(clock.elapsed_s)) > _DRIFT_S:
            clock.shift(drift_s)
        frame, wait_s = clock.due(clock.elapsed_s)
        if frame != self._frame:
            self._request(frame, 1 if clock.speed > 0 else -1)
        if wait_s:
            self._ticking.start(max(int(wait_s * 1000) + 1, 1))
        else:
            self.pause()

    # The picture

    def sizeHint(self) -> QSize:
        return QSize(640, 360)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._request(self._frame, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(theme.colours().picture))
            if self._message:
                painter.setPen(QColor(theme.colours().dim))
                painter.setFont(theme.font())
                room = self.rect().adjusted(*(2 * theme.SPACE * way for way in (1, 1, -1, -1)))
                painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._message)
            elif not self._image.isNull() and self._footage is not None:
                ratio = self.devicePixelRatioF()
                media = self._footage.media
                width, height = fit(media.width, media.height, self._box_px())
                # On whole device pixels, so that a picture made for this size is not blurred.
                left, top = (self._box_px()[0] - width) // 2, (self._box_px()[1] - height) // 2
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                painter.drawImage(QRectF(left / ratio, top / ratio, width / ratio, height / ratio), self._image)

    def _box_px(self) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return max(round(self.width() * ratio), 1), max(round(self.height() * ratio), 1)

    def _request(self, frame: int, direction: int) -> None:
        if self._footage is None:
            return
        self._frame = min(max(frame, 0), len(self._footage) - 1)
        loop = self._clock.within if self._clock is not None and self._clock.loop else None
        self._server.ask(FrameRequest(self._footage, self._frame, self._box_px(), direction, loop))

    def _is_open(self, request: FrameRequest) -> bool:
        return self._footage is not None and request.footage.media is self._footage.media

    def _show(self, request: FrameRequest, image: QImage) -> None:
        if not self._is_open(request):
            return  # of the file before
        within = self._clock.within if self._clock is not None else None
        if within is not None and not within.start_frame <= request.frame < within.end_frame:
            return  # requested before this range began to play
        self._image = image
        self._message = ""
        self.update()
        self.frame_shown.emit(request.frame)
        if self._clock is not None and not self._clock.is_running and request.frame == self._frame:
            self._start_clock(self._clock)

    def _fail(self, request: FrameRequest, error: MediaError) -> None:
        if not self._is_open(request):
            return
        self._stop()
        name = request.footage.media.path.name
        self._image = QImage()
        self._message = tr("{file} can't be shown: {reason}", file=name, reason=error.what)
        self.update()
        self.failed.emit(self._message)
