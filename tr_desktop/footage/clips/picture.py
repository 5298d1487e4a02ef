"""A clip's facts in its container: kind of codec, fields, pixel aspect, colour and rotation.

A decoder doesn't need these facts, but an editor does, and for many codecs they exist only in the container.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from tr_desktop.footage.clips.mov_index import colour_atom, complete_index, field_atom
from tr_desktop.moments import UNSPECIFIED, FieldOrder, Media

MOV_FORMATS = {"mov", "mp4"}
_BT709, _RGB = 1, 0  # ITU-T H.273
WRITABLE_TAGS = {"dvhe": "dvh1", "dvav": "dva1"}
"""Dolby Vision: FFmpeg writes only the form whose parameters are in the index, where a copy has them as well."""
_DNXHR_COLOUR_AT = 0x2C
_DNXHR_MATRICES = {9: 1, 10: 2}
# FFmpeg's AVFieldOrder: both fields are stored and shown in this order.
_FIELD_ORDERS = {FieldOrder.PROGRESSIVE: 1, FieldOrder.UPPER_FIRST: 2, FieldOrder.LOWER_FIRST: 3}
_WITHOUT_FIELD_ATOM = {"dnxhd"}  # FFmpeg leaves it out for a few more, whose own pictures have it


def copied_tag(source: VideoStream, format_name: str) -> str:
    """The four characters for a copy of these pictures in a container; "" if its writer should choose."""
    codec, tag = source.codec_context.codec.canonical_name, source.codec_context.codec_tag
    if format_name not in MOV_FORMATS:
        return ""
    if source.container.format.name.startswith("mov") or codec == "prores":  # Matroska stores those of ProRes
        tag = WRITABLE_TAGS.get(tag, tag)
        return tag if tag.isprintable() and "\0" not in tag else ""
    return "hvc1" if codec == "hevc" else ""  # Apple's programs don't open the other form, hev1


def describe_copy(picture: VideoStream, source: VideoStream, media: Media, writing: OutputContainer) -> None:
    """Give the copied stream the facts that a template lacks. Call it before the first packet."""
    context = picture.codec_context
    if tag := copied_tag(source, writing.format.name):
        context.codec_tag = tag
    if (aspect := source.sample_aspect_ratio) and aspect > 0:
        context.sample_aspect_ratio = aspect
    if media.fields.is_interlaced:
        context.field_order = _FIELD_ORDERS[media.fields]
    picture.disposition = source.disposition
    picture.metadata.update({key: value for key, value in source.metadata.items() if key.lower() == "alpha_mode"})
    _turn(picture, media)


def is_rgb(frame: VideoFrame) -> bool:
    """Whether a picture has no colour matrix of its own; clips of it get BT.709's."""
    return frame.format.is_rgb or frame.format.has_palette


def describe_encoded(picture: VideoStream, media: Media, first: VideoFrame, size: tuple[int, int]) -> None:
    """Give the encoder the facts of the clip's pictures. first: a decoded frame; size: of the clip's frames."""
    context = picture.codec_context
    context.color_primaries, context.color_trc = media.colour.primaries, media.colour.transfer
    context.colorspace = _BT709 if is_rgb(first) else media.colour.matrix
    context.color_range = ColorRange.MPEG  # editors assume video range, whatever the tag is
    if media.fields in _FIELD_ORDERS:
        context.field_order = _FIELD_ORDERS[media.fields]
    if (aspect := _pixel_aspect(media, size)) != 1:
        context.sample_aspect_ratio = aspect
    _turn(picture, media)


def mark_matrix(packets: Sequence[Packet[VideoStream]], matrix: int) -> None:
    """Put the colour matrix into coded pictures of DNxHR: FFmpeg's encoder calls everything BT.709.

    SMPTE ST 2019-1, "Color Volume": 0 BT.709, 1 and 2 BT.2020, 3 for the container's word, such as BT.601.
    """
    if matrix in (UNSPECIFIED, _BT709):
        return
    for packet in packets:
        picture = bytearray(packet)
        picture[_DNXHR_COLOUR_AT] |= _DNXHR_MATRICES.get(matrix, 3) << 1
        packet.update(bytes(picture))


class Written(NamedTuple):
    """What a clip's index should say. languages: of each track."""

    languages: list[str]
    has_chapters: bool


def written(writing: OutputContainer) -> Written:
    """For `finish_clip`, while the clip is still open."""
    return Written([stream.metadata.get("language", "") for stream in writing.streams], bool(writing.chapters()))


def finish_clip(clip: Path, media: Media, codec: str, meant: Written) -> None:
    """Write into a finished MOV or MP4 file what its writer leaves out. codec: the clip's. OSError, ValueError."""
    if clip.suffix not in (".mov", ".mp4"):
        return
    is_mp4 = clip.suffix == ".mp4"
    extensions = []
    if media.fields.is_interlaced and codec in _WITHOUT_FIELD_ATOM and not is_mp4:
        extensions.append(field_atom(media.fields))
    points = media.colour.primaries, media.colour.transfer, media.colour.matrix
    if UNSPECIFIED in points and any(point not in (UNSPECIFIED, _RGB) for point in points):
        extensions.append(colour_atom(media.colour, is_mp4=is_mp4))
    if extensions or meant.has_chapters or (any(meant.languages) and not is_mp4):
        complete_index(clip, meant.languages, extensions)


def _pixel_aspect(media: Media, size: tuple[int, int]) -> Fraction:
    if media.stored_width:
        return media.pixel_aspect
    shown = (media.height, media.width) if media.rotation % 180 else (media.width, media.height)
    return Fraction(shown[0] * size[1], shown[1] * size[0])


def _turn(picture: VideoStream, media: Media) -> None:
    if media.rotation or media.mirrored:
        picture.set_display_rotation(-media.rotation, hflip=media.mirrored)
