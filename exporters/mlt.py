"""MLT XML, for Shotcut, Kdenlive and the `melt` renderer.

Frames count from the first of the file and `out` is inclusive, as MLT defines it. The profile has the rate of the
sources: one of its frames is one source frame. `resource` is a plain path, not a URL.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from xml.etree.ElementTree import Element

from exporters.markup import document, element
from exporters.registry import Exporter
from exporters.timeline import Clip, Timeline

FIDELITY = {
    "frames": "exact",
    "source timecode": "no",
    "rates": "one; a file for each",
    "tracks": "one video with its first audio stream",
    "reel": "no",
    "file": "path",
    "query, score, edges": "as properties of each cut",
    "name, note, rating": "as properties of each cut",
    "markers": "no",
    "handles": "in the cut",
}


def render(timeline: Timeline) -> str:
    media = timeline.clips[0].media
    shape = math.gcd(media.width, media.height)
    profile = element(
        "profile",
        description="TimeRefine",
        width=media.width,
        height=media.height,
        progressive=1,
        sample_aspect_num=1,
        sample_aspect_den=1,
        display_aspect_num=media.width // shape,
        display_aspect_den=media.height // shape,
        frame_rate_num=timeline.rate.numerator,
        frame_rate_den=timeline.rate.denominator,
        colorspace=709,
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
    resource = os.fsencode(clip.media.path).decode("utf-8", "replace")
    bounds = {"in": "0", "out": str(clip.media_frames - 1)}
    return element(
        "producer", _property("resource", resource), _property("mlt_service", "avformat"), id=own_id, **bounds
    )


def _property(name: str, value: str) -> Element:
    return element("property", value, name=name)


EXPORTER = Exporter("mlt", "MLT XML (Shotcut, Kdenlive)", ".mlt", render, FIDELITY)
