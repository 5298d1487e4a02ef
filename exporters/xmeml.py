"""Final Cut Pro 7 XML (xmeml 4), which Premiere reads and writes itself and Resolve reads well.

Notable choices:
- One sequence for each source rate. Editors disagree on what in and out mean in a sequence of another rate.
- `in` and `out` of a clip count from the first frame of the media, not from its timecode. The timecode is in `<file>`,
  where Resolve looks for it. `<frame>` is the count of frames, drop-frame or not.
- The format has names for the pixels of seven kinds of standard and high definition. Such footage is described as it is
  stored; other footage with oblong pixels by the size that it is shown at, with a note.
- A timecode's label and its number both begin again at midnight.
- A source's two-channel streams come first, each as a pair of tracks that Premiere joins into a stereo track
  (`currentExplodedTrackIndex`). Each other channel has a track of its own: in a stereo pair, a mono channel would play
  on one side. A mono track names output 1, as other writers of such tracks do; how editors pan it is untested.
- Moments are markers of the sequence: clip markers don't survive Resolve.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from exporters.links import file_url
from exporters.markup import document, element
from exporters.notes import left_behind, listed
from exporters.picture import SD_WIDTHS, Raster, shown, stored
from exporters.registry import Exporter
from exporters.text import shortened
from exporters.timeline import Clip, Timeline, fps_text
from tr_desktop.moments import AudioTrack, FieldOrder, Media
from tr_desktop.timecode import Timecode, nominal_fps

# Apple, "Final Cut Pro XML Interchange Format", has these chapters at
# https://developer.apple.com/library/archive/documentation/AppleApplications/Reference/FinalCutPro_XML/ :
# Basics/Basics.html, Topics/Topics.html, Elements/Elements.html
FIDELITY = {
    "frames": "exact",
    "source timecode": "exact, drop-frame kept",
    "rates": "a sequence for each",
    "tracks": "one video, every audio channel, linked",
    "fields, aspect, colour": "fields; stored size with pixel aspect, if the format names it",
    "reel": "yes",
    "file": "path and name",
    "query, score, edges": "sequence markers",
    "name, note, rating": "clip name; note and rating as comments and in the marker",
    "markers": "sequence markers, with colour",
    "handles": "in the cut; markers cover the moment without them",
}

_RGB = {
    "blue": (0, 127, 227),
    "cyan": (0, 206, 208),
    "green": (0, 173, 0),
    "yellow": (240, 157, 0),
    "red": (225, 36, 1),
    "pink": (255, 68, 200),
    "purple": (144, 19, 254),
}

# Names for the shape of pixels (Elements, `pixelaspectratio`), each with its widths and heights, whether the picture is
# squeezed from 16:9 (`anamorphic`), and the aspect. Writers differ on that of standard definition by up to 2.5 %: they
# count 702, 704, 710 or 720 pixels as the width of the picture (10:11 or 8:9, 59:54, 12:11 or 16:15).
_PIXELS = (
    (SD_WIDTHS, {480, 486}, "NTSC-601", "FALSE", Fraction(10, 11)),
    (SD_WIDTHS, {480, 486}, "NTSC-601", "TRUE", Fraction(40, 33)),
    (SD_WIDTHS, {576}, "PAL-601", "FALSE", Fraction(59, 54)),
    (SD_WIDTHS, {576}, "PAL-601", "TRUE", Fraction(118, 81)),
    ({960}, {720}, "HD-(960x720)", "FALSE", Fraction(4, 3)),
    ({1280}, {1080}, "HD-(1280x1080)", "FALSE", Fraction(3, 2)),
    ({1440}, {1080}, "HD-(1440x1080)", "FALSE", Fraction(4, 3)),
)
_SAME_ASPECT = Fraction(3, 100)


def render(timeline: Timeline) -> str:
    parts = timeline.by_rate()
    files: dict[Path, str] = {}
    sequences = [
        _sequence(number, timeline.name if len(parts) == 1 else f"{timeline.name} {fps_text(part.rate)}", part, files)
        for number, part in enumerate(parts, 1)
    ]
    if len(sequences) > 1:
        sequences = [element("project", element("name", timeline.name), element("children", *sequences))]
    return document(element("xmeml", *sequences, version=4), "xmeml")


def _sequence(number: int, name: str, timeline: Timeline, files: dict[Path, str]) -> Element:
    rate = timeline.rate
    placed = list(timeline.placed())
    first = timeline.clips[0].media
    audio = audio_tracks(timeline.clips)
    # Each item of the sequence, by clip: (id, media type, number of its track, number within the track)
    ids: list[list[tuple[str, str, int, int]]] = [
        [(f"clipitem-{number}-{index}-v", "video", 1, index)] for index in range(1, len(placed) + 1)
    ]
    for track_index, (_, channels) in enumerate(audio, 1):
        sounding = [index for index, channel in enumerate(channels) if channel is not None]
        for clip_index, index in enumerate(sounding, 1):
            ids[index].append((f"clipitem-{number}-{index + 1}-a{track_index}", "audio", track_index, clip_index))

    def item(index: int, media_type: str, track_index: int, *extra: Element) -> Element:
        offset, clip = placed[index]
        own = next(id_ for id_, kind, track, _ in ids[index] if (kind, track) == (media_type, track_index))
        return element(
            "clipitem",
            element("name", clip.own_name),
            element("enabled", "TRUE"),
            element("duration", clip.media_frames),
            rate_element(rate),
            # Topics, "Timing Values": start and end count in the sequence, in and out in the media.
            element("start", offset),
            element("end", offset + clip.frames),
            element("in", clip.start_frame),
            element("out", clip.end_frame),
            file_element(clip, files),
            *extra,
            *links(ids[index]),
            id=own,
        )

    video = element(
        "video",
        element("format", _picture(first)),
        element("track", *(item(index, "video", 1, *words(clip)) for index, (_, clip) in enumerate(placed))),
    )
    sound = element("audio", element("numOutputChannels", 2), element("format", _sound(_rate_hz(timeline.clips))))
    for track_index, (attributes, channels) in enumerate(audio, 1):
        track = element("track", **attributes)
        for index, channel in enumerate(channels):
            if channel is not None:
                source = element("sourcetrack", element("mediatype", "audio"), element("trackindex", channel))
                track.append(item(index, "audio", track_index, source))
        track.append(element("outputchannelindex", 1 + int(attributes["currentExplodedTrackIndex"])))
        sound.append(track)
    return element(
        "sequence",
        element("name", name),
        element("duration", timeline.frames),
        rate_element(rate),
        _timecode(timeline.start_tc),
        element("media", video, sound),
        *_markers(timeline),
        id=f"sequence-{number}",
    )


def audio_tracks(clips: tuple[Clip, ...]) -> list[tuple[dict[str, str], list[int | None]]]:
    """Audio tracks: the attributes that Premiere needs, and each clip's source channel on the track, from 1."""
    stereo, mono = zip(*(_channels(clip) for clip in clips), strict=True)
    tracks: list[tuple[dict[str, str], list[int | None]]] = []
    for kind, pair, per_clip in (("Stereo", 2, stereo), ("Mono", 1, mono)):
        for index in range(max(map(len, per_clip))):
            attributes = {
                "currentExplodedTrackIndex": str(index % pair),
                "totalExplodedTrackCount": str(pair),
                "premiereTrackType": kind,
            }
            tracks.append((attributes, [own[index] if index < len(own) else None for own in per_clip]))
    return tracks


