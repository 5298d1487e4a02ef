"""Pictures in which text is likely: one of each shot, found by the index and a cheap look at strokes.

Reading text costs a hundred times the look: only pictures with strokes side by side, as letters have, are passed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

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
_CUT, _STEP, _STILL = 0.2, 0.02, 0.005
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
    """Rows [first, end) of the index. begins_shot: whether the picture changes at the first. is_still: whether it
    hardly changes until the end, as titles and slides don't.
    """

    first: int
    end: int
    begins_shot: bool
    is_still: bool


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
    for first, end in pairwise(edges):
        count = max(-(-(end - first) * item.every_s // _LONGEST_S), 1)
        inner = [first + (end - first) * number // count for number in range(count + 1)]
        is_still = end - first > 2 and float(np.median(change[first : end - 1])) < _STILL
        parts += [ShotPart(a, b, a == first, is_still) for a, b in pairwise(inner) if a < b]
    return parts


def shot_pictures(item: Indexed, parts: Sequence[ShotPart]) -> Iterator[ShotPicture]:
    """One picture of each of `parts`: the middle of a still one, where a title has come in, or else its last keyframe.

    Decoding up to another frame would cost more than reading it, so parts without a keyframe are left out. Encoders put
    one at most cuts, and one every few seconds. Raises MediaError if the file can't be read.
    """
    times = item.times
    for part, frame in _frames(item.footage, item.every_s, parts):
        end_s = times.duration_s if part.end == len(item.vectors) else part.end * item.every_s
        picture = _upright(item.footage.media, frame)
        yield ShotPicture(part.first * item.every_s, end_s, part.begins_shot, picture, strokes(picture))


def _frames(footage: Footage, every_s: Fraction, parts: Sequence[ShotPart]) -> Iterator[tuple[ShotPart, VideoFrame]]:
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
            middle_row, last_row = (part.first + part.end) // 2, part.end - 1
            last = times.frame_at((middle_row if part.is_still else last_row) * every_s)
            first_pts, last_pts = (start_pts + int(times.ticks[frame]) for frame in (first, last))
            wanted_pts = last_pts if part.is_still else first_pts
            for frame in land(container, stream, times, last_pts, (last_pts,)) or ():
                if frame.pts is not None and frame.pts >= wanted_pts:
                    yield part, frame
                    break
                if not part.is_still:
                    break


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
