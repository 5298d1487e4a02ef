"""From a decoded frame to the square picture that a model takes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from tr_desktop.footage.orientation import Orientation, upright
from tr_desktop.picture_shape import Fit, PictureShape
from tr_desktop.picture_shape import Interpolation as Filter

# A picture longer than this, by its shorter side, is squashed to it before the cut, which bounds memory.
_LONGEST = 16


class Square:
    """Makes upright squares, uint8 RGB [S, S, 3], of frames. shape: a number stands for a squashed picture's side."""

    def __init__(self, shape: PictureShape | int) -> None:
        self._shape = PictureShape(shape) if isinstance(shape, int) else shape
        if self._shape.size_px <= 0:
            raise ValueError(f"no picture has {self._shape.size_px} px")
        self._interpolation = Interpolation[self._shape.interpolation.name]
        if self._shape.interpolation is not Filter.AREA:  # as Pillow scales, which gets every pixel's own colour
            self._interpolation |= Interpolation.FULL_CHR_H_INT
        self._reformatter = VideoReformatter()  # keeps the scaler's tables from frame to frame

    def __call__(self, frame: VideoFrame, how: Orientation, pixel_aspect: Fraction) -> NDArray[np.uint8]:
        """pixel_aspect: width of a stored pixel by its height."""
        size = self._shape.size_px
        width, height = self._scaled(frame.width * pixel_aspect, frame.height)
        scaled = self._reformatter.reformat(frame, width, height, "rgb24", interpolation=self._interpolation)
        picture: NDArray[np.uint8] = np.asarray(scaled.to_ndarray(), np.uint8)
        left, top = (width - size) // 2, (height - size) // 2
        return upright(picture[top : top + size, left : left + size], how)

    def _scaled(self, width: Fraction, height: int) -> tuple[int, int]:
        """The size to scale a picture of that size to, before its centre is cut out."""
        size = self._shape.size_px
        if self._shape.fit is Fit.SQUASH:
            return size, size
        longer = int(size * min(max(width / height, height / width), Fraction(_LONGEST)))
        return (longer, size) if width >= height else (size, longer)
