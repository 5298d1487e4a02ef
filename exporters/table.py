"""CSV, TSV and JSON: the moments as data.

`start`, `end` are the moment itself, `in`, `out` the cut with its handles. Frames count from the first of the file,
ends are exclusive, labels are source timecode. `score` is the chance that the moment is right among all that was
searched, `level` its word; `start_is` and `end_is` are the words for its edges. JSON uses the names of `find --json`.
Tables begin with a byte order mark, without which spreadsheets misread UTF-8. No text cell can be read as a formula.
"""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction
from functools import partial
from typing import Any

from exporters.registry import Exporter
from exporters.text import one_line
from exporters.timeline import Clip, Timeline

FIDELITY = {
    "frames": "exact",
    "source timecode": "exact, drop-frame kept",
    "rates": "any; a column shows each",
    "tracks": "none",
    "fields, aspect, colour": "no",
    "reel": "yes",
    "file": "path and name",
    "query, score, edges": "columns",
    "name, note, rating": "columns",
    "markers": "a column: label, colour and name",
    "handles": "in the cut; the moment has columns of its own",
}


def render_table(timeline: Timeline, *, delimiter: str) -> str:
    text = io.StringIO()
    rows = [_row(clip) for clip in timeline.clips]
    for row in rows:
        row["markers"] = "; ".join(f"{each['tc']} {each['colour']} {each['name']}".rstrip() for each in row["markers"])
    # RFC 4180 has CRLF line ends: https://www.rfc-editor.org/rfc/rfc4180
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return "\ufeff" + text.getvalue()


def render_json(timeline: Timeline) -> str:
    moments = []
    for clip in timeline.clips:
        row = _row(clip)
        row["rating"] = row["rating"] or None
        row["edges"] = {
            "start": row.pop("start_confidence"),
            "end": row.pop("end_confidence"),
            **{key: word for key in ("start_is", "end_is") if (word := row.pop(key))},
        }
        moments.append(row)
    document = {
        "schema": 1,
        "kind": "timerefine timeline",
        "name": timeline.name,
        "start_tc": str(timeline.start_tc),
        "moments": moments,
    }
    return json.dumps(document, indent=1) + "\n"  # ASCII only: file names that aren't valid text can't break it


def _row(clip: Clip) -> dict[str, Any]:
    tc, found = clip.media.start_tc, clip.found
    return {
        "rank": clip.rank,
        "query": clip.query,
        "score": clip.score,
        "confident": clip.confident,
        "level": clip.level.value,
        "start_confidence": clip.start_confidence,
        "end_confidence": clip.end_confidence,
        "start_is": "" if clip.start_is is None else clip.start_is.value,
        "end_is": "" if clip.end_is is None else clip.end_is.value,
        "part": clip.part_text,
        "file": clip.name,
        "media": str(clip.media.path),
        "reel": clip.media.reel,
        "rate": str(clip.rate),
        "start_frame": found.start_frame,
        "end_frame": found.end_frame,
        "start_s": _seconds(found.start_frame / clip.rate),
        "end_s": _seconds(found.end_frame / clip.rate),
        "start_tc": str(tc + found.start_frame),
        "end_tc": str(tc + found.end_frame),
        "in_frame": clip.start_frame,
        "out_frame": clip.end_frame,
        "in_tc": str(clip.source_in),
        "out_tc": str(clip.source_out),
        "name": clip.remarks.name,
        "note": clip.remarks.note,
        "rating": clip.remarks.rating or "",
        "markers": [
            {"frame": mark.frame, "tc": str(tc + mark.frame), "colour": mark.colour, "name": mark.name}
            for mark in clip.remarks.marks
        ],
    }


def _seconds(time_s: Fraction) -> float:
    """Rounded to 0.0001 s, as in `find --json`: enough to tell frames apart, but frame numbers decide."""
    return round(float(time_s), 4)


def _cell(value: Any) -> str:
    if not isinstance(value, str):
        return str(value)
    # Spreadsheets run such cells as formulas: https://owasp.org/www-community/attacks/CSV_Injection
    line = one_line(value)
    return f"'{line}" if line.lstrip()[:1] in {"=", "+", "-", "@"} else line


EXPORTER_CSV = Exporter("csv", "CSV", ".csv", partial(render_table, delimiter=","), FIDELITY, one_rate=False)
EXPORTER_TSV = Exporter("tsv", "TSV", ".tsv", partial(render_table, delimiter="\t"), FIDELITY, one_rate=False)
EXPORTER_JSON = Exporter("json", "JSON", ".json", render_json, FIDELITY, one_rate=False)
