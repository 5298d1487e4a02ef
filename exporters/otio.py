"""OpenTimelineIO, `.otio` and `.otioz`, in a form that Resolve (from 18.5) and Premiere (from 25.6) open.

Notable choices:
- Written as plain JSON: the file format is small and stable. The app doesn't need OpenTimelineIO's library; the tests
  read the files with it. Clip.1 and Marker.2 are schemas that old readers in editors know too.
- Source ranges count from the source timecode and lie within the media's available range, which starts there. Resolve
  rejects ranges that count from zero.
- Each audio stream is on a track of its kind (mono, stereo, 5.1 …), since Resolve's tracks have one. Resolve links by
  `Link Group ID` and finds the stream by `Channels`, counted among the file's audio streams, whether it can be decoded
  here or not; Premiere links by `LinkID`. Resolve shows a marker's note only from its own metadata.
- OpenTimelineIO's rates are floats: each is the float nearest to the exact rate. Frame counts are whole numbers.
- Neither editor documents a place for fields, pixel aspect and colour: they are in `timerefine`, for scripts.
- `.otioz` holds the timeline alone; the media stays where it is.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from exporters.links import file_url
from exporters.notes import left_behind
from exporters.registry import Exporter
from exporters.text import one_line, shortened
from exporters.timeline import Clip, Timeline
from tr_desktop.moments import AudioTrack, Colour, Mark, Media, TrackKind

Json = dict[str, Any]

_ADAPTIVE = "Adaptive"

FIDELITY = {
    "frames": "exact",
    "source timecode": "exact as a frame count; the format has no drop-frame flag",
    "rates": "one; a file for each",
    "tracks": "one video, each audio stream on a track of its kind, linked",
    "fields, aspect, colour": "as metadata",
    "reel": "as metadata",
    "file": "path and name",
    "query, score, edges": "clip markers and metadata",
    "name, note, rating": "clip name, metadata and the marker's note",
    "markers": "clip markers, with colour",
    "handles": "in the cut and in the media's available range",
}


def render(timeline: Timeline) -> str:
    tracks = [_track("Video 1", "Video", {}, [_clip(at, clip) for at, clip in enumerate(timeline.clips, 1)])]
    for number, (kind, streams) in enumerate(_audio_tracks(timeline.clips), 1):
        children = [
            _gap(clip) if stream is None else _clip(at, clip, stream)
            for at, (clip, stream) in enumerate(zip(timeline.clips, streams, strict=True), 1)
        ]
        tracks.append(_track(f"Audio {number}", "Audio", {"Resolve_OTIO": {"Audio Type": kind}}, children))
    # Nested objects, each with the name and version of its schema:
    # https://opentimelineio.readthedocs.io/en/latest/tutorials/otio-file-format-specification.html
    document = {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {},
        "name": one_line(timeline.name),
        "global_start_time": _time(timeline.start_tc.frame, timeline.rate),
        "tracks": {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": tracks} | _item(),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def render_zip(timeline: Timeline) -> bytes:
    """The bundle, with a fixed date, so that equal timelines make equal files."""
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        # otioz, a zip file: https://opentimelineio.readthedocs.io/en/latest/tutorials/adapters.html
        for name, text in (("content.otio", render(timeline)), ("version.txt", "1.0.0")):
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return bundle.getvalue()


def _audio_tracks(clips: Sequence[Clip]) -> Iterator[tuple[str, list[int | None]]]:
    """The timeline's audio tracks, each of one kind, with each clip's stream on it: its place in `Media.audio`."""
    tracks: dict[tuple[str, int], dict[int, int]] = {}
    for number, clip in enumerate(clips):
        of_kind: Counter[str] = Counter()
        for stream, kind in enumerate(map(_kind, clip.media.audio)):
            tracks.setdefault((kind, of_kind[kind]), {})[number] = stream
            of_kind[kind] += 1
    for (kind, _), streams in tracks.items():
        yield kind, [streams.get(number) for number in range(len(clips))]


def _kind(track: AudioTrack) -> str:
    """The kind of track that the stream belongs on, by Resolve's names."""
    if track.channels > 2 and not track.is_layout_known:
        return _ADAPTIVE
    return {1: "Mono", 2: "Stereo", 6: "5.1", 8: "7.1"}.get(track.channels, _ADAPTIVE)


def _source_track(media: Media, stream: int) -> int:
    """The number among all of the file's audio streams, from 0, of one that can be decoded."""
    index = media.audio[stream].index  # -1 if an older library lacks it
    return stream + sum(track.kind is TrackKind.AUDIO and track.index < index for track in media.other_tracks)


def _item() -> Json:
    return {"metadata": {}, "source_range": None, "effects": [], "markers": [], "enabled": True}


