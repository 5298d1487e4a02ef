"""FCPXML: every time on the frame grid and inside its asset, and the DTD if it is installed.

Apple's DTD isn't ours to ship. Set TR_FCPXML_DTD to a copy of `FCPXMLv1_10.dtd` to validate against it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

import pytest

from exporters import fcpxml
from exporters.timeline import Timeline, timeline_from_moments
from tests.exporters.build import AWKWARD_NAMES, LAYOUTS, NTSC_24, NTSC_30, PAL_WIDE, matrix_timeline, media, moment
from tests.exporters.build import over_the_matrix as over
from tr_desktop.moments import Colour, FieldOrder, Media

DTD = os.environ.get("TR_FCPXML_DTD", "")


def frames(time: str, rate: Fraction) -> int:
    """Whole frames in a FCPXML time, which must be a fraction and on the frame grid."""
    count = Fraction(time.removesuffix("s")) * rate
    assert "/" in time and time.endswith("s") and count.denominator == 1
    assert int(time.split("/")[1][:-1]) < 2**31
    return int(count)


def check(timeline: Timeline, project: ET.Element, root: ET.Element) -> None:
    """The project holds the timeline's frames, told by Apple's rules alone."""
    sequence, by_id = project.find("sequence"), {element.get("id"): element for element in root.find("resources")}
    frame_s = Fraction(by_id[sequence.get("format")].get("frameDuration").removesuffix("s"))
    rate = 1 / frame_s
    assert rate == timeline.rate
    assert frames(sequence.get("tcStart"), rate) == timeline.start_tc.frame
    assert frames(sequence.get("duration"), rate) == timeline.frames
    assert sequence.get("tcFormat") == ("DF" if timeline.start_tc.drop else "NDF")
    expected_offset = timeline.start_tc.frame
    for element, clip in zip(sequence.find("spine"), timeline.clips, strict=True):
        asset = by_id[element.get("ref")]
        assert Fraction(by_id[asset.get("format")].get("frameDuration").removesuffix("s")) == frame_s
        asset_start, asset_frames = (frames(asset.get(name), rate) for name in ("start", "duration"))
        start, length, offset = (frames(element.get(name), rate) for name in ("start", "duration", "offset"))
        assert offset == expected_offset
        assert asset_start <= start and start + length <= asset_start + asset_frames
        assert asset_start == clip.media.start_tc.frame and start - asset_start == clip.start_frame
        assert length == clip.frames
        [marker] = element.findall("marker")
        marked, marked_frames = (frames(marker.get(name), rate) for name in ("start", "duration"))
        assert start <= marked and marked + marked_frames <= start + length
        assert marked - asset_start == clip.found.start_frame
        assert marked_frames == clip.found.end_frame - clip.found.start_frame
        assert element.get("name") == asset.get("name")
        expected_offset += length


def validate(text: str, folder: Path) -> None:
    if not DTD or not shutil.which("xmllint"):
        return
    path = folder / "a.fcpxml"
    path.write_text(text, encoding="utf-8")
    command = ["xmllint", "--noout", "--dtdvalid", DTD, str(path)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr


@over
def test_times_are_on_the_frame_grid_and_name_the_right_frames(rate: Fraction, drop: bool, start: str) -> None:
    timeline = matrix_timeline(rate, drop, start)
    root = ET.fromstring(fcpxml.render(timeline))
    [project] = root.iter("project")
    check(timeline, project, root)
    assert root.get("version") == "1.10"
    assert [element.get("value") for element in root.iter("md")] == ["A001C003_210101_R2EC"]


@pytest.mark.skipif(not DTD or not shutil.which("xmllint"), reason="needs TR_FCPXML_DTD and xmllint")
@pytest.mark.parametrize("channels", LAYOUTS, ids=str)
@pytest.mark.parametrize("rates", [(Fraction(25),), (NTSC_24, NTSC_30, Fraction(50))], ids=["one rate", "three rates"])
def test_the_document_is_valid_by_the_dtd(
    tmp_path: Path, channels: tuple[int, ...], rates: tuple[Fraction, ...]
) -> None:
    moments = [moment(media(f"{rate}.mov", rate, channels=channels, reel="A1"), query="a 'b' & <c>") for rate in rates]
    validate(fcpxml.render(timeline_from_moments(moments, name='"x"')), tmp_path)


@pytest.mark.parametrize("channels", LAYOUTS, ids=str)
def test_audio_is_counted(channels: tuple[int, ...]) -> None:
    [asset] = ET.fromstring(fcpxml.render(timeline_from_moments([moment(media(channels=channels))]))).iter("asset")
    assert asset.get("hasAudio") == ("1" if channels else None)
    assert asset.get("audioSources") == (str(len(channels)) if channels else None)
    assert asset.get("audioChannels") == (str(max(channels)) if channels else None)


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_any_name_finds_its_file_again(name: str, tmp_path: Path) -> None:
    source = media(name)
    text = fcpxml.render(timeline_from_moments([moment(source, query=name), moment(source)], name=name))
    root = ET.fromstring(text)
    [url] = [element.get("src") for element in root.iter("media-rep")]
    assert unquote_to_bytes(url.removeprefix("file://")) == os.fsencode(source.path)
    assert not set("'!$&()*+,;=") & set(url) and url.isascii()
    assert len(list(root.iter("asset-clip"))) == 2 and len(list(root.iter("marker"))) == 2
    validate(text, tmp_path)


def test_each_rate_is_a_project() -> None:
    moments = [moment(media("a.mov", NTSC_24)), moment(media("b.mov", NTSC_30)), moment(media("c.mov", NTSC_24))]
    timeline = timeline_from_moments(moments, name="hits")
    root = ET.fromstring(fcpxml.render(timeline))
    projects = list(root.iter("project"))
    assert [project.get("name") for project in projects] == ["hits 23.976", "hits 29.97"]
    for project, part in zip(projects, timeline.by_rate(), strict=True):
        check(part, project, root)


def formats(*sources: Media, folder: Path) -> list[dict[str, str]]:
    """The formats of the sequence and of each asset, without ids."""
    text = fcpxml.render(timeline_from_moments([moment(source) for source in sources]))
    validate(text, folder)
    root = ET.fromstring(text)
    by_id = {element.get("id"): element for element in root.find("resources")}
    users = [root.find(".//sequence"), *root.iter("asset")]
    return [{key: value for key, value in by_id[user.get("format")].items() if key != "id"} for user in users]


def test_a_format_says_fields_stored_size_and_the_shape_of_pixels(tmp_path: Path) -> None:
    wide, square = media("wide.mov", **PAL_WIDE), media("square.mov", size=(1024, 576))
    narrow = media("narrow.mov", **{**PAL_WIDE, "size": (768, 576), "pixel_aspect": Fraction(16, 15)})
    lower = media("lower.mov", **{**PAL_WIDE, "fields": FieldOrder.LOWER_FIRST})
    sequence, *assets = formats(wide, square, narrow, lower, folder=tmp_path)
    assert (
        sequence
        == assets[0]
        == {
            "name": "FFVideoFormatRateUndefined",
            "frameDuration": "1/25s",
            "fieldOrder": "upper first",
            "width": "720",
            "height": "576",
            "paspH": "64",
            "paspV": "45",
            "colorSpace": "5-1-6 (Rec. 601 (PAL))",
        }
    )
    assert assets[1] == {  # as an older library knows it
        "name": "FFVideoFormatRateUndefined",
        "frameDuration": "1/25s",
        "width": "1024",
        "height": "576",
        "colorSpace": "1-1-1 (Rec. 709)",
    }
    assert (assets[2]["paspH"], assets[2]["paspV"]) == ("16", "15")
    assert assets[3]["fieldOrder"] == "lower first"
    [_, progressive] = formats(media(fields=FieldOrder.PROGRESSIVE), folder=tmp_path)
    assert progressive["fieldOrder"] == "progressive" and "paspH" not in progressive


def test_a_turned_picture_has_its_pixels_turned(tmp_path: Path) -> None:
    [_, turned] = formats(media(**{**PAL_WIDE, "size": (576, 1024), "rotation": 90}), folder=tmp_path)
    assert [turned[key] for key in ("width", "height", "paspH", "paspV")] == ["576", "720", "45", "64"]


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        (Colour(9, 18, 9), "9-18-9 (Rec. 2020 HLG)"),
        (Colour(9, 16, 9), "9-16-9 (Rec. 2020 PQ)"),
        (Colour(9, 1, 9), "9-1-9 (Rec. 2020)"),
        (Colour(9, 14, 9), "9-1-9 (Rec. 2020)"),
        (Colour(5, 1, 5), "5-1-6 (Rec. 601 (PAL))"),
        (Colour(6, 6, 6), "6-1-6 (Rec. 601 (NTSC))"),
        (Colour(1, 1, 1, True), "1-1-1 (Rec. 709)"),
        (Colour(), "1-1-1 (Rec. 709)"),
        (Colour(2, 2, 0), "1-1-1 (Rec. 709)"),
        (Colour(2, 18, 2), "9-18-9 (Rec. 2020 HLG)"),
        (Colour(9, 16, 2), "9-16-9 (Rec. 2020 PQ)"),
        (Colour(5, 2, 2), "5-1-6 (Rec. 601 (PAL))"),
    ],
    ids=str,
)
def test_a_format_names_the_colour_space(colour: Colour, name: str, tmp_path: Path) -> None:
    source = media(colour=colour)
    assert [each["colorSpace"] for each in formats(source, folder=tmp_path)] == [name] * 2
    assert list(fcpxml.notes(timeline_from_moments([moment(source)]))) == []


@pytest.mark.parametrize(
    ("lines", "colour", "name"),
    [
        (576, Colour(), "5-1-6 (Rec. 601 (PAL))"),
        (480, Colour(), "6-1-6 (Rec. 601 (NTSC))"),
        (576, Colour(2, 2, 6), "5-1-6 (Rec. 601 (PAL))"),
        (576, Colour(6, 6, 6), "6-1-6 (Rec. 601 (NTSC))"),
        (576, Colour(1, 1, 2), "1-1-1 (Rec. 709)"),
        (1080, Colour(), "1-1-1 (Rec. 709)"),
    ],
    ids=str,
)
def test_standard_definition_without_colour_has_that_of_its_system(
    lines: int, colour: Colour, name: str, tmp_path: Path
) -> None:
    source = media(stored_width=720, stored_height=lines, size=(1024, lines), colour=colour)
    assert [each["colorSpace"] for each in formats(source, folder=tmp_path)] == [name] * 2


def test_a_colour_without_a_name_is_a_note(tmp_path: Path) -> None:
    p3 = media("p3.mov", colour=Colour(12, 13, 1))
    assert formats(p3, folder=tmp_path)[1]["colorSpace"] == "1-1-1 (Rec. 709)"
    [note] = fcpxml.notes(timeline_from_moments([moment(p3), moment(media()), moment(p3)]))
    assert "p3.mov (primaries 12, transfer 13, matrix 1)." in note


def test_an_asset_has_its_proxy(tmp_path: Path) -> None:
    timeline = timeline_from_moments([moment(media("a.braw")), moment(media("b.mov"))])
    first, second = timeline.clips
    proxy = Path("/proxies/a.mov")
    text = fcpxml.render(replace(timeline, clips=(replace(first, proxy=proxy), second)))
    validate(text, tmp_path)
    kept = [
        [(each.get("kind"), each.get("src")) for each in asset.iter("media-rep")]
        for asset in ET.fromstring(text).iter("asset")
    ]
    assert kept == [
        [("original-media", "file:///footage/a.braw"), ("proxy-media", "file:///proxies/a.mov")],
        [("original-media", "file:///footage/b.mov")],
    ]
