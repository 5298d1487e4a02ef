"""Marker EDL, ALE, tables, subtitles and chapters, read as their programs read them."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters import ale, captions, edl_markers, table
from exporters.timeline import Timeline, timeline_from_moments
from tests.exporters.build import AWKWARD_NAMES, NTSC_24, NTSC_30, PAL_WIDE, matrix_timeline, media, moment
from tests.exporters.build import over_the_matrix as over
from tr_desktop.confidence import Edge
from tr_desktop.moments import AudioTrack, Media, Part, Quote, Refinement, Segment, StepSource, TextKind
from tr_desktop.timecode import Timecode

# The form that a Resolve marker's two lines have, as programs that read them look for it
EVENT = re.compile(r"^\d{1,6}\s+\S+\s+V\s+C\s+((?:\d\d:\d\d:\d\d[:;]\d\d\s+){4})$")
MARKER = re.compile(
    r"^(?P<note>[^|]*) \|C:ResolveColor(?P<colour>[A-Z][a-z]+) \|M:(?P<name>[^|]*) \|D:(?P<frames>\d+)$"
)


def read_markers(text: str) -> list[tuple[list[str], re.Match[str]]]:
    lines = text.split("\r\n")
    assert lines[0].startswith("TITLE: ") and lines[1].startswith("FCM: ") and lines[-1] == lines[2] == ""
    found = []
    for event, marker, blank in zip(lines[3:-1:3], lines[4:-1:3], lines[5:-1:3], strict=True):
        labels, parts = EVENT.match(event), MARKER.match(marker)
        assert labels and parts and blank == ""
        found.append((labels[1].split(), parts))
    return found


@over
def test_markers_lie_where_the_moments_are_on_the_timeline(rate: Fraction, drop: bool, start: str) -> None:
    timeline = matrix_timeline(rate, drop, start)
    text = edl_markers.render(timeline)
    assert ("FCM: DROP FRAME" in text) == drop
    for (labels, marker), (frame, clip) in zip(read_markers(text), timeline.marked(), strict=True):
        place = Timecode.parse(labels[0], rate)
        assert place.frame == (timeline.start_tc + frame).frame % place.frames_per_day
        assert labels == [str(place), str(place + 1)] * 2
        assert int(marker["frames"]) == clip.found.end_frame - clip.found.start_frame


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_no_name_breaks_a_marker(name: str) -> None:
    markers = read_markers(edl_markers.render(timeline_from_moments([moment(media(name), query=name)] * 2, name=name)))
    assert len(markers) == 2 and all(marker["note"].startswith("- ") for _, marker in markers)


@over
def test_a_log_has_the_labels_of_each_cut(rate: Fraction, drop: bool, start: str) -> None:
    timeline = matrix_timeline(rate, drop, start, channels=(2, 1))
    heading, column, data = re.split(r"\r\n(?:Column|Data)\r\n", ale.render(timeline))
    fps = dict(line.split("\t") for line in heading.split("\r\n")[1:] if line)["FPS"]
    assert abs(Fraction(fps) - rate) < Fraction(1, 100)
    names = column.strip().split("\t")
    rows = [dict(zip(names, line.split("\t"), strict=True)) for line in data.split("\r\n") if line]
    for row, clip in zip(rows, timeline.clips, strict=True):
        assert (row["Start"], row["End"]) == (str(clip.source_in), str(clip.source_out))
        assert row["Tracks"] == "VA1A2A3" and row["Tape"] == "A001C003_210101_R2EC"


def heading(*sources: Media) -> dict[str, str]:
    lines = ale.render(timeline_from_moments([moment(source) for source in sources])).split("\r\n\r\n")[0].split("\r\n")
    return dict(line.split("\t") for line in lines[1:])


def test_a_log_names_the_kind_of_picture() -> None:
    pal, hd = media(**PAL_WIDE), media()
    ntsc = media(size=(640, 480), stored_width=720, stored_height=480, pixel_aspect=Fraction(8, 9))
    for sources, kind in (
        ([pal], "PAL"),
        ([ntsc, ntsc], "NTSC"),
        ([hd], "1080"),
        ([pal, ntsc], "1080"),
        ([pal, hd], "1080"),
        ([media(size=(640, 480), stored_width=640, stored_height=480)], "1080"),
        ([media(size=(3840, 2160)), hd], "CUSTOM"),
    ):
        assert heading(*sources)["VIDEO_FORMAT"] == kind


def test_a_log_names_the_sample_rate_if_it_can() -> None:
    def at(*rates_hz: int) -> Media:
        return media(audio=tuple(AudioTrack("pcm_s16le", 2, rate_hz) for rate_hz in rates_hz))

    for sources, kind in (
        ([at(48000), at()], "48khz"),
        ([at()], "48khz"),
        ([at(44100)], "44khz"),
        ([at(96000)], None),
        ([at(48000, 44100)], None),
    ):
        assert heading(*sources).get("AUDIO_FORMAT") == kind


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_opentimelineio_reads_a_log_of_any_name(name: str) -> None:
    otio = pytest.importorskip("opentimelineio")
    pytest.importorskip("otio_ale_adapter")
    for rate in (NTSC_24, Fraction(25), Fraction(50)):
        source = media(name, rate, "10:00:00:00", channels=(2,), reel="A1")
        read = otio.adapters.read_from_string(
            ale.render(timeline_from_moments([moment(source, query=name)] * 2)), "ale"
        )
        for clip in read.find_clips():
            start, length = clip.source_range.start_time, clip.source_range.duration
            assert (start.value, length.value) == (source.start_tc.frame + 10, 50)


@pytest.mark.parametrize("exporter", [table.EXPORTER_CSV, table.EXPORTER_TSV], ids=lambda exporter: exporter.name)
@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_a_table_reads_back_and_no_cell_is_a_formula(exporter, name: str) -> None:
    source = media(name, NTSC_30, "01:00:00;00", True, reel="=1+1")
    timeline = timeline_from_moments([moment(source, query=name)] * 2, handles_s=Fraction(1, 10))
    text = exporter.render(timeline).encode().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if exporter.name == "tsv" else ","))
    assert len(rows) == 2
    for row in rows:
        assert not any(cell.lstrip()[:1] in {"=", "+", "-", "@"} for cell in row.values())
        assert (row["start_frame"], row["end_frame"], row["rate"]) == ("10", "60", "30000/1001")
        assert (row["in_frame"], row["out_frame"]) == ("7", "63")
        assert (row["in_tc"], row["out_tc"]) == ("01:00:00;07", "01:00:02;03")


@pytest.mark.parametrize("name", [*AWKWARD_NAMES, "undecodable \udcff.mov"])
def test_json_keeps_everything(name: str) -> None:
    moments = [moment(media(name, NTSC_30), query=name), moment(media("b.mov", Fraction(28)), 0, 1)]
    text = table.EXPORTER_JSON.render(timeline_from_moments(moments, name=name))
    read = json.loads(text)
    assert text.isascii() and read["name"] == read["moments"][0]["query"] == read["moments"][0]["file"] == name
    words = {"start_is": "soft", "end_is": "soft"}
    assert read["moments"][0]["edges"] == {"start": 0.9, "end": 0.7} | words
    assert [one["rate"] for one in read["moments"]] == ["30000/1001", "28"]


def srt_times(text: str) -> list[tuple[int, int]]:
    """Start and end of each caption in milliseconds, as players read a SubRip file."""
    times = []
    for number, block in enumerate(re.split(r"\r\n\r\n", text.strip()), 1):
        head, line, *words = block.split("\r\n")
        match = re.fullmatch(r"(\d\d):(\d\d):(\d\d),(\d{3}) --> (\d\d):(\d\d):(\d\d),(\d{3})", line)
        assert head == str(number) and match and len(words) == 2 and "-->" not in "".join(words)
        h, m, s, ms, *end = map(int, match.groups())
        times.append((((h * 60 + m) * 60 + s) * 1000 + ms, ((end[0] * 60 + end[1]) * 60 + end[2]) * 1000 + end[3]))
    return times


@over
def test_captions_are_precise_to_the_frame(rate: Fraction, drop: bool, start: str) -> None:
    timeline = matrix_timeline(rate, drop, start)
    for (start_ms, end_ms), (frame, clip) in zip(
        srt_times(captions.EXPORTER_SRT.render(timeline)), timeline.marked(), strict=True
    ):
        length = clip.found.end_frame - clip.found.start_frame
        assert (round(start_ms * rate / 1000), round(end_ms * rate / 1000)) == (frame, frame + length)


@given(st.text())
def test_no_query_makes_a_caption_a_chapter_or_a_marker_of_its_own(query: str) -> None:
    timeline = timeline_from_moments([moment(media(), query=query)] * 3)
    assert len(srt_times(captions.EXPORTER_SRT.render(timeline))) == 3
    assert len(captions.EXPORTER_CHAPTERS.render(timeline).splitlines()) == 3
    assert len(read_markers(edl_markers.render(timeline))) == 3


def test_chapters_start_at_zero_and_count_clock_time() -> None:
    hour = moment(media(rate=NTSC_30), 0, 107892, frames=200000, query="first")
    short = moment(media(rate=NTSC_30), 0, 300, frames=200000, query="then")
    timeline: Timeline = timeline_from_moments([short, hour, short, short])
    assert captions.EXPORTER_CHAPTERS.render(timeline) == "0:00 then\n0:10 first\n1:00:10 then\n1:00:20 then\n"


def test_notes_say_what_the_score_means_and_how_far_each_edge_can_be_believed() -> None:
    found = moment(media("a.mov"))
    kept = replace(found.refinement.kept, start_is_exact=True, end_confidence=0.2)
    by_hand = replace(kept, by=StepSource.HAND, end_confidence=1.0)
    score = "score 0.82 (strong; the chance that this moment is right among all that was searched)"
    for moments, evidence in (
        (replace(found, refinement=Refinement((kept,), 0)), f"{score}, in exact cut, out check"),
        (replace(found, refinement=Refinement((by_hand,), 0)), f"{score}, in exact cut"),
        (replace(found, quote=Quote("a dog", found.media.path, TextKind.FILE)), score),
    ):
        timeline = timeline_from_moments([moments])
        assert timeline.clips[0].evidence == evidence
        [row] = csv.DictReader(io.StringIO(table.EXPORTER_CSV.render(timeline).lstrip("\ufeff")))
        assert f"in {row['start_is']}" in evidence or not row["start_is"]
        assert f"out {row['end_is']}" in evidence or not row["end_is"]


def test_the_next_file_of_a_moment_has_no_words_for_edges() -> None:
    found = moment(media("a.mov"), 10, 1000)
    further = replace(found, continued=(Part(moment(media("b.mov")).footage, Segment(0, 30)),))
    first, second = timeline_from_moments([further]).clips
    assert first.start_is is Edge.SOFT and first.end_is is None and first.evidence.endswith(", in soft")
    assert second.start_is is second.end_is is None and second.evidence == first.evidence.split(", in ")[0]
