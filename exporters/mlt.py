"""MLT XML, for Shotcut, Kdenlive and the `melt` renderer.

Frames count from the first of the file and `out` is inclusive, as MLT defines it. The profile has the rate of the
sources: one of its frames is one source frame. It has the size, the pixels, the fields and the colour of the first
source; standard definition that doesn't say its colour is of BT.601. `resource` is a plain path, not a URL. MLT reads
the fields of a picture from the coded frames: if only the container has them, the producer's properties repeat them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from exporters.markup import document, element
from exporters.notes import left_behind
from exporters.picture import standard, stored
from exporters.registry import Exporter
from exporters.timeline import Clip, Timeline
from tr_desktop.moments import FieldOrder

FIDELITY = {
    "frames": "exact",
    "source timecode": "no",
    "rates": "one; a file for each",
    "tracks": "one video with its first audio stream",
    "fields, aspect, colour": "fields, stored size, pixel aspect, matrix of the first source",
    "reel": "no",
    "file": "path",
    "query, score, edges": "as properties of each cut",
    "name, note, rating": "as properties of each cut",
    "markers": "no",
    "handles": "in the cut",
}

# MLT's names for the matrices of ITU-T H.273; the profile has no place for primaries and transfer.
_MATRICES = {1: 709, 5: 601, 6: 601, 7: 240, 9: 2020, 10: 2020}


def render(timeline: Timeline) -> str:
    media = timeline.clips[0].media
    raster = stored(media)
    shape = Fraction(raster.width, raster.height) * raster.pixel_aspect
    profile = element(
        "profile",
        description="TimeRefine",
        width=raster.width,
        height=raster.height,
        progressive=0 if media.fields.is_interlaced else 1,
        sample_aspect_num=raster.pixel_aspect.numerator,
        sample_aspect_den=raster.pixel_aspect.denominator,
        display_aspect_num=shape.numerator,
        display_aspect_den=shape.denominator,
        frame_rate_num=timeline.rate.numerator,
        frame_rate_den=timeline.rate.denominator,
        colorspace=_MATRICES.get(media.colour.matrix, 601 if standard(media) else 709),
    )
    ids: dict[Path, str] = {}
    producers: list[Element] = []
    playlist = element("playlist", id="playlist0")
    for clip in timeline.clips:
        if clip.media.path not in ids:
            ids[clip.media.path] = f"producer{len(ids)}"
            producers.append(_producer(clip, ids[clip.media.path]))
        remarks = clip.remarks
        words = {"name": remarks.name, "note": remarks.note, "rating": str(remarks.rating or "")}
        found = [_property(f"timerefine:{key}", value) for key, value in words.items() if value]
        found += [_property("timerefine:query", clip.query), _property("timerefine:evidence", clip.evidence)]
        source = ids[clip.media.path]
        entry = {"producer": source, "in": str(clip.start_frame), "out": str(clip.end_frame - 1)}
        playlist.append(element("entry", *found, **entry))
    tractor = element("tractor", element("track", producer="playlist0"), id="tractor0", title=timeline.name)
    # Producers, then the playlist that uses them, then the tractor: https://www.mltframework.org/docs/mltxml/
    root = element("mlt", profile, *producers, playlist, tractor, title=timeline.name, producer="tractor0")
    root.set("LC_NUMERIC", "C")
    return document(root)


def _producer(clip: Clip, own_id: str) -> Element:
    properties = {"resource": os.fsencode(clip.media.path).decode("utf-8", "replace"), "mlt_service": "avformat"}
    if clip.media.fields.is_interlaced:
        properties |= {"force_progressive": "0", "force_tff": str(int(clip.media.fields is FieldOrder.UPPER_FIRST))}
    bounds = {"in": "0", "out": str(clip.media_frames - 1)}
    return element("producer", *(_property(*each) for each in properties.items()), id=own_id, **bounds)


def _property(name: str, value: str) -> Element:
    return element("property", value, name=name)


def notes(timeline: Timeline) -> Iterator[str]:
    """What the format can't hold."""
    yield from left_behind(timeline, tracks=1)


EXPORTER = Exporter("mlt", "MLT XML (Shotcut, Kdenlive)", ".mlt", render, FIDELITY, notes=notes)
