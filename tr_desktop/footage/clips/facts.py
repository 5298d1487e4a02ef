"""The facts that a clip must have in common with its source, beside frames and samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tr_desktop.footage.clips.picture import WRITABLE_TAGS
from tr_desktop.footage.languages import is_same_language
from tr_desktop.footage.probe import probe
from tr_desktop.moments import UNSPECIFIED, FieldOrder, Footage, Media

_RGB, _BT601 = 0, {5, 6}  # ITU-T H.273
_ALPHA_BESIDE = {"vp8", "vp9"}  # decoded without their transparency
_ROUNDED_PX = 1  # Matroska stores the width as shown, in whole pixels
_MOV_SUFFIXES = {".mov", ".mp4", ".m4v", ".3gp", ".qt"}


def with_facts(footage: Footage) -> Footage:
    """The footage with the file's present facts, if an older library lacks them. Raises MediaError."""
    media = footage.media
    if media.stored_width:
        return footage
    now = probe(media.path)
    known = replace(now, rate=media.rate, start_tc=media.start_tc, is_vfr=media.is_vfr, path=media.path)
    return replace(footage, media=known)


def differences(media: Media, clip: Media, *, lossless: bool) -> Iterator[str]:
    """A part of a sentence for each fact of `clip` that isn't as in `media`, its source. lossless: pictures are copied;
    otherwise they may be smaller by a line or column, and their codec is another."""
    size = media.stored_width, media.stored_height
    if not lossless:
        size = size[0] & ~1, size[1] & ~1
    if media.stored_width and (clip.stored_width, clip.stored_height) != size:
        yield f"its pictures have {clip.stored_width} × {clip.stored_height} pixels instead of {size[0]} × {size[1]}"
    if not has_same_aspect(media, clip) and clip.path.suffix != ".mkv":  # PyAV can't write it there; a note names it
        yield f"its pixel aspect is {clip.pixel_aspect} instead of {media.pixel_aspect}"
    if (clip.rotation, clip.mirrored) != (media.rotation, media.mirrored):
        yield f"it is turned by {clip.rotation} degrees instead of {media.rotation}"
    if media.fields.is_interlaced and clip.fields is not media.fields:
        yield f"its field order is {_fields(clip)} instead of {_fields(media)}"
    if media.fields is FieldOrder.PROGRESSIVE and clip.fields.is_interlaced:
        yield "it is interlaced"
    for name in ("primaries", "transfer", "matrix"):
        meant, found = getattr(media.colour, name), getattr(clip.colour, name)
        if name == "matrix" and (meant == _RGB or {meant, found} == _BT601):
            continue  # encoders need YUV; ProRes has one number for BT.601's two, whose values are the same
        if found != meant and meant != UNSPECIFIED:
            yield f"its colour ({name}) is {found} instead of {meant}"
    if lossless:
        yield from _differences_of_copy(media, clip)
    elif media.has_alpha and clip.codec == "prores" and not clip.has_alpha and media.codec not in _ALPHA_BESIDE:
        yield "its transparency is lost"
    if len(clip.audio) != len(media.audio):
        yield f"it has {len(clip.audio)} audio tracks instead of {len(media.audio)}"
        return
    for number, (meant, found) in enumerate(zip(media.audio, clip.audio, strict=True), 1):
        if found.channels != meant.channels:
            yield f"audio track {number} has {found.channels} channels instead of {meant.channels}"
        if found.rate_hz != meant.rate_hz:
            yield f"audio track {number} has {found.rate_hz} Hz instead of {meant.rate_hz}"
        if meant.language and not is_same_language(found.language, meant.language):
            yield f"audio track {number} has the language {found.language or 'none'} instead of {meant.language}"


def has_same_aspect(media: Media, clip: Media) -> bool:
    return abs(clip.pixel_aspect - media.pixel_aspect) * clip.stored_width <= _ROUNDED_PX


def _differences_of_copy(media: Media, clip: Media) -> Iterator[str]:
    if clip.codec != media.codec:
        yield f"its codec is {clip.codec} instead of {media.codec}"
    is_same_family = {media.path.suffix.lower(), clip.path.suffix.lower()} <= _MOV_SUFFIXES
    if is_same_family and media.codec_tag and clip.codec_tag != WRITABLE_TAGS.get(media.codec_tag, media.codec_tag):
        yield f"its kind is {clip.codec_tag or 'unnamed'} instead of {media.codec_tag}"
    if media.colour.is_full_range is not None and clip.colour.is_full_range not in (media.colour.is_full_range, None):
        yield "its colours have another range"
    if clip.has_alpha != media.has_alpha:
        yield "its transparency is lost" if media.has_alpha else "it is transparent"


def _fields(media: Media) -> str:
    return {FieldOrder.UPPER_FIRST: "upper first", FieldOrder.LOWER_FIRST: "lower first"}.get(
        media.fields, "progressive"
    )
