"""Avid Log Exchange: a bin of clips for Avid, and metadata for Resolve.

A heading, the column names, and a line of tab-separated cells for each moment; ends are exclusive. A list holds one
frame rate (`FPS`), by which Avid reads the labels. `VIDEO_FORMAT` is NTSC or PAL if all pictures are of that kind, and
1080 for others up to that size, since Avid accepts CUSTOM only in projects of unusual size. `AUDIO_FORMAT` is left out,
as the format allows, for sample rates that it can't name and for different ones. There is no duration column: readers
compute it from Start and End. Avid knows a clip by its name, so each has another: the editor's, or the file's, with a
number if it is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count

from exporters.notes import found_by_label, left_behind
from exporters.picture import standard
from exporters.registry import Exporter
from exporters.text import one_line, shortened
from exporters.timeline import Clip, Timeline, fps_text
from tr_desktop.moments import Media

FIDELITY = {
    "frames": "exact",
    "source timecode": "exact, drop-frame kept",
    "rates": "one; a file for each",
    "tracks": "named, up to 24 audio channels",
    "fields, aspect, colour": "NTSC, PAL or HD",
    "reel": "yes (Tape)",
    "file": "path and name",
    "query, score, edges": "columns",
    "name, note, rating": "columns",
    "markers": "a column, as text",
    "handles": "in the cut",
}
_COLUMNS = (
    *("Name", "Tracks", "Start", "End", "Tape", "FPS", "Source File", "Source Path", "DESCRIPT", "Comments"),
    *("Rating", "Markers"),
)

_MAX_CHANNELS = 24
_AUDIO_FORMATS = {22050: "22khz", 24000: "24khz", 44100: "44khz", 48000: "48khz"}


# Avid MediaLog manual, appendix A, "Avid Log Specifications": headings and columns are spelled exactly like this.
# https://www.manualshelf.com/manual/avid-digidesign-m-audio-pinnacle-sibelius/medialog/2-0-english/page-100.html
def render(timeline: Timeline) -> str:
    footage = [clip.media for clip in timeline.clips]
    fps = fps_text(timeline.rate)
    heading = {
        "FIELD_DELIM": "TABS",
        "VIDEO_FORMAT": _video_format(footage),
        "AUDIO_FORMAT": _audio_format(footage),
        "FPS": fps,
    }
    lines = ["Heading", *(f"{name}\t{value}" for name, value in heading.items() if value)]
    lines += ["", "Column", "\t".join(_COLUMNS), "", "Data"]
    taken: set[str] = set()
    for clip in timeline.clips:
        names = chain([clip.own_name], (f"{clip.own_name} {number}" for number in count(2)))
        name = next(each for each in map(one_line, names) if each not in taken)
        taken.add(name)
        lines.append("\t".join(map(one_line, _row(clip, name, fps))))
    return "\r\n".join([*lines, ""])


def _video_format(footage: list[Media]) -> str:
    kinds = {standard(media) for media in footage}
    if len(kinds) == 1 and (kind := kinds.pop()):
        return kind
    is_hd = all(media.width <= 1920 and media.height <= 1080 for media in footage)
    return "1080" if is_hd else "CUSTOM"


def _audio_format(footage: list[Media]) -> str | None:
    rates_hz = {track.rate_hz for media in footage for track in media.audio} or {48000}
    return _AUDIO_FORMATS.get(rates_hz.pop()) if len(rates_hz) == 1 else None


def _row(clip: Clip, name: str, fps: str) -> tuple[str, ...]:
    channels = min(_MAX_CHANNELS, sum(track.channels for track in clip.media.audio))
    return (
        name,
        "V" + "".join(f"A{channel}" for channel in range(1, channels + 1)),
        str(clip.source_in),
        str(clip.source_out),
        clip.media.reel,
        fps,
        clip.name,
        str(clip.media.path),
        shortened(clip.query, 250),
        "; ".join(filter(None, (clip.remarks.note, clip.evidence))),
        str(clip.remarks.rating or ""),
        "; ".join(f"{clip.media.start_tc + mark.frame} {mark.colour} {mark.name}".rstrip() for mark in clip.marks),
    )


def notes(timeline: Timeline) -> Iterator[str]:
    """What the log can't hold, and what makes footage hard to find by it."""
    yield from found_by_label(timeline)
    yield from left_behind(timeline, channels=_MAX_CHANNELS)


EXPORTER = Exporter("ale", "Avid Log Exchange", ".ale", render, FIDELITY, notes=notes, max_fps=100)
