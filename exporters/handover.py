"""The hand-over: the moments as data for a plugin inside an editor, as JSON and as a Lua table.

A plugin does no arithmetic with times: everything that it places is here, in whole frames. Frames count from the first
of the file (0), ends are exclusive. `start_frame`, `end_frame` are the moment, `in_frame`, `out_frame` the cut with its
handles. There are whole numbers, strings, true and false only: Resolve 21 refuses a whole batch of clips if one frame
is fractional. `id` stands for the moment: it is the same in a later export, also after its edges were moved.
`other_spellings` are the path's composed and decomposed forms, by one of which an editor on macOS may know the file.

Resolve reads Lua where it has no JSON reader and no file access. The table is data, not code: ASCII without any
character that could end a string, and every other byte as `\\ddd`.
"""

from __future__ import annotations

import json
import os
import unicodedata
from typing import Any

from exporters.registry import Exporter
from exporters.timeline import Clip, Timeline, fps_text

SCHEMA = 1
KIND = "timerefine hand-over"

FIDELITY = {
    "frames": "exact",
    "source timecode": "exact, drop-frame kept",
    "rates": "any; each moment has its own",
    "tracks": "whether there is sound",
    "fields, aspect, colour": "no",
    "reel": "no",
    "file": "path",
    "query, score, edges": "name and note; score in percent",
    "name, note, rating": "name and note",
    "markers": "with colour",
    "handles": "in the cut; the moment has frames of its own",
}


def render_json(timeline: Timeline) -> str:
    return json.dumps(document(timeline), indent=1) + "\n"  # ASCII: names that aren't valid text can't break it


def render_lua(timeline: Timeline) -> str:
    values = document(timeline)
    moments = ",\n".join(map(_lua, values.pop("moments")))
    head = "".join(f"{key} = {_lua(value)},\n" for key, value in values.items())
    return f"return {{\n{head}moments = {{\n{moments}\n}}\n}}\n"


def lua_text(text: str) -> str:
    """`text` as a Lua string in ASCII, with the bytes that its file system has for it."""
    return '"' + "".join(map(_lua_byte, b"".join(map(_bytes, text)))) + '"'


def document(timeline: Timeline) -> dict[str, Any]:
    """The hand-over as values that JSON has."""
    return {"schema": SCHEMA, "kind": KIND, "name": timeline.name, "moments": list(map(_moment, timeline.clips))}


def _moment(clip: Clip) -> dict[str, Any]:
    media, rate = clip.media, clip.rate
    path = os.fspath(media.path)
    spellings = {unicodedata.normalize(form, path) for form in ("NFC", "NFD")}
    return {
        "id": clip.id,
        "media": path,
        "other_spellings": sorted(spellings - {path}),
        "rate": f"{rate.numerator}/{rate.denominator}",
        "rate_name": fps_text(rate),  # Resolve's names of rates have up to three decimals: 23.976, 29.97, 119.88
        "drop_frame": media.start_tc.drop,
        "frames": clip.media_frames,
        "in_frame": clip.start_frame,
        "out_frame": clip.end_frame,
        "start_frame": clip.found.start_frame,
        "end_frame": clip.found.end_frame,
        "media_start_tc": str(media.start_tc),
        "start_tc": str(media.start_tc + clip.found.start_frame),
        "has_audio": bool(media.audio),
        "vfr": media.is_vfr,
        "name": clip.title,
        "note": clip.comment,
        "score": round(100 * clip.score),
        "colour": "green" if clip.confident else "yellow",
        "markers": [{"frame": mark.frame, "name": mark.name, "colour": mark.colour} for mark in clip.marks],
    }


def _lua(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return lua_text(value)
    if isinstance(value, list):
        return f"{{{', '.join(map(_lua, value))}}}"
    return f"{{{', '.join(f'{key} = {_lua(each)}' for key, each in value.items())}}}"


def _bytes(char: str) -> bytes:
    """UTF-8. A byte of a file name that is no text, which Python keeps as a lone surrogate, is itself again."""
    return char.encode("utf-8", "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass")


def _lua_byte(byte: int) -> str:
    # Always three digits: a digit that follows would count otherwise (Lua 5.1 manual, 2.1).
    return chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03d}"


EXPORTER_JSON = Exporter(
    "handover", "Hand-over to a plugin (JSON)", ".handover.json", render_json, FIDELITY, one_rate=False
)
EXPORTER_LUA = Exporter(
    "handover-lua", "Hand-over to a plugin (Lua)", ".handover.lua", render_lua, FIDELITY, one_rate=False
)
