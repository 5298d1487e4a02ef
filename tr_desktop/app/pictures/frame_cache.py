"""Decoded frames of one file, as many as fit; those needed soonest stay."""

from __future__ import annotations

from collections.abc import Callable

from av.video.frame import VideoFrame


class FrameCache:
    """Frames by number, within `limit_bytes` of memory."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._frames: dict[int, VideoFrame] = {}
        self._frame_bytes = 1

    def __contains__(self, number: int) -> bool:
        return number in self._frames

    def get(self, number: int) -> VideoFrame | None:
        return self._frames.get(number)

    @property
    def capacity(self) -> int:
        """How many frames fit, of the size of the last one."""
        return max(self._limit_bytes // self._frame_bytes, 1)

    def put(self, number: int, frame: VideoFrame, distance: Callable[[int], int]) -> None:
        """Add a frame, and drop those with the largest `distance` until the rest fits; that may be the new one."""
        self._frame_bytes = max(sum(plane.buffer_size for plane in frame.planes), 1)
        self._frames[number] = frame
        while len(self._frames) > self.capacity:
            del self._frames[max(self._frames, key=distance)]
