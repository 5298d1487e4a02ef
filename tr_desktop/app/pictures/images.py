"""Decoded frames as images: upright, in square pixels, in the right colours."""

from __future__ import annotations

import av.error
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from PySide6.QtGui import QImage, QTransform

from tr_desktop.errors import MediaError
from tr_desktop.moments import Media

_UNTAGGED = 2  # AVCOL_SPC_UNSPECIFIED
_HD_HEIGHT = 720  # untagged footage of this height is Rec. 709 by convention; FFmpeg assumes Rec. 601


def fit(width: int, height: int, box_px: tuple[int, int]) -> tuple[int, int]:
    """The largest (width, height) of the same shape within `box_px`, at least one pixel each."""
    scale = min(box_px[0] / width, box_px[1] / height)
    return max(round(width * scale), 1), max(round(height * scale), 1)


class ImageMaker:
    """Converts frames of one file, in one thread only: it keeps the scaler's tables from frame to frame."""

    def __init__(self, media: Media) -> None:
        self._media = media
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame, box_px: tuple[int, int]) -> QImage:
        """The frame scaled down to fit `box_px`; smaller frames keep their size and are scaled when painted.

        Raises MediaError if the pixel format can't be converted.
        """
        width, height = self._media.width, self._media.height
        if width > box_px[0] or height > box_px[1]:
            width, height = fit(width, height, box_px)
        if self._media.rotation % 180:
            width, height = height, width
        is_untagged_hd = frame.colorspace == _UNTAGGED and min(frame.width, frame.height) >= _HD_HEIGHT
        try:
            shown = self._reformatter.reformat(
                frame, width, height, "bgra", src_colorspace=Colorspace.ITU709 if is_untagged_hd else None
            )
        except (av.error.FFmpegError, ValueError) as error:
            raise MediaError(f"its pictures ({frame.format.name}) can't be shown", path=self._media.path) from error
        plane = shown.planes[0]
        # The view doesn't keep the frame's memory alive, so the image needs memory of its own.
        view = QImage(memoryview(plane), width, height, plane.line_size, QImage.Format.Format_RGB32)
        if not (self._media.rotation or self._media.mirrored):
            return view.copy()
        mirror = QTransform.fromScale(-1 if self._media.mirrored else 1, 1)  # Qt applies the last one first
        return view.transformed(mirror.rotate(self._media.rotation))
