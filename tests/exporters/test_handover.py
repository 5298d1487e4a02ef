"""The hand-over to plugins: whole frames and names, as JSON and as a Lua table that is data alone."""

from __future__ import annotations

import json
import os
import random
import re
import stat
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from exporters.handover import render_json, render_lua
from exporters.outbox import JSON_NAME, LUA_NAME, XML_NAME, send
from exporters.timeline import timeline_from_moments
from exporters.write import export_timeline
from tests.exporters.build import AXES, NTSC_24, NTSC_30, NTSC_60, STARTS, media, moment, over_the_matrix
from tests.plugins.lua import needs_luajit, run_lua
from tr_desktop.errors import ExportError
from tr_desktop.moments import FrameTimes, Mark, Moment, Part, Remarks, Segment

RNG = random.Random(1)
NAMES = [
    *('a"b', "a\\", "\\", "a\nb", "]]", '" .. os.exit(1) .. "', "日本 ü é", "\x00\x01\x7f", "1\x012", "--", "%s"),
    "clip\udcff.mov",
    *("".join(chr(RNG.choice([*range(300), 0x1F600, 0x202E, 0xD800, 0xDFFF])) for _ in range(20)) for _ in range(400)),
]
STRING = r'"(?:[ !#-\[\]-~]|\\[0-9]{3})*"'
SCALAR = rf"(?:{STRING}|-?[0-9]+|true|false)"
FLAT = rf"\{{(?:[a-z]+ = {SCALAR}(?:, )?)*\}}"
LIST = rf"\{{(?:(?:{FLAT}|{STRING})(?:, )?)*\}}"
MOMENT = rf"\{{(?:[a-z_]+ = (?:{SCALAR}|{LIST})(?:, )?)+\}}"
DATA = re.compile(
    rf"return \{{\nschema = [0-9]+,\nkind = {STRING},\nname = {STRING},\n"
    rf"moments = \{{\n{MOMENT}(?:,\n{MOMENT})*\n\}}\n\}}\n"
)
DUMP = r"""
local function hex(text) return (text:gsub(".", function(c) return string.format("%02x", c:byte()) end)) end
local function show(value)
  if type(value) == "string" then return '"' .. hex(value) .. '"' end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  if #value > 0 or next(value) == nil then
    for _, each in ipairs(value) do parts[#parts + 1] = show(each) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, each in pairs(value) do parts[#parts + 1] = '"' .. key .. '":' .. show(each) end
  return "{" .. table.concat(parts, ",") .. "}"
end
io.write(show(dofile(arg[1])))
"""


def document(*moments: Moment, **options: Any) -> Any:
    return json.loads(render_json(timeline_from_moments(moments, **options)))


def in_bytes(value: Any) -> Any:
    """A document with the bytes of its texts, in hex; a lone surrogate is the byte that it stands for in a path."""
    if isinstance(value, str):
        parts = (
            each.encode("utf-8", "surrogateescape" if 0xDC80 <= ord(each) <= 0xDCFF else "surrogatepass")
            for each in value
        )
        return b"".join(parts).hex()
    if isinstance(value, list):
        return [in_bytes(each) for each in value]
    return {key: in_bytes(each) for key, each in value.items()} if isinstance(value, dict) else value


def read_by_lua(text: str, folder: Path) -> Any:
    (folder / "dump.lua").write_text(DUMP)
    (folder / "job.lua").write_text(text, encoding="ascii")
    return json.loads(run_lua(folder / "dump.lua", folder / "job.lua"))


