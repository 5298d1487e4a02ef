"""CMX 3600 lists, read back by pycmx and OpenTimelineIO."""

from __future__ import annotations

import io
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters import edl
from exporters.timeline import Timeline, timeline_from_moments
from tests.exporters.build import AWKWARD_NAMES, AXES, NTSC_30, STARTS, media, moment
from tr_desktop.timecode import Timecode

pycmx = pytest.importorskip("pycmx")
otio = pytest.importorskip("opentimelineio")
pytest.importorskip("otio_cmx3600_adapter")


def events(text: str) -> list:
    """What pycmx reads, each event's first edit, provided that it understood every line."""
    read = pycmx.parse_cmx3600(io.StringIO(text))
    assert not [line for line in read.unrecognized_statements if line.content]
    return [edit for event in read.events for edit in event.edits]


def read_frames(text: str, timeline: Timeline) -> list[tuple[int, int, int, int]]:
    """Source in and out and record in and out of each event as pycmx reads them, in frames."""

    def frame(label: str) -> int:
        return Timecode.parse(label, timeline.rate).frame

    return [
        (frame(edit.source_in), frame(edit.source_out), frame(edit.record_in), frame(edit.record_out))
        for edit in events(text)
    ]


@pytest.mark.parametrize("record_start", STARTS)
@pytest.mark.parametrize("source_start", STARTS)
@pytest.mark.parametrize(("rate", "drop"), AXES, ids=lambda value: f"{float(value):g}")
def test_every_label_reads_back_to_the_right_frame(
    rate: Fraction, drop: bool, source_start: str, record_start: str
) -> None:
    source = media(rate=rate, start=source_start, drop=drop, channels=(2,))
    found = [(0, 1), (3, 50), (17, 1800), (1798, 3601), (17980, 17985)]
    timeline = timeline_from_moments([moment(source, *pair, frames=20000) for pair in found], start_tc=record_start)
    text = edl.render(timeline)
    day = timeline.start_tc.frames_per_day
    expected = [
        tuple(
            place % day
            for place in (
                clip.source_in.frame,
                clip.source_out.frame,
                timeline.start_tc.frame + offset,
                timeline.start_tc.frame + offset + clip.frames,
            )
        )
        for offset, clip in timeline.placed()
    ]
    assert read_frames(text, timeline) == expected
    assert ("FCM: DROP FRAME\r\n" in text) == drop == (";" in text)

    if all(
        source_in < source_out and record_in < record_out for source_in, source_out, record_in, record_out in expected
    ):
        # OpenTimelineIO has no midnight: an out that has wrapped is before its in
        read = otio.adapters.read_from_string(text, "cmx_3600", rate=float(rate))
        assert [track.name for track in read.tracks] == ["V", "A1", "A2"]
        [picture] = read.video_tracks()
        assert [
            (clip.source_range.start_time.value, clip.source_range.end_time_exclusive().value)
            for clip in picture.find_clips()
        ] == [event[:2] for event in expected]


def test_the_text_is_what_editors_write() -> None:
    drop = media("clip B & 'quote' #1 100%.mov", NTSC_30, "01:00:00;00", True, reel="B002")
    tape = media("clip C.mov", NTSC_30, "09:59:58;02", True, (1,), reel="TAPE_LONGER_THAN_8")
    plain = media("clip D.mov", NTSC_30, "02:00:00:00", False, (1, 1))
    moments = [moment(drop, 30, 90), moment(tape, 40, 85), moment(plain, 0, 60)]
    assert edl.render(timeline_from_moments(moments, name="Dögs\n2", start_tc="00:59:58:00")) == "\r\n".join(
        [
            "TITLE: Dogs 2",
            "FCM: DROP FRAME",
            "",
            "001  B002     V     C        01:00:01;00 01:00:03;00 00:59:58;00 01:00:00;00",
            "* FROM CLIP NAME: clip B & 'quote' #1 100%.mov",
            '* COMMENT: MOMENT 1 "a dog catches a frisbee" SCORE 0.82 STRONG, IN SOFT, OUT SOFT',
            "002  TAPE_LON B     C        09:59:59;12 10:00:00;27 01:00:00;00 01:00:01;15",
            "* FROM CLIP NAME: clip C.mov",
            '* COMMENT: MOMENT 2 "a dog catches a frisbee" SCORE 0.82 STRONG, IN SOFT, OUT SOFT',
            "003  CLIP_D   AA/V  C        02:00:00:00 02:00:02:00 01:00:01;15 01:00:03;15",
            "* FROM CLIP NAME: clip D.mov",
            '* COMMENT: MOMENT 3 "a dog catches a frisbee" SCORE 0.82 STRONG, IN SOFT, OUT SOFT',
            "",
        ]
    )


