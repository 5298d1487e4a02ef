"""One file held open for random access: exact frames by number. If the next one is near, decoding continues."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from types import TracebackType

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tr_desktop.errors import MediaError
from tr_desktop.footage.container import open_video
from tr_desktop.footage.decode import Reading, decode_frames
from tr_desktop.footage.seek import READ_ON_S, land
from tr_desktop.moments import Footage


class FrameReader:
    """The frames of a file, recognised by their time stamps as in `seek.find_frames`; for one thread at a time.

    footage: as a finished `Sampler` gave it. The file is opened at the first frame asked for.
    """

    def __init__(self, footage: Footage) -> None:
        self._media = footage.media
        self._times = footage.times
        self._stack = ExitStack()
        self._opened: tuple[InputContainer, VideoStream] | None = None
        self._run: Iterator[tuple[int, VideoFrame]] | None = None  # from a keyframe on
        self._at = -1  # the last frame that came out of it
        self._wanted = _From(0)
        self._last_key_s = Fraction(0)
        self._longest_group_s = Fraction(0)
        self._is_counting = footage.times.start_pts is None

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. It is opened again at the next request."""
        self._run = None
        self._opened = None
        self._stack.close()

    def frames_to(self, frame: int, whole_from: int | None = None) -> Iterator[tuple[int, VideoFrame]]:
        """Yield (number, decoded frame) on the way to `frame`, which comes last.

        whole_from: from this frame on, none is left out (None: `frame`). Some frames before it come too, if others
        refer to them. Callers may stop after any frame: the same request again gives the rest.
        Raises IndexError for a frame outside the file, MediaError if the file can't be read or lacks the frame.
        """
        if not 0 <= frame < len(self._times):
            raise IndexError(f"frame {frame} of a file of {len(self._times)}")
        whole_from = frame if whole_from is None else min(max(whole_from, 0), frame)
        if not self._goes_on_to(frame):
            self._stand_before(whole_from)
        yield from self._read(frame, whole_from)
        if self._at != frame and not self._is_counting:  # the seek went astray: count from the start from now on
            self._is_counting = True
            self._stand_before(whole_from)
            yield from self._read(frame, whole_from)
        if self._at != frame:
            self.close()
            raise MediaError(f"frame {frame} is missing: the file has changed", path=self._media.path)

    def _read(self, frame: int, whole_from: int) -> Iterator[tuple[int, VideoFrame]]:
        self._wanted.first = (self._times.start_pts or 0) + int(self._times.ticks[whole_from])
        while self._run is not None and self._at < frame:
            following = next(self._run, None)
            if following is None:
                self._run = None
                return
            self._at, picture = following
            if picture.key_frame:
                key_s = self._times.time_s(self._at)
                self._longest_group_s = max(self._longest_group_s, key_s - self._last_key_s)
                self._last_key_s = key_s
            if self._at <= frame:
                yield following

    def _goes_on_to(self, frame: int) -> bool:
        """Whether decoding on reaches `frame` sooner than a seek."""
        if self._run is None or frame <= self._at:
            return False
        ahead_s = self._times.time_s(frame) - self._times.time_s(max(self._at, 0))
        return self._is_counting or ahead_s <= max(READ_ON_S, self._longest_group_s)

    def _stand_before(self, frame: int) -> None:
        self._at = -1
        self._last_key_s = self._times.time_s(frame)  # the distance to the keyframe isn't the length of a group
        start_pts = self._times.start_pts
        if not self._is_counting and start_pts is not None:
            self._wanted = _From(start_pts + int(self._times.ticks[frame]))
            container, stream = self._opened or self._open()
            frames = land(container, stream, self._times, self._wanted.first, self._wanted)
            if frames is None:  # no seek lands before it, but a newly opened file is at its start
                frames = decode_frames(*self._open(), Reading())
            self._run = self._numbered(frames, start_pts)
        else:
            self._run = enumerate(decode_frames(*self._open(), Reading()))

    def _open(self) -> tuple[InputContainer, VideoStream]:
        self.close()
        self._opened = self._stack.enter_context(open_video(self._media.path))
        return self._opened

    def _numbered(self, frames: Iterator[VideoFrame], start_pts: int) -> Iterator[tuple[int, VideoFrame]]:
        ticks = self._times.ticks
        for frame in frames:
            if frame.pts is None:
                continue
            number = bisect.bisect_left(ticks, frame.pts - start_pts)
            if number < len(ticks) and ticks[number] == frame.pts - start_pts:
                yield number, frame


class _From:
    """Every time stamp from `first` on."""

    def __init__(self, first: int) -> None:
        self.first = first

    def __contains__(self, pts: object) -> bool:
        return isinstance(pts, int) and pts >= self.first
