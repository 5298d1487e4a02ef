"""From decoded frames to upright pictures of their own shape, as large as asked for at most."""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from tr_desktop.footage.orientation import Orientation, upright
from tr_desktop.moments import Media


class Fitted:
    """Makes pictures, uint8 RGB [H, W, 3], of frames of one file.

    side_px: of the longer side; a smaller picture keeps its size. Sides are even, as most codecs need them.
    """

    def __init__(self, media: Media, side_px: int) -> None:
        scale = min(side_px / max(media.width, media.height), 1.0)
        sides = [max(round(each * scale / 2) * 2, 2) for each in (media.width, media.height)]
        self._size = tuple(reversed(sides)) if media.rotation % 180 else tuple(sides)
        self._how = Orientation(media.rotation, media.mirrored)
        self._reformatter = VideoReformatter()  # keeps the scaler's tables from frame to frame

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        width, height = self._size
        scaled = self._reformatter.reformat(frame, width, height, "rgb24", interpolation=Interpolation.AREA)
        return upright(np.asarray(scaled.to_ndarray(), np.uint8), self._how)
