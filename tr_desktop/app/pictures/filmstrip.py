"""Small pictures of exact frames, made in a thread: for the filmstrip and the posters."""

from __future__ import annotations

import time
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple, TypeAlias

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from tr_desktop.app.pictures.images import ImageMaker
from tr_desktop.app.pictures.mailbox import PATIENCE_S, Mailbox, report_bug
from tr_desktop.app.work.jobs import WORK_NICE, give_way
from tr_desktop.errors import MediaError
from tr_desktop.footage.reader import FrameReader
from tr_desktop.moments import Footage, Media

CACHE_BYTES = 96 << 20
MAX_PENDING = 256  # the oldest are dropped; a painter that still needs one asks again
ON_THE_WAY_S = 10  # a long group of pictures
MAX_FILES = 4  # held open while there is work
_PATIENCE_S = 0.5  # a picture that takes longer is put off if a newer request has come

_Files: TypeAlias = "OrderedDict[tuple[Media, int], tuple[FrameReader, ImageMaker]]"


class _Key(NamedTuple):
    path: Path
    frame: int
    height_px: int


class Thumbnails(QObject):
    """Answers the newest request first, with those that are on the way to its frame; `shut_down` ends its thread.

    ready: (path, frame, image), emitted from the thread. The image is null if the frame can't be read.
    """

    ready = Signal(Path, int, QImage)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mailbox = Mailbox("thumbnails", self._work)
        self._pending: OrderedDict[_Key, Footage] = OrderedDict()
        self._images: OrderedDict[_Key, QImage] = OrderedDict()  # the one used last at the end
        self._image_bytes = 0
        self._versions: dict[Path, int] = {}
        self._mailbox.start()

    def request(self, footage: Footage, frame: int, height_px: int) -> None:
        """Ask for a frame, `height_px` device pixels high; to ask again costs nothing."""
        media = footage.media
        key = _Key(media.path, min(max(frame, 0), len(footage) - 1), height_px)
        with self._mailbox:
            if self._versions.setdefault(media.path, media.mtime_ns) != media.mtime_ns:
                self._forget(media)
            if key in self._images:
                return
            self._pending[key] = footage
            self._pending.move_to_end(key)
            if len(self._pending) > MAX_PENDING:
                self._pending.popitem(last=False)
            self._mailbox.notify()

    def image(self, path: Path, frame: int, height_px: int) -> QImage | None:
        """The picture, null if it can't be read; None: it isn't there yet."""
        key = _Key(path, frame, height_px)
        with self._mailbox:
            if key in self._images:
                self._images.move_to_end(key)
            return self._images.get(key)

    def shut_down(self, patience_s: float = PATIENCE_S) -> bool:
        """End the thread; whether it ended within `patience_s`."""
        return self._mailbox.shut_down(patience_s)

    def _work(self) -> None:
        give_way(WORK_NICE)
        files: _Files = OrderedDict()
        while True:
            with self._mailbox:
                if not self._pending:  # no file stays open: its drive can be unplugged
                    _close(files, 0)
                    self._mailbox.wait_for(lambda: bool(self._pending))
                if self._mailbox.is_over:
                    _close(files, 0)
                    return
                key, footage = self._next()
            file = footage.media, len(footage)  # one that is being indexed grows
            if file not in files:
                files[file] = FrameReader(footage), ImageMaker(footage.media)
            files.move_to_end(file)
            _close(files, MAX_FILES)
            image = self._read(*files[file], key, footage.media)
            if image is None:
                continue
            with self._mailbox:
                self._pending.pop(key, None)
                self._keep(key, image)
            self.ready.emit(key.path, key.frame, image)

    def _next(self) -> tuple[_Key, Footage]:
        """The newest request, or an older one on the way to its frame: decoding passes there anyway."""
        newest, footage = next(reversed(self._pending.items()))
        times = footage.times
        begin = times.frame_at(times.time_s(newest.frame) - ON_THE_WAY_S)
        on_the_way = [key for key in self._pending if key.path == newest.path and begin <= key.frame <= newest.frame]
        key = min(on_the_way, key=lambda key: key.frame)
        return key, self._pending[key]

    def _newest(self) -> _Key:
        with self._mailbox:  # it may not change between the two steps
            return next(reversed(self._pending))

    def _read(self, reader: FrameReader, image_of: ImageMaker, key: _Key, media: Media) -> QImage | None:
        """The picture, null if it can't be read; None: put off until newer requests are answered."""
        since_s = time.perf_counter()
        newest = self._newest()
        box_px = max(round(key.height_px * media.width / media.height), 1), key.height_px
        try:
            for number, picture in reader.frames_to(key.frame):
                is_slow = time.perf_counter() - since_s > _PATIENCE_S
                if self._mailbox.is_over or (is_slow and self._newest() != newest):
                    return None
                if number == key.frame:
                    return image_of(picture, box_px)
        except MediaError:
            pass  # the player gives the reason when it shows the file
        except Exception as error:  # noqa: BLE001 (reported)
            report_bug(error)
            reader.close()
        return QImage()

    def _keep(self, key: _Key, image: QImage) -> None:
        self._images[key] = image
        self._image_bytes += image.sizeInBytes()
        while self._image_bytes > CACHE_BYTES and len(self._images) > 1:
            self._image_bytes -= self._images.popitem(last=False)[1].sizeInBytes()

    def _forget(self, media: Media) -> None:
        """Drop the pictures of a file that has been replaced."""
        self._versions[media.path] = media.mtime_ns
        for key in [key for key in self._images if key.path == media.path]:
            self._image_bytes -= self._images.pop(key).sizeInBytes()


def _close(files: _Files, limit: int) -> None:
    """Close the files that were used longest ago, until `limit` are open."""
    while len(files) > limit:
        files.popitem(last=False)[1][0].close()
