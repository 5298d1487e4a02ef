"""FCPXML 1.10, for Final Cut Pro, and for Resolve from version 18.

Notable choices (Apple's DTD and "Timing attributes"):
- Every time is a whole number of frames, written as a fraction of a second (`30030/30000s`), since Final Cut leaves
  gaps otherwise. Zero is a fraction too, for readers that expect one.
- `start` of an asset is the timecode of its first frame, counted in frames; a clip's `start` and its markers are on
  that axis. `offset` is on the sequence's, which begins at `tcStart`.
- Each source rate has a project of its own. Nothing is conformed.
- A format has the stored size, with the shape of its pixels, and one of the six colour spaces that Apple's DTD names.
  Any other is written as Rec. 709, with a note.
- 1.10 is the newest version that every Resolve since 18 accepts. Resolve relinks by a name with its extension.
- A marker can only be inside a clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from exporters.links import file_url
from exporters.markup import document, element
from exporters.notes import left_behind, listed
from exporters.picture import standard, stored
from exporters.registry import Exporter
from exporters.text import shortened
from exporters.timeline import Clip, Timeline, fps_text
from tr_desktop.moments import UNSPECIFIED, FieldOrder, Media
from tr_desktop.timecode import Timecode

FIDELITY = {
    "frames": "exact",
    "source timecode": "exact, drop-frame kept",
    "rates": "a project for each",
    "tracks": "one video with its audio",
    "fields, aspect, colour": "fields, stored size, pixel aspect; colour space, if the format names it",
    "reel": "yes",
    "file": "path and name",
    "query, score, edges": "clip markers",
    "name, note, rating": "clip name and note; rating as a keyword",
    "markers": "clip markers, without colour",
    "handles": "in the cut; markers cover the moment without them",
}
_FIELD_ORDERS = {
    FieldOrder.PROGRESSIVE: "progressive",
    FieldOrder.UPPER_FIRST: "upper first",
    FieldOrder.LOWER_FIRST: "lower first",
}
# Primaries, transfer and matrix by ITU-T H.273, each with its equals, and the colour space that the DTD names for them:
# the transfers 1, 6, 14 and 15 are one curve, the matrices 5 and 6 one matrix. RGB pictures have the matrix 0.
_SDR = {1, 6, 14, 15}
_COLOUR_SPACES = (
    ({1}, _SDR, {0, 1}, "1-1-1 (Rec. 709)"),
    ({9}, {18}, {9}, "9-18-9 (Rec. 2020 HLG)"),
    ({9}, {16}, {9}, "9-16-9 (Rec. 2020 PQ)"),
    ({9}, _SDR, {9}, "9-1-9 (Rec. 2020)"),
    ({6, 7}, _SDR, {5, 6}, "6-1-6 (Rec. 601 (NTSC))"),
    ({5}, {5, *_SDR}, {5, 6}, "5-1-6 (Rec. 601 (PAL))"),
)
_AUDIO_RATES = {
    32000: "32k",
    44100: "44.1k",
    48000: "48k",
    88200: "88.2k",
    96000: "96k",
    176400: "176.4k",
    192000: "192k",
}


class Resources:
    """The formats and files that a document refers to, each once."""

    def __init__(self) -> None:
        self.element = element("resources")
        self._formats: dict[tuple[tuple[str, str], ...], str] = {}
        self._assets: dict[Path, str] = {}

    def format_id(self, clip: Clip) -> str:
        attributes = _format(clip)
        key = tuple(attributes.items())
        if key not in self._formats:
            self._formats[key] = self._next_id()
            self.element.append(element("format", id=self._formats[key], **attributes))
        return self._formats[key]

    def asset_id(self, clip: Clip) -> str:
        if clip.media.path not in self._assets:
            used_format = self.format_id(clip)
            self._assets[clip.media.path] = self._next_id()
            self.element.append(_asset(clip, self._assets[clip.media.path], used_format))
        return self._assets[clip.media.path]

    def _next_id(self) -> str:
        return f"r{len(self.element) + 1}"


def render(timeline: Timeline) -> str:
    resources = Resources()
    parts = timeline.by_rate()
    event = element("event", name=timeline.name)
    for part in parts:
        name = timeline.name if len(parts) == 1 else f"{timeline.name} {fps_text(part.rate)}"
        event.append(element("project", _sequence(part, resources), name=name))
    return one_event(resources, event)


def one_event(resources: Resources, event: Element) -> str:
    """The document with one event."""
    # Apple, "Document Type Definition": resources come before the library.
    # https://developer.apple.com/documentation/professional-video-applications/document-type-definition
    return document(element("fcpxml", resources.element, element("library", event), version="1.10"), "fcpxml")


def _sequence(timeline: Timeline, resources: Resources) -> Element:
    rate = timeline.rate
    spine = element("spine")
    for offset, clip in timeline.placed():
        spine.append(
            element(
                "asset-clip",
                *_words(clip),
                ref=resources.asset_id(clip),
                offset=time_text(timeline.start_tc.frame + offset, rate),
                name=clip.own_name,
                start=time_text(clip.source_in.frame, rate),
                duration=time_text(clip.frames, rate),
                format=resources.format_id(clip),
                tcFormat=tc_format(clip.media.start_tc),
                audioRole="dialogue",
            )
        )
    return element(
        "sequence",
        spine,
        format=resources.format_id(timeline.clips[0]),
        duration=time_text(timeline.frames, rate),
        tcStart=time_text(timeline.start_tc.frame, rate),
        tcFormat=tc_format(timeline.start_tc),
        audioLayout="stereo",  # Final Cut refuses sequences laid out as mono
        audioRate=next((_AUDIO_RATES[hz] for hz in _rates_hz(timeline) if hz in _AUDIO_RATES), "48k"),
    )


def _words(clip: Clip) -> Iterator[Element]:
    """The note, the moment as a marker, the editor's markers and the rating, in the order of Apple's DTD."""
    if clip.remarks.note:
        yield element("note", clip.remarks.note)
    if clip.is_marked:
        yield _marker(clip)
    yield from marks(clip)
    if clip.remarks.rating:
        yield element("keyword", **span(clip), value=f"rating {clip.remarks.rating}")


def marks(clip: Clip) -> Iterator[Element]:
    """The editor's markers."""
    for mark in clip.marks:
        start = time_text((clip.media.start_tc + mark.frame).frame, clip.rate)
        value = shortened(mark.name, 120) or "marker"
        yield element("marker", start=start, duration=time_text(1, clip.rate), value=value)


