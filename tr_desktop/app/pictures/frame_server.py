"""The decoder's own thread: exact pictures of one file, the newest request first, then the frames likely to come next.

Notable choices:
- Only the newest request is kept, so that dragging and playing drop frames instead of lagging.
- The picture is always of the exact frame that was requested.
- Between requests the thread reads on in the direction of play, frame by frame. It stops as soon as a request arrives.
- Frames are kept as they were decoded, not as images: a resized window then costs no decoding.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from tr_desktop.app.pictures.frame_cache import FrameCache
from tr_desktop.app.pictures.images import ImageMaker
from tr_desktop.app.pictures.mailbox import PATIENCE_S, Mailbox, report_bug
from tr_desktop.errors import MediaError
from tr_desktop.footage.reader import FrameReader
from tr_desktop.moments import Footage, Segment

CACHE_BYTES = 320 << 20  # a hundred frames of 1080p
# Frames read on in the direction of play, at most; backward in one go, since each costs a seek.
AHEAD, BACK = 24, 48
AHEAD_STILL, BACK_STILL = 4, 12  # around a frame that stands still
_BEHIND = 3  # a frame behind counts as far away as one three times as far ahead
_PATIENCE_S = 0.5  # a request that takes longer is given up for a newer one for an earlier frame


@dataclass(frozen=True)
class FrameRequest:
    """`frame` of a file, within `box_px` device pixels; then frames in `direction` (1, -1, 0: either way).

    loop: the segment that is played in a loop.
    """

    footage: Footage
    frame: int
    box_px: tuple[int, int]
    direction: int = 0
    loop: Segment | None = None

    def distance(self, number: int) -> int:
        """How soon frame `number` will be shown: 0 is the frame itself."""
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
    """Answers requests in a thread of its own; `shut_down` ends it.

    ready: (request, image). failed: (request, error). Both are emitted from the thread: slots of QObjects that live in
    another thread are called through the event loop.
    """

    ready = Signal(FrameRequest, QImage)
    failed = Signal(FrameRequest, MediaError)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._request: FrameRequest | None = None
        self._mailbox = Mailbox("frame server", self._work)
        self._mailbox.start()

    def ask(self, request: FrameRequest | None) -> None:
        """Replace the request; None: close the file."""
        with self._mailbox:
            self._request = request
            self._mailbox.notify()

    def shut_down(self, patience_s: float = PATIENCE_S) -> bool:
        """End the thread; whether it ended within `patience_s`. If so, no signal is emitted after that."""
        return self._mailbox.shut_down(patience_s)

    def _work(self) -> None:
        done: FrameRequest | None = None
        desk: _Desk | None = None
        while True:
            with self._mailbox:
                self._mailbox.wait_for(lambda done=done: self._request is not done)  # type: ignore[misc]
                request = self._request
            if desk is not None and (self._mailbox.is_over or request is None or not desk.serves(request)):
                desk.reader.close()
                desk = None
            if self._mailbox.is_over:
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
        except Exception as error:  # noqa: BLE001 (reported)
            report_bug(error)
            desk.reader.close()
            what = f"reading it fails unexpectedly ({type(error).__name__}: {error})"
            self.failed.emit(request, MediaError(what, path=request.footage.media.path))

    def _is_given_up(self, request: FrameRequest, since_s: float) -> bool:
        newest = self._request
        if self._mailbox.is_over or newest is None or newest.footage.media != request.footage.media:
            return True
        # Other newer requests can wait: this one is nearly done, and while dragging some pictures have to arrive.
        return newest.frame < request.frame and time.perf_counter() - since_s > _PATIENCE_S

    def _read_on(self, request: FrameRequest, desk: _Desk) -> None:
        try:
            while (missing := _missing(request, desk.cache)) is not None:
                for number, picture in desk.reader.frames_to(*missing):
                    desk.cache.put(number, picture, request.distance)
                    if self._request is not request or self._mailbox.is_over:
                        return
                if missing[0] not in desk.cache:
                    return  # the cache has no room for it
        except MediaError:
            pass  # reported if that frame is requested
        except Exception as error:  # noqa: BLE001 (reported)
            report_bug(error)
            desk.reader.close()


class _Desk:
    """The reader, frames and converter of the file that is open."""

    def __init__(self, request: FrameRequest) -> None:
        self._footage = request.footage
        self.reader = FrameReader(request.footage)
        self.cache = FrameCache(CACHE_BYTES)
        self.image_of = ImageMaker(request.footage.media)

    def serves(self, request: FrameRequest) -> bool:
        """Whether it is the same file with as many frames: a file grows while it is being indexed."""
        footage = request.footage
        return footage.media == self._footage.media and len(footage) == len(self._footage)


def _missing(request: FrameRequest, cache: FrameCache) -> tuple[int, int] | None:
    """(The next frame to read in advance, the frame from which on all are kept); None: all are there."""
    room = cache.capacity // 3
    ahead, back = {1: (AHEAD, 0), -1: (0, BACK), 0: (AHEAD_STILL, BACK_STILL)}[request.direction]
    for number in request.ahead(min(ahead, room)):
        if number not in cache:
            return number, number
    back = min(back, 2 * room)
    for number in request.back(back // 2):  # half of them are missing: read as many again in one go
        if number not in cache:
            return number, number - back // 2
    return None