def _track(name: str, kind: str, metadata: Json, children: Sequence[Json]) -> Json:
    return (
        {"OTIO_SCHEMA": "Track.1", "name": name, "kind": kind, "children": children} | _item() | {"metadata": metadata}
    )


def _clip(number: int, clip: Clip, stream: int | None = None) -> Json:
    """The picture of a clip, or the sound of one of its streams. number: of the clip, by which editors link the two."""
    resolve: Json = {"Link Group ID": number}
    premiere: Json = {"LinkID": number}
    if stream is not None:
        track, source = clip.media.audio[stream], _source_track(clip.media, stream)
        resolve["Channels"] = [
            {"Source Channel ID": channel, "Source Track ID": source} for channel in range(track.channels)
        ]
        premiere["AudioChannels"] = {"ChannelType": _kind(track)}
    return (
        {"OTIO_SCHEMA": "Clip.1", "name": one_line(clip.own_name), "media_reference": _media(clip)}
        | _item()
        | {
            "metadata": {"Resolve_OTIO": resolve, "PremierePro_OTIO": premiere, "timerefine": _found(clip)},
            "source_range": _range(clip.source_in.frame, clip.frames, clip.rate),
            "markers": _markers(clip) if stream is None else [],
        }
    )


def _gap(clip: Clip) -> Json:
    return {"OTIO_SCHEMA": "Gap.1", "name": ""} | _item() | {"source_range": _range(0, clip.frames, clip.rate)}


def _media(clip: Clip) -> Json:
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "metadata": {"timerefine": facts} if (facts := _facts(clip.media)) else {},
        "name": one_line(clip.name),
        # Starts at the media's timecode: https://opentimelineio.readthedocs.io/en/latest/tutorials/time-ranges.html
        "available_range": _range(clip.media.start_tc.frame, clip.media_frames, clip.rate),
        "target_url": file_url(clip.media.path),
    }


def _markers(clip: Clip) -> list[Json]:
    return [*([_moment(clip)] if clip.is_marked else []), *(_mark(clip, mark) for mark in clip.marks)]


def _moment(clip: Clip) -> Json:
    start = (clip.media.start_tc + clip.found.start_frame).frame
    marked = _range(start, clip.found.frames, clip.rate)
    return _marker(clip.title, "GREEN" if clip.confident else "YELLOW", marked, one_line(clip.comment))


def _mark(clip: Clip, mark: Mark) -> Json:
    start = (clip.media.start_tc + mark.frame).frame
    return _marker(mark.name, mark.colour.upper(), _range(start, 1, clip.rate), "")


def _marker(name: str, colour: str, marked: Json, comment: str) -> Json:
    return {
        "OTIO_SCHEMA": "Marker.2",
        "name": one_line(shortened(name, 120)),
        "color": colour,
        "marked_range": marked,
        "comment": comment,
        "metadata": {"Resolve_OTIO": {"Note": comment}},
    }


def _found(clip: Clip) -> Json:
    remarks = clip.remarks
    words: Json = {"name": one_line(remarks.name), "note": one_line(remarks.note), "rating": remarks.rating}
    return {
        **{key: value for key, value in words.items() if value},
        "query": clip.query.encode("utf-8", "replace").decode(),
        "score": clip.score,
        "edges": {
            "start": clip.start_confidence,
            "end": clip.end_confidence,
            **({} if clip.start_is is None else {"start_is": clip.start_is.value}),
            **({} if clip.end_is is None else {"end_is": clip.end_is.value}),
        },
    }


def _facts(media: Media) -> Json:
    """The file's facts that the format has no place for; values as in xmeml and ITU-T H.273."""
    colour = media.colour
    facts: Json = {"reel": media.reel, "fields": media.fields.value}
    if media.pixel_aspect != 1:
        facts["pixel_aspect"] = str(media.pixel_aspect)
    if colour != Colour():
        facts["colour"] = {"primaries": colour.primaries, "transfer": colour.transfer, "matrix": colour.matrix}
    return {key: value for key, value in facts.items() if value}


def _range(start_frame: int, frames: int, rate: Fraction) -> Json:
    times = {"start_time": _time(start_frame, rate), "duration": _time(frames, rate)}
    return {"OTIO_SCHEMA": "TimeRange.1"} | times


def _time(frames: int, rate: Fraction) -> Json:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(frames)}


def notes(timeline: Timeline) -> Iterator[str]:
    """What the format can't hold."""
    yield from left_behind(timeline)


EXPORTER = Exporter("otio", "OpenTimelineIO", ".otio", render, FIDELITY, notes=notes)
EXPORTER_ZIP = Exporter("otioz", "OpenTimelineIO bundle", ".otioz", render_zip, FIDELITY, notes=notes)
