"""Avid Log Exchange: a bin of clips for Avid, and metadata for Resolve.

A heading, the column names, and a line of tab-separated cells for each moment; ends are exclusive. A list holds one
frame rate (`FPS`), by which Avid reads the labels. `VIDEO_FORMAT` is 1080 for pictures up to that size, since Avid
accepts CUSTOM only in projects of unusual size. There is no duration column: readers compute it from Start and End.
Avid knows a clip by its name, so each has another: the editor's, or the file's, with a number if it is taken.
"""

from __future__ import annotations

from itertools import chain, count

from exporters.registry import Exporter
from exporters.text import one_line, shortened
from exporters.timeline import Clip, Timeline, fps_text

FIDELITY = {
    "frames": "exact",
    "source timecode": "exact, drop-frame kept",
    "rates": "one; a file for each",
    "tracks": "named, up to 24 audio channels",
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


# Avid MediaLog manual, appendix A, "Avid Log Specifications": headings and columns are spelled exactly like this.
# https://www.manualshelf.com/manual/avid-digidesign-m-audio-pinnacle-sibelius/medialog/2-0-english/page-100.html
def render(timeline: Timeline) -> str:
    hd = all(clip.media.width <= 1920 and clip.media.height <= 1080 for clip in timeline.clips)
    fps = fps_text(timeline.rate)
    heading = {"FIELD_DELIM": "TABS", "VIDEO_FORMAT": "1080" if hd else "CUSTOM", "AUDIO_FORMAT": "48khz", "FPS": fps}
    lines = ["Heading", *(f"{name}\t{value}" for name, value in heading.items())]
    lines += ["", "Column", "\t".join(_COLUMNS), "", "Data"]
    taken: set[str] = set()
    for clip in timeline.clips:
        names = chain([clip.own_name], (f"{clip.own_name} {number}" for number in count(2)))
        name = next(each for each in map(one_line, names) if each not in taken)
        taken.add(name)
        lines.append("\t".join(map(one_line, _row(clip, name, fps))))
    return "\r\n".join([*lines, ""])


def _row(clip: Clip, name: str, fps: str) -> tuple[str, ...]:
    channels = min(24, sum(track.channels for track in clip.media.audio))
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


EXPORTER = Exporter("ale", "Avid Log Exchange", ".ale", render, FIDELITY)
