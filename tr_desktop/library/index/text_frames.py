"""Pictures in which text is likely: one of each shot, found by the index and a cheap look at strokes.

Reading text costs a hundred times the look: only pictures with strokes side by side, as letters have, are passed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from tr_desktop.footage.container import open_video
from tr_desktop.footage.orientation import Orientation, upright
from tr_desktop.footage.seek import find_frames, land
from tr_desktop.moments import Footage, Indexed, Media

RgbPicture = npt.NDArray[np.uint8]

# A new shot begins between two rows of the index if the picture changes by this share of a complete change; in a still
# picture by less, since a slide looks nearly like the one before.
_CUT, _STEP, _STILL = 0.25, 0.02, 0.005
_AROUND_ROWS = 4
_SHORTEST_S = Fraction(1)
_LONGEST_S = Fraction(10)  # of a shot in which one picture stands for all
_WIDEST_PX = 1280

# Strokes are looked for in a grey picture this wide, in blocks of a letter or two.
_LOOK_PX = 320
_BLOCK_PX = (8, 24)
_EDGE = 24  # of 255, between neighbouring pixels
_BUSY = 0.06  # share of a block's pixels that get brighter, and that get darker
LIKELY_BLOCKS = 3  # in a row


@dataclass(frozen=True)
class ShotPicture:
    """A picture and the part of its shot, [start_s, end_s), that it stands for.

    strokes: blocks with strokes in a row, at most. begins_shot: whether the part begins with a change of picture.
    """

    start_s: Fraction
    end_s: Fraction
    begins_shot: bool
    picture: RgbPicture
    strokes: int


@dataclass(frozen=True)
class ShotPart:
    """Rows [first, end) of the index, and whether the picture changes at the first."""

    first: int
    end: int
    begins_shot: bool


def shot_parts(item: Indexed, complete: float) -> list[ShotPart]:
    """The shots of a file, none longer than ten seconds. complete: 1 - similarity of unrelated pictures."""
    rows = item.vectors.astype(np.float32)
    change = (1 - np.sum(rows[1:] * rows[:-1], axis=1)) / complete
    shortest = max(int(_SHORTEST_S / item.every_s), 1)
    edges = [0, len(rows)]
    for row in np.argsort(-change, kind="stable").tolist():  # the clearest first
        usual = float(np.median(change[max(row - _AROUND_ROWS, 0) : row + _AROUND_ROWS + 1]))
        if change[row] <= _STEP:
            break
        is_change = change[row] > _CUT or usual < _STILL
        if is_change and all(abs(row + 1 - edge) >= shortest for edge in edges):
            edges.append(row + 1)
    edges.sort()
    parts = list[ShotPart]()
    for first, end in zip(edges, edges[1:], strict=False):
        count = max(-(-(end - first) * item.every_s // _LONGEST_S), 1)
        inner = [first + (end - first) * number // count for number in range(count + 1)]
        parts += [ShotPart(a, b, a == first) for a, b in zip(inner, inner[1:], strict=False) if a < b]
    return parts


def shot_pictures(item: Indexed, parts: Sequence[ShotPart]) -> Iterator[ShotPicture]:
    """The last keyframe of each of `parts` that has one: decoding up to another frame would cost more than reading it.

    Encoders put a keyframe at cuts, and a new one every few seconds. Raises MediaError if the file can't be read.
    """
    footage, times = item.footage, item.times
    for part, frame in _keyframes(footage, item.every_s, parts):
        end_s = times.duration_s if part.end == len(item.vectors) else part.end * item.every_s
        picture = _upright(footage.media, frame)
        yield ShotPicture(part.first * item.every_s, end_s, part.begins_shot, picture, strokes(picture))


def _keyframes(
    footage: Footage, every_s: Fraction, parts: Sequence[ShotPart]
) -> Iterator[tuple[ShotPart, VideoFrame]]:
    times, start_pts = footage.times, footage.times.start_pts
    if start_pts is None:  # no time stamps to go by: the file has to be decoded anyway
        middle = {times.frame_at((part.first + part.end) // 2 * every_s): part for part in parts}
        for number, frame in find_frames(footage, list(middle)):
            yield middle[number], frame
        return
    with open_video(footage.media.path) as (container, stream):
        for part in parts:
            # A cut is somewhere after the row before, and its keyframe there.
            first = times.frame_at((part.first - 1) * every_s) + 1 if part.begins_shot and part.first else 0
            first = first or times.frame_at(part.first * every_s)
            last = times.frame_at((part.end - 1) * every_s)
            landed = land(container, stream, times, start_pts + int(times.ticks[last]), ())
            frame = next(iter(landed or ()), None)
            if frame is not None and frame.pts is not None and frame.pts >= start_pts + int(times.ticks[first]):
                yield part, frame


def _upright(media: Media, frame: VideoFrame) -> RgbPicture:
    width = min(frame.width, _WIDEST_PX)
    small = frame.reformat(width, max(round(frame.height * width / frame.width), 1), "rgb24")
    return upright(np.asarray(small.to_ndarray(), np.uint8), Orientation(media.rotation, media.mirrored))


def strokes(picture: RgbPicture) -> int:
    """How many neighbouring blocks of `picture`, RGB uint8 [H, W, 3], have strokes as letters have them, at most."""
    step = max(picture.shape[1] // _LOOK_PX, 1)
    high, wide = (size // step * step for size in picture.shape[:2])
    green = picture[:high, :wide, 1].reshape(high // step, step, wide // step, step)
    change = np.diff(green.mean(axis=(1, 3), dtype=np.float32), axis=1)
    busy = np.minimum(_share(change > _EDGE), _share(change < -_EDGE)) > _BUSY
    run = best = np.zeros(len(busy), int)
    for column in busy.T:
        run = (run + 1) * column
        best = np.maximum(best, run)
    return int(best.max(initial=0))


def _share(pixels: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """The share of each block's pixels."""
    high, wide = (size // block for size, block in zip(pixels.shape, _BLOCK_PX, strict=True))
    blocks = pixels[: high * _BLOCK_PX[0], : wide * _BLOCK_PX[1]].reshape(high, _BLOCK_PX[0], wide, _BLOCK_PX[1])
    return np.asarray(blocks.mean(axis=(1, 3)))