@pytest.mark.parametrize("name", AWKWARD_NAMES)
@pytest.mark.parametrize("render", [edl.EXPORTER.render, edl.EXPORTER_32.render, edl.EXPORTER_ASCII.render])
def test_no_name_or_query_adds_or_breaks_an_event(name: str, render) -> None:
    timeline = timeline_from_moments([moment(media(name), query=name), moment(media())], name=name)
    text = render(timeline)
    assert len(events(text)) == 2
    [picture] = otio.adapters.read_from_string(text, "cmx_3600", rate=25).video_tracks()
    clips = list(picture.find_clips())
    assert [clip.source_range.start_time.value for clip in clips] == [10, 10]
    assert all(isinstance(clip.media_reference, otio.schema.MissingReference) for clip in clips)
    assert all(
        line.startswith(("TITLE: ", "FCM: ", "001  ", "002  ", "000001  ", "000002  ", "* "))
        for line in text.splitlines()
        if line
    )
    if name.isprintable() and render is edl.EXPORTER.render:
        assert clips[0].name == events(text)[0].clip_name == name
    if render is edl.EXPORTER_ASCII.render:
        assert text.isascii()


@given(
    st.text(), st.text(min_size=1).filter(lambda name: "/" not in name and name not in {".", ".."} and "\0" not in name)
)
def test_any_text_is_two_events(query: str, name: str) -> None:
    text = edl.render(timeline_from_moments([moment(media(name), query=query), moment(media())], name=query))
    assert len(events(text)) == 2
    text.encode()
    read = otio.adapters.read_from_string(text, "cmx_3600", rate=25)
    assert [len(list(track.find_clips())) for track in read.tracks] == [2]


def test_files_whose_names_begin_alike_keep_reels_apart() -> None:
    names = ["holiday_2021_a.mov", "holiday_2021_b.mov", "holiday-2021.c.mov", "bl.mov", "ax.mov", "日本.mov", "中.mov"]
    timeline = timeline_from_moments([moment(media(name)) for name in [*names, names[0]]])
    reels = [edit.source for edit in events(edl.render(timeline))]
    assert reels == ["HOLIDAY_", "HOLIDA_2", "HOLIDA_3", "BL_2", "AX_2", "CLIP", "CLIP_2", "HOLIDAY_"]
    wide = [edit.source for edit in events(edl.EXPORTER_32.render(timeline))]
    assert wide[:3] == ["HOLIDAY_2021_A", "HOLIDAY_2021_B", "HOLIDAY_2021_C"]


def test_one_tape_is_one_reel_over_several_files() -> None:
    timeline = timeline_from_moments([moment(media(name, reel="A001")) for name in ("1.mov", "2.mov")])
    assert [edit.source for edit in events(edl.render(timeline))] == ["A001", "A001"]


@pytest.mark.parametrize(("count", "read_as"), [(999, "3600"), (1000, "File32")])
def test_beyond_999_events_the_list_is_a_file32(count: int, read_as: str) -> None:
    text = edl.render(timeline_from_moments([moment(media(reel="A1"), 0, 1)] * count))
    read = pycmx.parse_cmx3600(io.StringIO(text))
    assert read.format == read_as and len(list(read.events)) == count
    assert len(events(text)) == count
    [picture] = otio.adapters.read_from_string(text, "cmx_3600", rate=25).video_tracks()
    assert len(list(picture.find_clips())) == count
