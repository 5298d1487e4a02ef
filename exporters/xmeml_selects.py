"""Final Cut Pro 7 XML without a timeline: a bin with a clip for each moment, marked with in and out.

The clips are masters, so each can have a name, marks and comments of its own, also if they are of one file. Markers
count from the first frame of the media, as `in` and `out` do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from exporters import xmeml
from exporters.markup import document, element
from exporters.registry import Exporter
from exporters.text import shortened
from exporters.timeline import Clip, Timeline
from exporters.xmeml import audio_tracks, file_element, links, marker, rate_element, words

FIDELITY = {
    **xmeml.FIDELITY,
    "rates": "any",
    "query, score, edges": "a marker in the clip",
    "markers": "clip markers, with colour",
    "handles": "between in and out; the marker covers the moment without them",
}


def render(timeline: Timeline) -> str:
    # Apple, "Final Cut Pro XML Interchange Format": Basics, "Encoding a Clip"; Elements, `bin`, `clip`
    files: dict[Path, str] = {}
    clips = [_clip(f"clip-{number}", clip, files) for number, clip in enumerate(timeline.clips, 1)]
    made = element("bin", element("name", timeline.name), element("children", *clips))
    return document(element("xmeml", made, version=4), "xmeml")


def _clip(own_id: str, clip: Clip, files: dict[Path, str]) -> Element:
    audio = [(attributes, channel) for attributes, [channel] in audio_tracks((clip,))]
    items = [(f"{own_id}-v", "video", 1, 1)]
    items += [(f"{own_id}-a{number}", "audio", number, 1) for number in range(1, len(audio) + 1)]

    def item(item_id: str, *extra: Element) -> Element:
        return element(
            "clipitem",
            element("name", clip.own_name),
            element("masterclipid", own_id),
            rate_element(clip.rate),
            element("duration", clip.media_frames),
            element("in", clip.start_frame),
            element("out", clip.end_frame),
            file_element(clip, files),
            *extra,
            *links(items),
            id=item_id,
        )

    video = element("video", element("track", item(items[0][0])))
    sound = element("audio")
    for (item_id, *_), (attributes, channel) in zip(items[1:], audio, strict=True):
        source = element("sourcetrack", element("mediatype", "audio"), element("trackindex", channel or 1))
        sound.append(element("track", item(item_id, source), **attributes))
    return element(
        "clip",
        element("name", clip.own_name),
        element("duration", clip.media_frames),
        rate_element(clip.rate),
        element("in", clip.start_frame),
        element("out", clip.end_frame),
        element("masterclipid", own_id),
        element("ismasterclip", "TRUE"),
        *words(clip),
        *_markers(clip),
        element("media", video, *([sound] if audio else [])),
        id=own_id,
    )


def _markers(clip: Clip) -> Iterator[Element]:
    name = shortened(clip.title, 120) or f"moment {clip.rank}"
    if clip.is_marked:
        yield marker(name, clip.comment, clip.found.start_frame, clip.found.end_frame)
    for mark in clip.marks:
        yield marker(shortened(mark.name, 120) or "marker", "", mark.frame, colour=mark.colour)


EXPORTER = Exporter(
    "xmeml-selects",
    "Final Cut Pro 7 XML, a bin without a timeline",
    ".selects.xml",
    render,
    FIDELITY,
    one_rate=False,
    notes=xmeml.notes,
)
