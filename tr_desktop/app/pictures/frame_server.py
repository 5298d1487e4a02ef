"""The decoder's own thread: exact pictures of one file, the newest wish first, then what will be wished next.

Notable choices: there is one mailbox that holds the newest wish only, so dragging and playing drop frames instead of
lagging; what is shown is always the very frame that was wished for; between wishes the thread reads on in the direction
of play, frame by frame, and breaks off as soon as a wish arrives. Decoded frames are kept as they come (not as images),
since a resized window then costs no decoding.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from tr_desktop.app.pictures.frame_cache import FrameCache
from tr_desktop.app.pictures.images import ImageMaker
from tr_desktop.errors import MediaError
from tr_desktop.footage.reader import FrameReader
from tr_desktop.moments import Footage, Segment

CACHE_BYTES = 320 << 20  # a hundred frames of 1080p
AHEAD, BACK = 24, 48  # frames read on in the direction of play, at most; back in one go, since each costs a seek
AHEAD_STILL, BACK_STILL = 4, 12  # either way of a frame that stands
_BEHIND = 3  # a frame behind is as far away as one three times as far ahead
_PATIENCE_S = 0.5  # a wish that takes longer than this is given up for a newer one before it


@dataclass(frozen=True)
class FrameRequest:
    """`frame` of a file, within `box_px` device pixels; then frames in `direction` (1, -1, 0: either way).

    loop: what is being played again and again; at its end comes its start.
    """

    footage: Footage
    frame: int
    box_px: tuple[int, int]
    direction: int = 0
    loop: Segment | None = None

    def distance(self, number: int) -> int:
        """How far away frame `number` is from being shown; 0 is the frame itself."""
        if self.loop is not None and self.loop.start_frame <= number < self.loop.end_frame:
            return (number - self.frame) % self.loop.frames
        if self.loop is not None or not self.direction:
            return abs(number - self.frame)
        ahead = (number - self.frame) * self.direction
        return ahead if ahead >= 0 else -_BEHIND * ahead

    def ahead(self, limit: int) -> Iterator[int]:
        """The frames shown next, the nearest first."""
        if self.loop is not None:
            start, length = self.loop.start_frame, self.loop.frames
            yield from (start + (self.frame + step - start) % length for step in range(1, min(limit, length)))
        else:
            yield from range(self.frame + 1, min(self.frame + limit + 1, len(self.footage)))

    def back(self, limit: int) -> Iterator[int]:
        """The frames before it, the nearest first."""
        yield from range(self.frame - 1, max(self.frame - limit - 1, -1), -1)


class FrameServer(QObject):
    """Answers wishes from a thread of its own; `shut_down` ends it.

    ready: (wish, image). failed: (wish, MediaError). Both are emitted from the thread, so a slot of a QObject that
    lives in another one gets them through the event loop.
    """

    ready = Signal(object, QImage)
    failed = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mail = threading.Condition()
        self._request: FrameRequest | None = None
        self._is_over = False
        self._thread = threading.Thread(target=self._work, name="frame server", daemon=True)
        self._thread.start()

    def ask(self, request: FrameRequest | None) -> None:
        """Wish for a frame in place of the wish before; None: let go of the file."""
        with self._mail:
            self._request = request
            self._mail.notify()

    def shut_down(self) -> None:
        """End the thread and wait for it; nothing is emitted any more."""
        with self._mail:
            self._is_over = True
            self._mail.notify()
        self._thread.join()

    def _work(self) -> None:
        done: FrameRequest | None = None
        desk: _Desk | None = None
        while True:
            with self._mail:
                self._mail.wait_for(lambda done=done: self._is_over or self._request is not done)  # type: ignore[misc]
                request = self._request
            if desk is not None and (self._is_over or request is None or not desk.serves(request)):
                desk.reader.close()
                desk = None
            if self._is_over:
                return
            if request is not None:
                desk = desk or _Desk(request)
                self._answer(request, desk)
                self._read_on(request, desk)
            done = request

    def _answer(self, request: FrameRequest, desk: _Desk) -> None:
        since_s = time.perf_counter()
        try:
            if request.frame not in desk.cache:
                for number, picture in desk.reader.frames_to(request.frame):
                    desk.cache.put(number, picture, request.distance)
                    if self._is_given_up(request, since_s):
                        return
            picture_there = desk.cache.get(request.frame)
            if picture_there is not None:
                self.ready.emit(request, desk.image_of(picture_there, request.box_px))
        except MediaError as error:
            self.failed.emit(request, error)

    def _is_given_up(self, request: FrameRequest, since_s: float) -> bool:
        newest = self._request
        if self._is_over or newest is None or newest.footage.media != request.footage.media:
            return True
        # Any other newer wish has time: this one is on its way, and what never arrives can't be seen while dragging.
        return newest.frame < request.frame and time.perf_counter() - since_s > _PATIENCE_S

    def _read_on(self, request: FrameRequest, desk: _Desk) -> None:
        try:
            while (missing := _missing(request, desk.cache)) is not None:
                for number, picture in desk.reader.frames_to(*missing):
                    desk.cache.put(number, picture, request.distance)
                    if self._request is not request or self._is_over:
                        return
                if missing[0] not in desk.cache:
                    return  # there is no room for it
        except MediaError:
            pass  # said when somebody wishes for that frame


class _Desk:
    """What the thread has before it while one file is open."""

    def __init__(self, request: FrameRequest) -> None:
        self._footage = request.footage
        self.reader = FrameReader(request.footage)
        self.cache = FrameCache(CACHE_BYTES)
        self.image_of = ImageMaker(request.footage.media)

    def serves(self, request: FrameRequest) -> bool:
        """Whether that is the same file, read as far: one that is being indexed grows."""
        footage = request.footage
        return footage.media == self._footage.media and len(footage) == len(self._footage)


def _missing(request: FrameRequest, cache: FrameCache) -> tuple[int, int] | None:
    """The next frame to read before it is wished for, and from where on to read it whole; None: all are there."""
    room = cache.capacity // 3
    ahead, back = {1: (AHEAD, 0), -1: (0, BACK), 0: (AHEAD_STILL, BACK_STILL)}[request.direction]
    for number in request.ahead(min(ahead, room)):
        if number not in cache:
            return number, number
    back = min(back, 2 * room)
    for number in request.back(back // 2):  # half of them gone: read as many again in one go
        if number not in cache:
            return number, number - back // 2
    return None
