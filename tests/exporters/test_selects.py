"""Selects without a timeline: favourites in Final Cut Pro's browser, clips with in and out in a bin."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

import pytest

from exporters import fcpxml_selects, xmeml_selects
from exporters.formats import find_format
from exporters.timeline import timeline_from_moments
from tests.exporters.build import AWKWARD_NAMES, LAYOUTS, NTSC_24, NTSC_30, PAL_WIDE, matrix_timeline, media, moment
from tests.exporters.build import over_the_matrix as over
from tests.exporters.test_fcpxml import frames, validate
from tr_desktop.moments import Mark, Moment, Remarks
from tr_desktop.timecode import Timecode

WORDS = Remarks("Best, take", "Use this", 4, (Mark(20, "look", "red"), Mark(900, "outside")))


def selects() -> list[Moment]:
    a, b = media("a.mov", channels=(2, 1), reel="A1"), media("b.mov", NTSC_30, "10:00:00;00", True)
    return [
        moment(a),
        moment(b, 3, 9, query="cats, dogs"),
        replace(moment(a, 15, 900), remarks=WORDS),
        moment(media("c.mov", **PAL_WIDE), 0, 1, query=""),
    ]


@over
def test_favourites_cover_the_cuts(rate: Fraction, drop: bool, start: str) -> None:
    timeline = matrix_timeline(rate, drop, start)
    root = ET.fromstring(fcpxml_selects.render(timeline))
    [asset], [clip] = root.iter("asset"), root.iter("asset-clip")
    assert [clip.get(name) for name in ("start", "duration", "name")] == [
        asset.get(name) for name in ("start", "duration", "name")
    ]
    assert clip.get("tcFormat") == ("DF" if drop else "NDF")
    for kind in ("rating", "keyword"):
        for made, meant in zip(clip.iter(kind), timeline.clips, strict=True):
            assert frames(made.get("start"), rate) == meant.source_in.frame
            assert frames(made.get("duration"), rate) == meant.frames


def test_each_file_is_one_clip_with_its_favourites(tmp_path: Path) -> None:
    text = fcpxml_selects.render(timeline_from_moments(selects(), name="hits"))
    validate(text, tmp_path)
    root = ET.fromstring(text)
    assert not list(root.iter("project")) and not list(root.iter("spine"))
    [event] = root.iter("event")
    assert event.get("name") == "hits" and [clip.get("name") for clip in event] == ["a.mov", "b.mov", "c.mov"]
    a, b, c = event
    assert [each.get("name") for each in a.iter("rating")] == ["a dog catches a frisbee", "Best, take"]
    assert {each.get("value") for each in root.iter("rating")} == {"favorite"}
    assert "Use this; rating 4" in a.findall("rating")[1].get("note")
    words = [each.get("value") for each in a.iter("keyword")]
    assert words == ["a dog catches a frisbee", "a dog catches a frisbee, rating 4"]
    assert [each.get("value") for each in b.iter("keyword")] == ["cats dogs"]
    assert [(each.get("value"), each.get("start")) for each in a.iter("marker")] == [("look", "20/25s")]
    assert not list(c.iter("keyword")) and c.find("rating").get("name") == "moment 4"
    formats = {each.get("id"): each for each in root.iter("format")}
    assert formats[c.get("format")].get("fieldOrder") == "upper first"


@pytest.mark.parametrize("channels", LAYOUTS, ids=str)
def test_a_bin_has_a_clip_with_in_and_out_for_each_moment(channels: tuple[int, ...]) -> None:
    source = media("a.mov", NTSC_24, channels=channels)
    timeline = timeline_from_moments([moment(source), moment(source, 70, 90)], name="hits", handles_s=Fraction(1, 4))
    root = ET.fromstring(xmeml_selects.render(timeline))
    made = root.find("bin")
    assert made.findtext("name") == "hits" and not list(root.iter("sequence"))
    for clip, meant in zip(made.find("children"), timeline.clips, strict=True):
        assert clip.findtext("masterclipid") == clip.get("id") and clip.findtext("ismasterclip") == "TRUE"
        items = list(clip.iter("clipitem"))
        assert [item.findtext("sourcetrack/trackindex") for item in items[1:]] == [
            str(n) for n in sorted(range(1, sum(channels) + 1), key=lambda n: is_mono(n, channels))
        ]
        for each in (clip, *items):
            assert int(each.findtext("in")) == meant.start_frame and int(each.findtext("out")) == meant.end_frame
            assert each.findtext("duration") == "1000" and each.findtext("rate/timebase") == "24"
        [marker] = clip.findall("marker")
        assert int(marker.findtext("in")) == meant.found.start_frame == meant.start_frame + 6
        assert int(marker.findtext("out")) == meant.found.end_frame
        ids = {item.get("id") for item in items} if len(items) > 1 else set()
        assert all({link.findtext("linkclipref") for link in item.findall("link")} == ids for item in items)
    assert len(list(root.iter("pathurl"))) == 1
    identities = [each.get("id") for each in root.iter("clipitem")]
    assert len(set(identities)) == len(identities) == 2 * (1 + sum(channels))


def is_mono(channel: int, channels: tuple[int, ...]) -> bool:
    """Whether the file's channel, from 1, isn't of a stereo stream: those come first."""
    stream = next(n for n in range(len(channels)) if channel <= sum(channels[: n + 1]))
    return channels[stream] != 2


def test_a_bin_holds_all_rates_and_the_editors_words() -> None:
    root = ET.fromstring(xmeml_selects.render(timeline_from_moments(selects())))
    clips = list(root.find("bin/children"))
    assert [clip.findtext("name") for clip in clips] == ["a.mov", "b.mov", "Best, take", "c.mov"]
    assert [clip.findtext("rate/timebase") for clip in clips] == ["25", "30", "25", "25"]
    assert [each.text for each in clips[2].find("comments")] == ["Use this", "rating 4"]
    marks = [[each.findtext(name) for name in ("name", "in", "out")] for each in clips[2].iter("marker")]
    assert marks == [["Best, take", "15", "900"], ["look", "20", "-1"]]
    timecode = root.findall(".//file/timecode")[1]
    assert Timecode.parse(timecode.findtext("string"), NTSC_30).frame == int(timecode.findtext("frame"))


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_any_name_finds_its_file_again(name: str, tmp_path: Path) -> None:
    timeline = timeline_from_moments([moment(media(name), query=name)] * 2, name=name)
    text = fcpxml_selects.render(timeline)
    validate(text, tmp_path)
    [asset] = ET.fromstring(text).iter("media-rep")
    [path] = ET.fromstring(xmeml_selects.render(timeline)).iter("pathurl")
    for url, host in ((asset.get("src"), "file://"), (path.text, "file://localhost")):
        assert unquote_to_bytes(url.removeprefix(host)) == f"/footage/{name}".encode()


def test_the_ending_chooses_selects_or_a_timeline() -> None:
    names = {"a.selects.xml": "xmeml-selects", "a.xml": "xmeml", "a.selects.fcpxml": "fcpxml-selects"}
    assert {out: find_format(Path(out)).name for out in names} == names
