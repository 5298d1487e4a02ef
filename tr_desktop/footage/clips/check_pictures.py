"""Compares every picture of a clip with its source, which has pictures of the same format."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from tr_desktop.errors import ExportError
from tr_desktop.footage.clips.check import NOISE, SIMILAR
from tr_desktop.footage.container import open_video
from tr_desktop.footage.decode import Reading, decode_frames
from tr_desktop.footage.seek import find_frames
from tr_desktop.moments import Footage, Segment


def verify_pictures(footage: Footage, segment: Segment, copied: range, clip: Path) -> None:
    """Decode all of `clip` and compare each picture with the frame of `segment` that it should be.

    copied: the source frames that must be equal to the bit. Others must be similar to their source frame, and not
    closer to a neighbour of it. ExportError: the first frame that differs; the caller then removes the clip.
    """
    wrong = ""
    with open_video(clip) as (container, stream):
        decoded = decode_frames(container, stream, Reading())
        for source, shown in zip_longest(_with_neighbours(footage, segment), decoded):
            if source is None:
                wrong = f"it has more than {segment.frames} frames"
            elif shown is None:
                wrong = f"frame {source[0]} is missing"
            elif not (_is_same if source[0] in copied else _is_similar)(shown, *source[1:]):
                wrong = f"its frame {source[0] - segment.start_frame} isn't frame {source[0]} of the source"
            if wrong:
                reason = f"The clip failed verification: {wrong}"
                raise ExportError(reason, path=footage.media.path, remedy="Use an exact cut")


def _with_neighbours(footage: Footage, segment: Segment) -> Iterator[tuple[int, VideoFrame, list[VideoFrame]]]:
    """(number, frame, the frames beside it) for each frame of `segment`."""
    first, end = max(segment.start_frame - 1, 0), min(segment.end_frame + 1, len(footage))
    before: list[VideoFrame] = []
    current: tuple[int, VideoFrame] | None = None
    for number, frame in find_frames(footage, range(first, end)):
        if current is not None:
            if current[0] >= segment.start_frame:
                yield *current, [*before, frame]
            before = [current[1]]
        current = number, frame
    if current is not None and current[0] < segment.end_frame:
        yield *current, before


def _is_same(shown: VideoFrame, frame: VideoFrame, _: list[VideoFrame]) -> bool:
    if _layout(shown) != _layout(frame):
        return False
    return all(np.array_equal(_samples(shown, plane), _samples(frame, plane)) for plane in range(len(frame.planes)))


def _is_similar(shown: VideoFrame, frame: VideoFrame, beside: list[VideoFrame]) -> bool:
    if any(_layout(shown) != _layout(other) for other in (frame, *beside)):
        return False
    brightness = _samples(shown, 0).astype(np.int32)
    full_scale = 1 << (shown.format.components[0].bits - 8)
    off, *others = (float(np.abs(brightness - _samples(each, 0)).mean()) / full_scale for each in (frame, *beside))
    return off <= min([SIMILAR, *(other + NOISE for other in others)])


def _layout(frame: VideoFrame) -> tuple[str, int, int]:
    return frame.format.name, frame.width, frame.height


def _samples(frame: VideoFrame, plane: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """A plane's samples [height, width], without the padding of its lines."""
    source = frame.planes[plane]
    data = np.frombuffer(memoryview(source), np.uint8)[: source.height * source.line_size]
    lines = data.view(np.uint16) if frame.format.components[0].bits > 8 else data
    return lines.reshape(source.height, -1)[:, : source.width]
