"""FCPXML 1.10 without a timeline: each file as a clip in the browser, with its moments as favourites.

A favourite is a range of the clip; it has the moment's name, and how the search found it as its note. The query is a
keyword of the same range, so that Final Cut collects all moments of a query. There is no comma in it: commas part
keywords. Files of any rate lie in one event.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from exporters import fcpxml
from exporters.fcpxml import Resources, marks, one_event, span, tc_format, time_text
from exporters.markup import element
from exporters.registry import Exporter
from exporters.text import shortened
from exporters.timeline import Clip, Timeline

FIDELITY = {
    **fcpxml.FIDELITY,
    "rates": "any",
    "tracks": "as in the file",
    "query, score, edges": "keyword, and the favourite's note",
    "name, note, rating": "the favourite's name and note; rating as a keyword",
    "handles": "in the favourite",
}


def render(timeline: Timeline) -> str:
    resources = Resources()
    event = element("event", name=timeline.name)
    for clips in timeline.by_file():
        first = clips[0]
        event.append(
            element(
                "asset-clip",
                *(part for clip in clips for part in _select(clip)),
                ref=resources.asset_id(first),
                name=first.name,
                start=time_text(first.media.start_tc.frame, first.rate),
                duration=time_text(first.media_frames, first.rate),
                format=resources.format_id(first),
                tcFormat=tc_format(first.media.start_tc),
                audioRole="dialogue",
            )
        )
    return one_event(resources, event)


def _select(clip: Clip) -> Iterator[Element]:
    name = shortened(clip.title, 120) or f"moment {clip.rank}"
    yield element("rating", name=name, **span(clip), value="favorite", note=clip.comment)
    rating = f"rating {clip.remarks.rating}" if clip.remarks.rating else ""
    if words := ", ".join(filter(None, (shortened(clip.query.replace(",", " "), 120), rating))):
        yield element("keyword", **span(clip), value=words)
    yield from marks(clip)


EXPORTER = Exporter(
    "fcpxml-selects",
    "FCPXML 1.10, favourites without a timeline",
    ".selects.fcpxml",
    render,
    FIDELITY,
    one_rate=False,
    notes=fcpxml.notes,
)