def span(clip: Clip) -> dict[str, str]:
    """The attributes of what covers the cut."""
    return {"start": time_text(clip.source_in.frame, clip.rate), "duration": time_text(clip.frames, clip.rate)}


def _marker(clip: Clip) -> Element:
    return element(
        "marker",
        start=time_text((clip.media.start_tc + clip.found.start_frame).frame, clip.rate),
        duration=time_text(clip.found.frames, clip.rate),
        value=shortened(clip.title, 120) or f"moment {clip.rank}",
        note=clip.comment,
    )


def _format(clip: Clip) -> dict[str, str]:
    media, raster = clip.media, stored(clip.media)
    attributes = {"name": "FFVideoFormatRateUndefined", "frameDuration": time_text(1, clip.rate)}
    if media.fields in _FIELD_ORDERS:
        attributes["fieldOrder"] = _FIELD_ORDERS[media.fields]
    attributes |= {"width": str(raster.width), "height": str(raster.height)}
    if raster.pixel_aspect != 1:
        attributes["paspH"], attributes["paspV"] = map(str, raster.pixel_aspect.as_integer_ratio())
    return {**attributes, "colorSpace": _colour_space(media) or _COLOUR_SPACES[0][-1]}


def _colour_space(media: Media) -> str | None:
    """The name of the first colour space that contradicts nothing in the media's colour; None if each does.

    Much footage of standard definition, such as DV, names no colour: its own space comes first.
    """
    codes = (media.colour.primaries, media.colour.transfer, media.colour.matrix)
    system = standard(media)
    spaces = sorted(_COLOUR_SPACES, key=lambda space: system is None or system not in space[-1])
    return next(
        (
            name
            for *known, name in spaces
            if all(code == UNSPECIFIED or code in fitting for code, fitting in zip(codes, known, strict=True))
        ),
        None,
    )


def notes(timeline: Timeline) -> Iterator[str]:
    """What the format can't hold."""
    footage = dict.fromkeys(clip.media for clip in timeline.clips)
    if unnamed := [_with_colour(media) for media in footage if _colour_space(media) is None]:
        yield (
            f"Final Cut Pro has no name for this colour: {listed(unnamed)}. The export has Rec. 709: choose the colour "
            "space in your editor."
        )
    yield from left_behind(timeline)


def _with_colour(media: Media) -> str:
    colour = media.colour
    return f"{media.path.name} (primaries {colour.primaries}, transfer {colour.transfer}, matrix {colour.matrix})"


def _asset(clip: Clip, own_id: str, format_id: str) -> Element:
    media = clip.media
    audio = {}
    if media.audio:
        audio = {
            "hasAudio": "1",
            "audioSources": str(len(media.audio)),
            "audioChannels": str(max(track.channels for track in media.audio)),
            "audioRate": str(media.audio[0].rate_hz),
        }
    children = [element("media-rep", kind="original-media", src=file_url(media.path))]
    if clip.proxy is not None:
        children.append(element("media-rep", kind="proxy-media", src=file_url(clip.proxy)))
    if media.reel:
        children.append(
            element("metadata", element("md", key="com.apple.proapps.studio.reel", value=media.reel)),
        )
    return element(
        "asset",
        *children,
        id=own_id,
        name=clip.name,
        start=time_text(media.start_tc.frame, clip.rate),
        duration=time_text(clip.media_frames, clip.rate),
        hasVideo="1",
        format=format_id,
        videoSources="1",
        **audio,
    )


def _rates_hz(timeline: Timeline) -> list[int]:
    return [track.rate_hz for clip in timeline.clips for track in clip.media.audio]


def time_text(frames: int, rate: Fraction) -> str:
    # Apple, "Timing Attributes": rational seconds, and a multiple of the frame duration, or Final Cut inserts a gap.
    # https://developer.apple.com/documentation/professional-video-applications/timing-attributes
    return f"{frames * rate.denominator}/{rate.numerator}s"


def tc_format(timecode: Timecode) -> str:
    return "DF" if timecode.drop else "NDF"


EXPORTER = Exporter("fcpxml", "FCPXML 1.10", ".fcpxml", render, FIDELITY, one_rate=False, notes=notes)
