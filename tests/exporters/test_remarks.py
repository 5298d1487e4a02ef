"""An editor's name, note, rating and markers reach every format that has a place for them."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pycmx
import pytest

from exporters import ale, captions, edl, edl_markers, fcpxml, mlt, table, xmeml
from exporters import otio as ours
from exporters.clips import clip_name
from exporters.formats import BUILT_IN
from exporters.timeline import Timeline, timeline_from_moments
from exporters.write import export_timeline
from tests.exporters.build import AWKWARD_NAMES, NTSC_30, media, moment
from tests.exporters.test_lists import read_markers
from tr_desktop.moments import MARKER_COLOURS, FrameTimes, Mark, Remarks
from tr_desktop.timecode import Timecode

REMARKS = Remarks(
    name="opening shot",
    note="good light",
    rating=4,
    marks=(Mark(12, "eyes open", "red"), Mark(30, "", "pink"), Mark(500, "far off", "green")),
)


def remarked(remarks: Remarks = REMARKS) -> Timeline:
    """Two cuts of one file, the second with remarks; frame 0 of it is frame 60 of the timeline."""
    source = media("clip.mov", start="10:00:00:00", channels=(2,))
    second = replace(moment(source, 10, 60), remarks=remarks)
    return timeline_from_moments([moment(source, 100, 150), second], handles_s=Fraction(1, 5))


def test_an_edl_has_comments_and_locators() -> None:
    text = edl.render(remarked())
    events = list(pycmx.parse_cmx3600(io.StringIO(text)).events)
    assert [event.edits[0].clip_name for event in events] == ["clip.mov"] * 2
    lines = text.split("\r\n")
    at = lines.index("* COMMENT: NAME opening shot")
    assert lines[at + 1 : at + 3] == ["* COMMENT: NOTE good light", "* COMMENT: RATING 4"]
    assert lines[at + 3].startswith('* COMMENT: MOMENT 2 "a dog catches')
    read = otio.adapters.read_from_string(text, "cmx_3600", rate=25)
    first, second = read.video_tracks()[0]
    assert not first.markers
    assert [(marker.name, marker.color) for marker in second.markers] == [("eyes open", "RED"), ("", "MAGENTA")]
    # The second cut starts 60 frames into the timeline, and 5 frames before its moment.
    assert "* LOC: 01:00:02:17 RED     eyes open" in lines


def test_a_marker_edl_has_every_marker_once() -> None:
    found = [
        (Timecode.parse(labels[0], Fraction(25)).frame - 90000, parts["name"], parts["colour"], parts["note"])
        for labels, parts in read_markers(edl_markers.render(remarked()))
    ]
    assert [frame for frame, *_ in found] == [5, 65, 67, 85]
    assert [name for _, name, *_ in found] == ["a dog catches a frisbee", "opening shot", "eyes open", "marker"]
    assert [colour for _, _, colour, _ in found] == ["Green", "Green", "Red", "Pink"]
    note = found[1][3]
    assert note.startswith('- good light; rating 4; found by "a dog catches a frisbee"; score 0.82')
    at_start = read_markers(edl_markers.render(remarked(Remarks(marks=(Mark(10, "here", "cyan"),)))))
    assert len(at_start) == 2 and "cyan marker here" in at_start[1][1]["note"]


def test_final_cut_7_xml_has_the_name_comments_and_markers() -> None:
    text = xmeml.render(remarked())
    sequence = ET.fromstring(text).find("sequence")
    items = sequence.findall("media/video/track/clipitem")
    assert [item.findtext("name") for item in items] == ["clip.mov", "opening shot"]
    assert sequence.findtext(".//file/name") == "clip.mov"
    assert items[0].find("comments") is None
    assert items[1].findtext("comments/mastercomment1") == items[1].findtext("logginginfo/lognote") == "good light"
    assert items[1].findtext("comments/mastercomment2") == "rating 4"
    markers = {marker.findtext("name"): marker for marker in sequence.findall("marker")}
    assert markers["opening shot"].findtext("comment").startswith("good light; rating 4")
    assert (markers["eyes open"].findtext("in"), markers["eyes open"].findtext("out")) == ("67", "-1")
    assert int(markers["eyes open"].findtext("color/red")) > 200
    read = otio.adapters.read_from_string(text, "fcp_xml")
    marked = {marker.name: marker.marked_range.start_time.value for marker in read.tracks.markers}
    assert (marked["opening shot"], marked["eyes open"], marked["marker"]) == (65, 67, 85)


def test_fcpxml_has_the_name_note_keyword_and_markers() -> None:
    first, second = ET.fromstring(fcpxml.render(remarked())).iter("asset-clip")
    assert first.get("name") == "clip.mov" and [child.tag for child in first] == ["marker"]
    assert second.get("name") == "opening shot" and second.findtext("note") == "good light"
    assert [child.tag for child in second] == ["note", "marker", "marker", "marker", "keyword"]
    starts = [Fraction(marker.get("start")[:-1]) * 25 for marker in second.findall("marker")]
    assert starts == [900010, 900012, 900030]
    assert second.findall("marker")[0].get("note").startswith("good light; rating 4")
    keyword = second.find("keyword")
    assert keyword.get("value") == "rating 4" and keyword.get("start") == second.get("start")


def test_opentimelineio_has_the_name_metadata_and_markers() -> None:
    read = otio.adapters.read_from_string(ours.render(remarked()), "otio_json")
    first, second = read.video_tracks()[0]
    assert (first.name, second.name, second.media_reference.name) == ("clip.mov", "opening shot", "clip.mov")
    meant = {"name": "opening shot", "note": "good light", "rating": 4}
    assert {key: second.metadata["timerefine"][key] for key in meant} == meant
    assert second.metadata["timerefine"]["query"] == "a dog catches a frisbee"
    assert [(m.name, m.color, m.marked_range.start_time.value) for m in second.markers] == [
        ("opening shot", "GREEN", 900010),
        ("eyes open", "RED", 900012),
        ("", "PINK", 900030),
    ]
    assert second.markers[0].comment.startswith("good light; rating 4")


def rows_of_log(timeline: Timeline) -> list[dict[str, str]]:
    _, column, data = ale.render(timeline).replace("\r\nData\r\n", "\r\nColumn\r\n").split("\r\nColumn\r\n")
    names = column.strip().split("\t")
    return [dict(zip(names, line.split("\t"), strict=True)) for line in data.split("\r\n") if line]


def test_a_log_has_columns_and_a_name_for_each_clip() -> None:
    first, second = rows_of_log(remarked())
    assert (first["Name"], second["Name"], second["Source File"]) == ("clip.mov", "opening shot", "clip.mov")
    assert second["Comments"].startswith("good light; score 0.82") and second["Rating"] == "4"
    assert second["Markers"] == "10:00:00:12 red eyes open; 10:00:01:05 pink"
    source = media("clip.mov")
    named = replace(moment(source, 70, 80), remarks=Remarks(name="clip.mov 2"))
    same = rows_of_log(timeline_from_moments([moment(source), moment(source, 80, 90), named, moment(source, 95, 99)]))
    assert [row["Name"] for row in same] == ["clip.mov", "clip.mov 2", "clip.mov 2 2", "clip.mov 3"]


def test_tables_have_columns_and_keep_the_query() -> None:
    text = table.EXPORTER_CSV.render(remarked()).removeprefix("\ufeff")
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert (first["name"], first["rating"], first["markers"]) == ("", "", "")
    assert (second["name"], second["note"], second["rating"]) == ("opening shot", "good light", "4")
    assert second["query"] == "a dog catches a frisbee"
    assert second["markers"] == "10:00:00:12 red eyes open; 10:00:01:05 pink; 10:00:20:00 green far off"
    first, second = json.loads(table.EXPORTER_JSON.render(remarked()))["moments"]
    assert first["rating"] is None and second["rating"] == 4 and second["query"] == "a dog catches a frisbee"
    assert second["markers"][2] == {"frame": 500, "tc": "10:00:20:00", "colour": "green", "name": "far off"}


def test_captions_chapters_and_mlt_have_the_name() -> None:
    text = captions.EXPORTER_SRT.render(remarked())
    assert "opening shot\r\nclip.mov, good light; rating 4" in text
    assert captions.EXPORTER_CHAPTERS.render(remarked()).splitlines()[1] == "0:02 opening shot"
    entry = ET.fromstring(mlt.render(remarked())).findall("playlist/entry")[1]
    words = {each.get("name"): each.text for each in entry.findall("property")}
    assert (words["timerefine:name"], words["timerefine:note"]) == ("opening shot", "good light")
    assert words["timerefine:rating"] == "4" and words["timerefine:query"] == "a dog catches a frisbee"


def test_markers_of_variable_footage_count_time(tmp_path: Path) -> None:
    times = FrameTimes([0, 1, 2, 3, 10, 11, 12], 13, Fraction(1, 25))
    source = media("phone.mp4", is_vfr=True)
    found = replace(moment(source, 3, 6, times=times), remarks=Remarks(marks=(Mark(4, "late"),)))
    [clip] = timeline_from_moments([found]).clips
    assert clip.marks == (Mark(10, "late"),)


def test_markers_outside_the_cut_are_counted_in_a_note(tmp_path: Path) -> None:
    report = export_timeline(remarked(), tmp_path / "hits.edl")
    assert any("Markers outside the cut: 1" in note for note in report.notes)


@pytest.mark.parametrize("exporter", BUILT_IN, ids=lambda exporter: exporter.name)
@pytest.mark.parametrize("words", [*AWKWARD_NAMES, "a|b; \u2028 * LOC: x"])
def test_no_remark_breaks_a_format(exporter, words: str) -> None:
    marks = tuple(Mark(20 + number, words, colour) for number, colour in enumerate(MARKER_COLOURS))
    source = media("clip.mov", NTSC_30, "01:00:00;00", True)
    found = replace(moment(source), remarks=Remarks(words, words, 5, marks))
    text = exporter.render(timeline_from_moments([found]))
    if exporter is edl_markers.EXPORTER:
        assert len(read_markers(text)) == 8
    elif exporter.name.startswith("edl"):
        assert len(list(pycmx.parse_cmx3600(io.StringIO(text)).events)) == 1
    elif exporter.suffix in (".xml", ".fcpxml", ".mlt"):
        ET.fromstring(text)
    elif exporter.name == "ale":
        assert len(rows_of_log(timeline_from_moments([found]))) == 1
    elif exporter.name == "otio":
        [clip, *_] = otio.adapters.read_from_string(text, "otio_json").find_clips()
        assert len(clip.markers) == 8


def test_clips_are_called_by_the_editors_name() -> None:
    source = media("park.mov", start="10:00:00:00")
    found = replace(moment(source), remarks=Remarks(name='a/b: "c"?'))
    assert clip_name(1, found, source.start_tc, ".mov") == "01 a-b- -c-- 10-00-00-00.mov"
    assert clip_name(2, moment(source), source.start_tc, ".mov") == "02 park 10-00-00-00.mov"
