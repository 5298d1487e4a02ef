"""Marker EDL for DaVinci Resolve: `Timelines > Import > Timeline Markers from EDL`, onto a timeline that is open.

Resolve writes and reads this dialect: an event one frame long whose source labels repeat the record labels, two spaces
at its end, and a line `note |C:colour |M:name |D:frames`. The labels are the timeline's, so the open timeline must have
the same start timecode. Resolve loses a marker whose note starts with a digit, hence the `- ` before it. A `|` would
end a field. There is one marker a frame at most.
"""

from __future__ import annotations

from exporters.registry import Exporter
from exporters.text import one_line, shortened
from exporters.timeline import Clip, Timeline
from tr_desktop.moments import Mark

FIDELITY = {
    "frames": "exact",
    "source timecode": "no: markers lie on the timeline",
    "rates": "one; a file for each",
    "tracks": "none",
    "fields, aspect, colour": "no",
    "reel": "no",
    "file": "name in the note",
    "query, score, edges": "name and note of the marker",
    "name, note, rating": "name and note of the marker",
    "markers": "with colour; one at a moment's first frame is in its note",
    "handles": "the marker covers the moment without them",
}


def render(timeline: Timeline) -> str:
    lines = [
        f"TITLE: {shortened(one_line(timeline.name), 70)}",
        f"FCM: {'DROP FRAME' if timeline.start_tc.drop else 'NON-DROP FRAME'}",
        "",
    ]
    # The dialect is Resolve's own; its manual describes the command only ("Exporting Timeline Markers to EDL"):
    # https://www.steakunderwater.com/VFXPedia/__man/Resolve18-6/DaVinciResolve18_Manual_files/part4009.htm
    moments = dict(timeline.marked())
    marks = dict(timeline.marks())
    markers = {frame: _mark(mark) for frame, mark in marks.items()}
    markers |= {frame: _moment(clip, marks.get(frame)) for frame, clip in moments.items()}
    for number, (frame, marker) in enumerate(sorted(markers.items()), 1):
        start = timeline.start_tc + frame
        labels = f"{start} {start + 1}"
        lines += [f"{number:03d}  001      V     C        {labels} {labels}  ", marker, ""]
    return "\r\n".join([*lines, ""])


def _moment(clip: Clip, mark: Mark | None) -> str:
    colour = "Green" if clip.confident else "Yellow"
    name = _field(shortened(clip.title, 120)) or f"moment {clip.rank}"
    note = f"{_field(clip.comment)}, {_field(clip.name)}"
    if mark is not None:
        note += f"; {mark.colour} marker {_field(mark.name)}".rstrip()
    return f"- {note} |C:ResolveColor{colour} |M:{name} |D:{clip.found.frames}"


def _mark(mark: Mark) -> str:
    return f"-  |C:ResolveColor{mark.colour.capitalize()} |M:{_field(shortened(mark.name, 120)) or 'marker'} |D:1"


def _field(text: str) -> str:
    return one_line(text).replace("|", "/")


EXPORTER = Exporter("resolve-markers", "Resolve marker EDL", ".markers.edl", render, FIDELITY, max_fps=100)