def test_a_moment_is_whole_frames_with_its_names_and_its_rate() -> None:
    source = media("park.mov", NTSC_30, "01:00:00;00", drop=True, channels=(2,))
    remarks = Remarks(name="frisbee", note="the good one", rating=4, marks=(Mark(920, "jump", "red"), Mark(2000)))
    found = replace(moment(source, 899, 1049, frames=5400, query="a dog"), remarks=remarks)
    [entry] = document(found, name="dogs", handles_s=Fraction(1))["moments"]
    note, identity = entry.pop("note"), entry.pop("id")
    assert note.startswith('the good one; rating 4; found by "a dog"; score 0.82')
    assert re.fullmatch("[0-9a-f]{16}", identity)
    assert entry == {
        "media": "/footage/park.mov",
        "other_spellings": [],
        "rate": "30000/1001",
        "rate_name": "29.97",
        "drop_frame": True,
        "frames": 5400,
        "in_frame": 869,
        "out_frame": 1079,
        "start_frame": 899,
        "end_frame": 1049,
        "media_start_tc": "01:00:00;00",
        "start_tc": "01:00:29;29",
        "has_audio": True,
        "vfr": False,
        "name": "frisbee",
        "score": 82,
        "colour": "green",
        "markers": [{"frame": 920, "name": "jump", "colour": "red"}],
    }


@over_the_matrix
def test_frames_are_those_of_the_moment_at_every_rate_and_start(rate: Fraction, drop: bool, start: str) -> None:
    source = media(rate=rate, start=start, drop=drop)
    [entry] = document(moment(source, 1798, 3601, frames=20000))["moments"]
    assert (entry["start_frame"], entry["end_frame"], entry["drop_frame"]) == (1798, 3601, drop)
    assert entry["start_tc"] == str(source.start_tc + 1798)
    assert Fraction(entry["rate"]) == rate


def test_rates_have_the_names_that_resolve_has_for_them() -> None:
    rates = [NTSC_24, Fraction(24), NTSC_30, Fraction(48000, 1001), NTSC_60, Fraction(120000, 1001), Fraction(120)]
    names = [entry["rate_name"] for entry in document(*(moment(media(rate=rate)) for rate in rates))["moments"]]
    assert names == ["23.976", "24", "29.97", "47.952", "59.94", "119.88", "120"]


def test_no_number_is_a_float() -> None:
    def forbidden(text: str) -> None:
        raise AssertionError(text)

    moments = [moment(media(rate=rate, start=start, drop=drop)) for rate, drop in AXES for start in STARTS]
    text = render_json(timeline_from_moments(moments, handles_s=Fraction(1, 3)))
    assert json.loads(text, parse_float=forbidden)["schema"] == 1


def test_variable_rate_is_counted_by_time_and_a_note_says_so(tmp_path: Path) -> None:
    # 30 frames at 25 a second, then a gap of a second: frame 40 is 2.36 s in, and label 59 at the nominal rate.
    ticks = [*range(0, 30 * 40, 40), *range(2160, 2160 + 30 * 40, 40)]
    times = FrameTimes(ticks, ticks[-1] + 40, Fraction(1, 1000))
    phone = moment(media("phone.mp4", is_vfr=True), 35, 40, times=times)
    timeline = timeline_from_moments([phone])
    [entry] = json.loads(render_json(timeline))["moments"]
    assert entry["vfr"] and (entry["start_frame"], entry["end_frame"]) == (59, 64)
    report = export_timeline(timeline, tmp_path / "hits.handover.json")
    assert any("phone.mp4 (25 fps)" in note and "by time at the nominal rate" in note for note in report.notes)


def test_an_identity_stays_whatever_the_edges_are_and_differs_between_moments() -> None:
    source, other = media("a.mov"), media("b.mov")
    first = moment(source, 10, 60)
    steps = first.refinement.steps
    trimmed = replace(steps[0], step=1, segment=Segment(20, 50))
    moved = replace(first, refinement=replace(first.refinement, steps=(*steps, trimmed), stop=1))
    others = [moment(source, 11, 60), moment(source, 10, 61), moment(other, 10, 60), moment(source, query="a cat")]
    one, again, *rest = (entry["id"] for entry in document(first, moved, *others, handles_s=Fraction(1))["moments"])
    assert one == again == document(first)["moments"][0]["id"]
    assert len({one, *rest}) == 5


def test_an_identity_is_that_of_what_was_searched_though_the_file_was_exchanged() -> None:
    proxy, original = moment(media("proxy.mov")), moment(media("original.mov"), 0, 50)
    [exchanged] = timeline_from_moments([original], searched=[proxy]).clips
    assert exchanged.id == document(proxy)["moments"][0]["id"] and exchanged.name == "original.mov"


