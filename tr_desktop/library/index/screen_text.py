"""Text in the pictures (titles, signs, slides), read by RapidOCR: the extra `ocr`, off by default.

Reading a picture takes half a second of one core. Pictures are therefore read every two seconds, and only if something
changed since the last one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from tr_desktop.errors import MediaError, UserError
from tr_desktop.footage.captions import Cue
from tr_desktop.footage.orientation import Orientation, upright
from tr_desktop.footage.seek import find_frames
from tr_desktop.library.index.coverage import Coverage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Footage, Media, TextKind

READ_EVERY_S = Fraction(2)
_WIDEST_PX = 1280
_MIN_SURE = 0.7
_BLOCK_PX, _CHANGE = 16, 8  # a block that changed by this much may hold different text

RgbPicture = npt.NDArray[np.uint8]
TextReader = Callable[[RgbPicture], str]
"""From a picture, RGB uint8 [H, W, 3], to the text in it, "" if there is none."""


def open_reader() -> TextReader:
    """RapidOCR with the models that come in its package. Raises UserError if the extra isn't installed."""
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise UserError(
            "Text in pictures can't be read: RapidOCR isn't installed",
            remedy="Install the extra: pip install 'tr-desktop[ocr]'",
        ) from error
    engine: Any = RapidOCR(params={"Global.log_level": "critical", "Global.text_score": _MIN_SURE})

    def read(picture: RgbPicture) -> str:
        return " | ".join(engine(np.ascontiguousarray(picture[..., ::-1])).txts or ())  # it takes BGR

    return read


def read_screen_text(
    coverage: Coverage,
    catalog: Catalog,
    reader: TextReader,
    on_progress: Callable[[Path, Fraction], None] = lambda *_: None,
    stop: threading.Event | None = None,
) -> int:
    """Read and store the text in the footage of `coverage` that hasn't been read yet; the number of files read.

    Footage that is offline or only partly indexed is left for the next run. on_progress: called with the file and the
    seconds of it that are done. stop: when set, it ends within a few seconds; finished files are kept.
    Raises NotWritableError if another process is the library's writer at that moment, LibraryError for a full disk.
    """
    stop, done = stop or threading.Event(), 0
    left_for_later = {*coverage.offline, *coverage.incomplete, *coverage.coarse}
    for media_id in catalog.quotes.not_looked_for_in(coverage.media, TextKind.SCREEN):
        path = coverage.media[media_id]
        if stop.is_set():
            break
        if path in left_for_later:
            continue
        cues = list[Cue]()
        try:
            for cue in _cues(catalog.footage(path), reader):
                if stop.is_set():
                    return done
                on_progress(path, cue.end_s)
                if cue.text:
                    cues.append(cue)
        except MediaError:  # it went away after it was indexed
            continue
        with catalog.writing() as writer:
            writer.add_text(media_id, TextKind.SCREEN, cues)
        done += 1
    return done


def _cues(footage: Footage, reader: TextReader) -> Iterator[Cue]:
    """The text in the picture from one time to another; "" if there is none."""
    media, times = footage.media, footage.times
    count = int(times.duration_s / READ_EVERY_S) + 1
    frames = sorted({times.frame_at(READ_EVERY_S * number) for number in range(count)})
    start_s, text, last = Fraction(0), "", None
    for number, frame in find_frames(footage, frames):
        picture = _picture(media, frame)
        if last is not None and not _changed(last, picture):
            continue
        last, now = picture, reader(picture)
        if now != text and number:
            yield Cue(start_s, times.time_s(number), text)
            start_s = times.time_s(number)
        text = now
    yield Cue(start_s, times.duration_s, text)


def _picture(media: Media, frame: VideoFrame) -> RgbPicture:
    width = min(frame.width, _WIDEST_PX)
    small = frame.reformat(width, max(round(frame.height * width / frame.width), 1), "rgb24")
    return upright(np.asarray(small.to_ndarray(), np.uint8), Orientation(media.rotation, media.mirrored))


def _changed(before: RgbPicture, now: RgbPicture) -> bool:
    difference = np.abs(before.astype(np.int16) - now).max(axis=2)
    high, wide = (size // _BLOCK_PX for size in difference.shape)
    blocks = difference[: high * _BLOCK_PX, : wide * _BLOCK_PX].reshape(high, _BLOCK_PX, wide, _BLOCK_PX)
    return bool(blocks.size and blocks.mean(axis=(1, 3)).max() > _CHANGE)
