"""The encoded parts of a smart cut: a source's own kind of H.264 or HEVC, with parameter sets of its own ids.

Parts have no B-frames: each picture is shown as it is decoded. Nothing then waits in a decoder when the next part
resets it (ITU-T H.265, C.5.2.2 discards what waits before a CRA picture).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
from av.codec.context import Flags
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from tr_desktop.footage.clips.describe import hdr10
from tr_desktop.footage.clips.parameter_sets import (
    H264_SEQUENCE,
    H264Sequence,
    Ids,
    packed,
    read_h264_sequence,
    sets_of,
    unit_kind,
    units_of,
    with_ids,
)
from tr_desktop.footage.clips.smart_plan import Picture
from tr_desktop.footage.seek import find_frames
from tr_desktop.moments import Footage

END_OF_SEQUENCE = bytes((36 << 1, 1))  # HEVC
_H264_PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high10", 122: "high422"}
_FORMATS = {
    "h264": {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv420p10le", "yuv422p10le"},
    "hevc": {"yuv420p", "yuvj420p", "yuv420p10le", "yuv422p10le"},
}
_HEVC_PROFILES = {"yuv420p10le": "main10", "yuv422p10le": "main422-10"}


@dataclass(frozen=True)
class Style:
    """How a source is coded, as far as encoded parts must match it. length_bytes: as `nal_length_bytes`."""

    codec: str
    pix_fmt: str
    sample_aspect: Fraction | None
    rate: Fraction
    length_bytes: int
    sets: tuple[bytes, ...]
    ids: Ids


def refusal(codec: str, pix_fmt: str, sets: list[bytes]) -> str:
    """Why pictures of this kind can't be encoded as the source has them; "" if they can."""
    if codec not in _FORMATS:
        return f"only H.264 and HEVC can be cut this way, not {codec or 'this codec'}"
    if pix_fmt not in _FORMATS[codec]:
        return f"{pix_fmt} pictures can't be encoded as the source has them"
    if not sets:
        return "its parameter sets are missing"
    if codec == "h264":
        sequences = _h264_sequences(sets)
        if not sequences:
            return "its parameter sets are missing"
        for sequence in sequences:
            if sequence.profile not in _H264_PROFILES:
                return f"its H.264 profile ({sequence.profile}) can't be encoded here"
            if not sequence.is_frames_only:
                return "its pictures may be coded as fields"
    return ""


class PartEncoder:
    """Encodes runs of a source's frames. on_frame: called after each. sets: its parameter sets, after the first run."""

    def __init__(self, footage: Footage, style: Style, on_frame: Callable[[], None]) -> None:
        self._footage = footage
        self._on_frame = on_frame
        self._style = style
        self._hdr10: str | None = None
        self.sets: list[bytes] = []

    def encode(self, frames: range) -> list[Picture]:
        """ValueError if the frames aren't as in `Style`, or the encoder's sets differ from the first run's."""
        context: VideoCodecContext | None = None
        packets: list[Packet[VideoStream]] = []
        for number, frame in find_frames(self._footage, frames):
            if context is None:
                context = self._open(frame)
            if frame.interlaced_frame:
                raise ValueError("it is interlaced")
            if (frame.format.name, frame.width, frame.height) != (self._style.pix_fmt, context.width, context.height):
                raise ValueError("its pictures change their size or format")
            frame.pts, frame.dts, frame.time_base = number - frames.start, None, 1 / self._style.rate
            frame.pict_type = PictureType.NONE
            packets += context.encode(frame)
            self._on_frame()
        assert context is not None
        packets += context.encode(None)
        return [self._picture(packet, frames) for packet in packets]

    def _picture(self, packet: Packet[VideoStream], frames: range) -> Picture:
        units = units_of(bytes(packet), 0)
        if self._style.codec == "hevc":
            units = [with_ids(unit, self._style.ids) for unit in units]
        return Picture(
            frames.start + (packet.pts or 0), packed(units, self._style.length_bytes), bool(packet.is_keyframe)
        )

    def _open(self, first: VideoFrame) -> VideoCodecContext:
        style = self._style
        if self._hdr10 is None:
            self._hdr10 = hdr10(first)
        context = av.CodecContext.create("libx264" if style.codec == "h264" else "libx265", "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = first.width, first.height, style.pix_fmt
        context.time_base, context.framerate = 1 / style.rate, style.rate
        context.color_primaries, context.color_trc = first.color_primaries, first.color_trc
        context.colorspace, context.color_range = first.colorspace, first.color_range
        if style.sample_aspect:
            context.sample_aspect_ratio = style.sample_aspect
        context.flags |= Flags.global_header
        context.options = _h264_options(style) if style.codec == "h264" else _hevc_options(style, self._hdr10)
        context.open()
        sets = sets_of(context.extradata or b"", style.codec)
        if style.codec == "hevc":
            sets = [with_ids(unit, style.ids) for unit in sets]
        if not sets or (self.sets and sets != self.sets):
            raise ValueError("the encoder's parameter sets differ between parts")
        self.sets = sets
        return context


def _h264_sequences(sets: Sequence[bytes]) -> list[H264Sequence]:
    return [read_h264_sequence(unit) for unit in sets if unit_kind(unit, "h264") == H264_SEQUENCE]


def _h264_options(style: Style) -> dict[str, str]:
    first = _h264_sequences(style.sets)[0]
    # As many references as the source: a decoder may drop waiting pictures if its buffer changes (H.264, C.4.4).
    params = (
        f"sps-id={style.ids.sequence}:ref={min(max(first.references, 1), 16)}:bframes=0:open-gop=0:level={first.level}"
    )
    return {"crf": "16", "preset": "medium", "profile": _H264_PROFILES[first.profile], "x264-params": params}


def _hevc_options(style: Style, levels: str) -> dict[str, str]:
    params = "log-level=error:bframes=0:open-gop=0:repeat-headers=0" + levels
    return {"crf": "16", "profile": _HEVC_PROFILES.get(style.pix_fmt, "main"), "x265-params": params}