def _channels(clip: Clip) -> tuple[list[int], list[int]]:
    """The channels of a clip's two-channel streams, and of its others, numbered through the file from 1."""
    stereo: list[int] = []
    mono: list[int] = []
    channel = 1
    for track in clip.media.audio:
        (stereo if track.channels == 2 else mono).extend(range(channel, channel + track.channels))
        channel += track.channels
    return stereo, mono


def file_element(clip: Clip, files: dict[Path, str]) -> Element:
    """The media: in full where it first appears, by its id after that (Basics, "Special Conventions")."""
    media = clip.media
    if media.path in files:
        return element("file", id=files[media.path])
    files[media.path] = f"file-{len(files) + 1}"
    streams = [
        element("audio", _sound(track.rate_hz, _depth(track)), element("channelcount", track.channels))
        for track in media.audio
    ]
    return element(
        "file",
        element("name", clip.name),
        element("pathurl", file_url(media.path, "localhost")),
        rate_element(clip.rate),
        element("duration", clip.media_frames),
        _timecode(media.start_tc, media.reel),
        element("media", element("video", _picture(media)), *streams),
        id=files[media.path],
    )


def links(items: list[tuple[str, str, int, int]]) -> Iterator[Element]:
    """Every item of a clip names all of them, itself too (Elements, `link`); a picture without sound needs no link."""
    for own, media_type, track_index, clip_index in items if len(items) > 1 else []:
        yield element(
            "link",
            element("linkclipref", own),
            element("mediatype", media_type),
            element("trackindex", track_index),
            element("clipindex", clip_index),
        )


