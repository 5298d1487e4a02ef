"""FCPXML 1.10, for Final Cut Pro, and for Resolve from version 18.

Notable choices (Apple's DTD and "Timing attributes"):
- Every time is a whole number of frames, written as a fraction of a second (`30030/30000s`), since Final Cut leaves
  gaps otherwise. Zero is a fraction too, for readers that expect one.
- `start` of an asset is the timecode of its first frame, counted in frames; a clip's `start` and its markers are on
  that axis. `offset` is on the sequence's, which begins at `tcStart`.
- Each source rate has a project of its own. Nothing is conformed.
- 1.10 is the newest version that every Resolve since 18 accepts. Resolve relinks by a name with its extension.
- A marker can only be inside a clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from exporters.links import file_url
from exporters.markup import document, element
from exporters.registry import Exporter
from exporters.text import shortened
from exporters.timeline import Clip, Timeline, fps_text
from tr_desktop.timecode import Timecode

FIDELITY = {
    "frames": "exact",
    "source timecode": "exact, drop-frame kept",
    "rates": "a project for each",
    "tracks": "one video with its audio",
    "reel": "yes",
    "file": "path and name",
    "query, score, edges": "clip markers",
    "name, note, rating": "clip name and note; rating as a keyword",
    "markers": "clip markers, without colour",
    "handles": "in the cut; markers cover the moment without them",
}
_AUDIO_RATES = {
    32000: "32k",
    44100: "44.1k",
    48000: "48k",
    88200: "88.2k",
    96000: "96k",
    176400: "176.4k",
    192000: "192k",
}


def render(timeline: Timeline) -> str:
    resources = element("resources")
    formats: dict[tuple[Fraction, int, int], str] = {}
    assets: dict[Path, str] = {}

    def next_id() -> str:
        return f"r{len(resources) + 1}"

    def format_id(clip: Clip) -> str:
        key = (clip.rate, clip.media.width, clip.media.height)
        if key not in formats:
            formats[key] = next_id()
            resources.append(_format(formats[key], *key))
        return formats[key]

    def asset_id(clip: Clip) -> str:
        if clip.media.path not in assets:
            used_format = format_id(clip)
            assets[clip.media.path] = next_id()
            resources.append(_asset(clip, assets[clip.media.path], used_format))
        return assets[clip.media.path]

    parts = timeline.by_rate()
    event = element("event", name=timeline.name)
    for part in parts:
        name = timeline.name if len(parts) == 1 else f"{timeline.name} {fps_text(part.rate)}"
        event.append(element("project", _sequence(part, format_id, asset_id), name=name))
    # Apple, "Document Type Definition": resources come before the library.
    # https://developer.apple.com/documentation/professional-video-applications/document-type-definition
    return document(element("fcpxml", resources, element("library", event), version="1.10"), "fcpxml")


def _sequence(timeline: Timeline, format_id: Callable[[Clip], str], asset_id: Callable[[Clip], str]) -> Element:
    rate = timeline.rate
    spine = element("spine")
    for offset, clip in timeline.placed():
        spine.append(
            element(
                "asset-clip",
                *_words(clip),
                ref=asset_id(clip),
                offset=_time(timeline.start_tc.frame + offset, rate),
                name=clip.own_name,
                start=_time(clip.source_in.frame, rate),
                duration=_time(clip.frames, rate),
                format=format_id(clip),
                tcFormat=_tc_format(clip.media.start_tc),
                audioRole="dialogue",
            )
        )
    return element(
        "sequence",
        spine,
        format=format_id(timeline.clips[0]),
        duration=_time(timeline.frames, rate),
        tcStart=_time(timeline.start_tc.frame, rate),
        tcFormat=_tc_format(timeline.start_tc),
        audioLayout="stereo",  # Final Cut refuses sequences laid out as mono
        audioRate=next((_AUDIO_RATES[hz] for hz in _rates_hz(timeline) if hz in _AUDIO_RATES), "48k"),
    )


def _words(clip: Clip) -> Iterator[Element]:
    """The note, the moment as a marker, the editor's markers and the rating, in the order of Apple's DTD."""
    if clip.remarks.note:
        yield element("note", clip.remarks.note)
    if clip.is_marked:
        yield _marker(clip)
    for mark in clip.marks:
        yield element(
            "marker",
            start=_time((clip.media.start_tc + mark.frame).frame, clip.rate),
            duration=_time(1, clip.rate),
            value=shortened(mark.name, 120) or "marker",
        )
    if clip.remarks.rating:
        yield element(
            "keyword",
            start=_time(clip.source_in.frame, clip.rate),
            duration=_time(clip.frames, clip.rate),
            value=f"rating {clip.remarks.rating}",
        )


def _marker(clip: Clip) -> Element:
    return element(
        "marker",
        start=_time((clip.media.start_tc + clip.found.start_frame).frame, clip.rate),
        duration=_time(clip.found.frames, clip.rate),
        value=shortened(clip.title, 120) or f"moment {clip.rank}",
        note=clip.comment,
    )


def _format(own_id: str, rate: Fraction, width: int, height: int) -> Element:
    return element(
        "format",
        id=own_id,
        name="FFVideoFormatRateUndefined",
        frameDuration=_time(1, rate),
        width=width,
        height=height,
        colorSpace="1-1-1 (Rec. 709)",
    )


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
    if media.reel:
        children.append(
            element("metadata", element("md", key="com.apple.proapps.studio.reel", value=media.reel)),
        )
    return element(
        "asset",
        *children,
        id=own_id,
        name=clip.name,
        start=_time(media.start_tc.frame, clip.rate),
        duration=_time(clip.media_frames, clip.rate),
        hasVideo="1",
        format=format_id,
        videoSources="1",
        **audio,
    )


def _rates_hz(timeline: Timeline) -> list[int]:
    return [track.rate_hz for clip in timeline.clips for track in clip.media.audio]


def _time(frames: int, rate: Fraction) -> str:
    # Apple, "Timing Attributes": rational seconds, and a multiple of the frame duration, or Final Cut inserts a gap.
    # https://developer.apple.com/documentation/professional-video-applications/timing-attributes
    return f"{frames * rate.denominator}/{rate.numerator}s"


def _tc_format(timecode: Timecode) -> str:
    return "DF" if timecode.drop else "NDF"


EXPORTER = Exporter("fcpxml", "FCPXML 1.10", ".fcpxml", render, FIDELITY, one_rate=False)
