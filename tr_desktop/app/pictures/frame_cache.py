"""Decoded frames of one file, as many as fit: those that will be needed soonest stay."""

from __future__ import annotations

from collections.abc import Callable

from av.video.frame import VideoFrame


class FrameCache:
    """Frames by number, within `most_bytes`."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._frames: dict[int, VideoFrame] = {}
        self._frame_bytes = 1

    def __contains__(self, number: int) -> bool:
        return number in self._frames

    def get(self, number: int) -> VideoFrame | None:
        return self._frames.get(number)

    @property
    def capacity(self) -> int:
        """How many frames of the size put in last fit."""
        return max(self._most_bytes // self._frame_bytes, 1)

    def put(self, number: int, frame: VideoFrame, distance: Callable[[int], int]) -> None:
        """Keep a frame; what is too much goes, from the largest `distance` on, the new one too if that is farthest."""
        self._frame_bytes = max(sum(plane.buffer_size for plane in frame.planes), 1)
        self._frames[number] = frame
        while len(self._frames) > self.capacity:
            del self._frames[max(self._frames, key=distance)]

    def clear(self) -> None:
        self._frames.clear()
