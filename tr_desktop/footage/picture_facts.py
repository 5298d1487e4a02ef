"""The facts of a picture, from the container and the coded picture: fields, colour, the shape of its pixels, alpha.

The coded picture counts first, and the container if the picture lacks the fact: ProRes of older programs has its colour
in the `colr` atom only. `Declared.of` keeps the container's facts; decoding overwrites them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import av.error
from av.container import InputContainer
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tr_desktop.moments import UNSPECIFIED, Colour, FieldOrder

_SQUAREST = 8  # pixel aspect ratios beyond 8:1 are damage, not anamorphic pictures
_RESERVED = (0, 3)  # H.273; ProRes writes 0 for unknown
_FULL_RANGE = {1: False, 2: True}  # FFmpeg's AVColorRange
# FFmpeg's AVFieldOrder. 4 and 5 stand for QuickTime's 9 and 14, fields stored as the lines of one picture. Their
# comments in FFmpeg and in old QuickTime documents mislead: 9 means that the first line is the earlier one
# (CoreMedia's SpatialFirstLineEarly; RFC 9559 defines the same for Matroska).
_FIELD_ORDERS = {
    1: FieldOrder.PROGRESSIVE,
    2: FieldOrder.UPPER_FIRST,
    3: FieldOrder.LOWER_FIRST,
    4: FieldOrder.UPPER_FIRST,
    5: FieldOrder.LOWER_FIRST,
}
# Codecs whose pictures state that they are progressive, and those that are never anything else.
_SAY_PROGRESSIVE = ("h264", "hevc", "vvc", "mpeg2video", "mpeg4", "vc1", "wmv3", "prores", "dnxhd", "dvvideo")
_ALWAYS_PROGRESSIVE = ("mpeg1video", "h263", "vp8", "vp9", "av1", "theora", "gif", "apng", "png", "evc", "apv")
_MOV_OR_AVI = ("mov", "avi")


class Declared(NamedTuple):
    """The container's facts, by FFmpeg's numbers."""

    field_order: int
    primaries: int
    transfer: int
    matrix: int
    colour_range: int

    @classmethod
    def of(cls, stream: VideoStream) -> Declared:
        """Call it before the first picture is decoded."""
        context = stream.codec_context
        return cls(
            context.field_order, context.color_primaries, context.color_trc, context.colorspace, context.color_range
        )


def field_order(stream: VideoStream, declared: Declared, frame: VideoFrame) -> FieldOrder:
    """One picture in each frame, or two fields. Interlaced if the frame or the container is marked so:
    progressive pictures that are flagged as interlaced are taken at their flag, as editors take them."""
    if frame.interlaced_frame:
        return FieldOrder.UPPER_FIRST if _is_top_first(frame) else FieldOrder.LOWER_FIRST
    order = _FIELD_ORDERS.get(declared.field_order, FieldOrder.UNKNOWN)
    codec = stream.codec_context.codec.canonical_name
    if order is FieldOrder.UNKNOWN and codec in (*_SAY_PROGRESSIVE, *_ALWAYS_PROGRESSIVE):
        return FieldOrder.PROGRESSIVE
    return order


def _is_top_first(frame: VideoFrame) -> bool:
    """PyAV shows whether a frame is interlaced, but not its first field; FFmpeg's `select` filter does."""
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1)
    )
    select, sink = graph.add("select", "eq(interlace_type,TOPFIRST)"), graph.add("buffersink")
    source.link_to(select)
    select.link_to(sink)
    graph.configure()
    source.push(frame)
    try:
        sink.pull()
    except (av.error.BlockingIOError, av.error.EOFError):
        return False
    return True


def colour(declared: Declared, frame: VideoFrame) -> Colour:
    """Each code point from the picture, or from the container if the picture doesn't specify it."""
    pairs = (
        (frame.color_primaries, declared.primaries),
        (frame.color_trc, declared.transfer),
        (frame.colorspace, declared.matrix),
    )
    primaries, transfer, matrix = (
        next((int(point) for point in pair if point not in (UNSPECIFIED, *_RESERVED)), UNSPECIFIED) for pair in pairs
    )
    if frame.format.is_rgb:
        matrix = 0
    ranges = (_FULL_RANGE.get(int(value)) for value in (frame.color_range, declared.colour_range))
    return Colour(primaries, transfer, matrix, next((full for full in ranges if full is not None), None))


def pixel_aspect(stream: VideoStream) -> Fraction:
    """Width of a stored pixel by its height: the container's, or else the coded picture's."""
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    return aspect if aspect and 1 <= aspect * _SQUAREST <= _SQUAREST**2 else Fraction(1)


def has_alpha(stream: VideoStream, frame: VideoFrame) -> bool:
    """Whether pictures have transparency. WebM keeps it beside the pictures, which FFmpeg decodes without it."""
    is_beside = (stream.metadata.get("alpha_mode") or stream.metadata.get("ALPHA_MODE")) == "1"
    return is_beside or any(component.is_alpha for component in frame.format.components)


def codec_tag(container: InputContainer, stream: VideoStream) -> str:
    """The four characters by which MOV, MP4 and AVI name the kind of codec; "" elsewhere and for tags that aren't
    text."""
    tag = stream.codec_context.codec_tag
    is_text = len(tag) == 4 and tag.isascii() and tag.isprintable()
    return tag if is_text and container.format.name.startswith(_MOV_OR_AVI) else ""