def test_each_file_of_a_moment_over_several_has_an_identity_that_stays() -> None:
    def over_two(end_frame: int) -> Moment:
        found = moment(media("a.mov"), 900, 1000)
        return replace(found, continued=(Part(moment(media("b.mov")).footage, Segment(0, end_frame)),))

    first, second = (entry["id"] for entry in document(over_two(50))["moments"])
    assert first != second
    assert [entry["id"] for entry in document(over_two(40))["moments"]] == [first, second]


def test_spellings_of_a_path_are_given_if_there_are_several() -> None:
    composed, decomposed = "/footage/caf\u00e9.mov", "/footage/cafe\u0301.mov"
    for path, other in ((composed, decomposed), (decomposed, composed)):
        [entry] = document(moment(media(Path(path).name)))["moments"]
        assert (entry["media"], entry["other_spellings"]) == (path, [other])


def test_the_lua_text_is_data_alone() -> None:
    described = [
        replace(moment(media(f"{number}.mov"), query=name), remarks=Remarks(note=name, marks=(Mark(20, name),)))
        for number, name in enumerate(NAMES)
    ]
    text = render_lua(timeline_from_moments(described, name=NAMES[5]))
    assert DATA.fullmatch(text)
    assert not DATA.fullmatch(text.replace("moments = {", "moments = os.exit() or {"))


@needs_luajit
def test_awkward_names_survive_both_ways(tmp_path: Path) -> None:
    assert len(NAMES) == 412
    described = [
        replace(
            moment(media("x.mov", folder=Path("/footage") / name.replace("/", "")), query=name),
            remarks=Remarks(note=name, marks=(Mark(20, name),)),
        )
        for name in NAMES
    ]
    timeline = timeline_from_moments(described, name="".join(NAMES[:12]))
    written = json.loads(render_json(timeline))
    assert [entry["name"] for entry in written["moments"]] == NAMES
    assert [entry["markers"][0]["name"] for entry in written["moments"]] == NAMES
    assert read_by_lua(render_lua(timeline), tmp_path) == in_bytes(written)


def test_the_outbox_gets_its_files_and_is_closed_to_others(tmp_path: Path) -> None:
    outbox = tmp_path / "data" / "outbox"
    report = send([moment(media())], outbox, name="dogs")
    assert report.files == (outbox / JSON_NAME, outbox / LUA_NAME, outbox / XML_NAME)
    assert json.loads((outbox / JSON_NAME).read_text())["name"] == "dogs"
    assert DATA.fullmatch((outbox / LUA_NAME).read_text())
    [sequence] = ElementTree.parse(outbox / XML_NAME).getroot()
    assert (sequence.tag, sequence.findtext("name")) == ("sequence", "dogs")
    if os.name == "posix":
        assert stat.S_IMODE(outbox.stat().st_mode) == 0o700
    outbox.chmod(0o755)
    send([moment(media())], outbox, name="another project")
    assert json.loads((outbox / JSON_NAME).read_text())["name"] == "another project"
    assert os.name != "posix" or stat.S_IMODE(outbox.stat().st_mode) == 0o700
    assert {path.name for path in outbox.iterdir()} == {JSON_NAME, LUA_NAME, XML_NAME}


def test_the_outbox_keeps_what_is_not_a_hand_over_and_then_gets_no_file(tmp_path: Path) -> None:
    for name in (JSON_NAME, LUA_NAME, XML_NAME):
        outbox = tmp_path / name
        send([moment(media())], outbox, name="before")
        other = JSON_NAME if name == LUA_NAME else LUA_NAME
        before = (outbox / other).read_bytes()
        (outbox / name).write_text("mine")
        with pytest.raises(ExportError, match="in the way"):
            send([moment(media())], outbox, name="after")
        assert (outbox / name).read_text() == "mine" and (outbox / other).read_bytes() == before


def test_a_full_disk_leaves_the_hand_over_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = tmp_path / "outbox"
    send([moment(media())], outbox, name="before")
    before = {path: path.read_bytes() for path in outbox.iterdir()}
    write, written = Path.write_bytes, []

    def full(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ExportError, match="no space left"):
        send([moment(media())], outbox, name="after")
    assert {path: path.read_bytes() for path in outbox.iterdir()} == before