def _markers(timeline: Timeline) -> Iterator[Element]:
    for frame, clip in timeline.marked():
        name = shortened(clip.title, 120) or f"moment {clip.rank}"
        yield marker(name, f"{clip.comment}, {clip.name}", frame, frame + clip.found.frames)
    for frame, mark in timeline.marks():
        yield marker(shortened(mark.name, 120) or "marker", "", frame, colour=mark.colour)


def marker(name: str, comment: str, start: int, end: int = -1, *, colour: str = "") -> Element:
    """A marker of a sequence or clip; end: -1 for a point in time."""
    made = element(
        "marker", element("comment", comment), element("name", name), element("in", start), element("out", end)
    )
    if colour:
        parts = (element(part, value) for part, value in zip(("red", "green", "blue"), _RGB[colour], strict=True))
        made.append(element("color", element("alpha", 0), *parts))
    return made


def words(clip: Clip) -> Iterator[Element]:
    """The editor's note and rating (Elements, `comments` and `logginginfo`)."""
    remarks = clip.remarks
    rating = f"rating {remarks.rating}" if remarks.rating else ""
    if remarks.note or rating:
        texts = (element(f"mastercomment{number}", text) for number, text in enumerate((remarks.note, rating), 1))
        yield element("comments", *texts)
    if remarks.note or remarks.name:
        yield element("logginginfo", element("description", clip.query), element("lognote", remarks.note))


def rate_element(rate: Fraction) -> Element:
    """29.97 is timebase 30 with ntsc TRUE, that is 30 × 1000/1001 (Topics, "Timing Values")."""
    ntsc = rate == nominal_fps(rate) * Fraction(1000, 1001)
    return element("rate", element("timebase", nominal_fps(rate)), element("ntsc", "TRUE" if ntsc else "FALSE"))


def _timecode(timecode: Timecode, reel: str = "") -> Element:
    return element(
        "timecode",
        rate_element(timecode.rate),
        element("string", str(timecode)),
        element("frame", timecode.in_day.frame),
        element("displayformat", "DF" if timecode.drop else "NDF"),
        *([element("reel", element("name", reel))] if reel else []),
    )


def _picture(media: Media) -> Element:
    raster, anamorphic, pixels = _pixels(media)
    return element(
        "samplecharacteristics",
        rate_element(media.rate),
        element("width", raster.width),
        element("height", raster.height),
        element("anamorphic", anamorphic),
        element("pixelaspectratio", pixels),
        element("fielddominance", media.fields.value or FieldOrder.PROGRESSIVE.value),
    )


def _pixels(media: Media) -> tuple[Raster, str, str]:
    """The size to write, and `anamorphic` and `pixelaspectratio` for it: stored pixels if the format has their name."""
    raster = stored(media)
    for widths, heights, name, anamorphic, aspect in _PIXELS:
        is_aspect = abs(raster.pixel_aspect - aspect) <= aspect * _SAME_ASPECT
        if raster.width in widths and raster.height in heights and is_aspect:
            return raster, anamorphic, name
    return shown(media), "FALSE", "square"


def notes(timeline: Timeline) -> Iterator[str]:
    """What the format can't hold."""
    footage = dict.fromkeys(clip.media for clip in timeline.clips)
    unnamed = [media for media in footage if stored(media).pixel_aspect != 1 and _pixels(media)[2] == "square"]
    if unnamed:
        with_aspect = (f"{media.path.name} ({media.pixel_aspect})" for media in unnamed)
        yield (
            f"Final Cut Pro 7 XML has no name for this shape of pixels: {listed(with_aspect)}. The file gives the size "
            "that the footage is shown at, with square pixels: check the pixel aspect in your editor."
        )
    yield from left_behind(timeline)


def _sound(rate_hz: int, depth: int = 16) -> Element:
    return element("samplecharacteristics", element("depth", depth), element("samplerate", rate_hz))


def _depth(track: AudioTrack) -> int:
    """Bits a sample, from the codec's name (`pcm_s24le`, `pcm_f32le`); 16 for compressed sound, which has none."""
    bits = re.fullmatch(r"pcm_[suf](8|16|20|24|32|64)(|le|be|_planar|le_planar|be_planar)", track.codec)
    return int(bits[1]) if bits else 16


def _rate_hz(clips: tuple[Clip, ...]) -> int:
    return next((track.rate_hz for clip in clips for track in clip.media.audio), 48000)


EXPORTER = Exporter("xmeml", "Final Cut Pro 7 XML", ".xml", render, FIDELITY, one_rate=False, notes=notes)
