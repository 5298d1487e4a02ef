"""What is said is found in the subtitle files beside footage, in their own times, and named as such."""

import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.commands import report
from tr_desktop.grounding import Answer, find
from tr_desktop.library.index.coverage import Coverage
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.index.subtitles import Cue, read_cues
from tr_desktop.library.search.by_words import text_moments
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moment_json import moments_of
from tr_desktop.moments import Moment, TextKind

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Where is</i> the red car?

2
00:00:03,000 --> 00:00:04,040
It's a café &amp; bar,
{\\an8}not a garage.
"""
VTT = """WEBVTT - a title

NOTE a comment with --> in it

first
00:01.000 --> 00:02.500 align:start
<v Anna>Where is the red car?

00:00:03.000 --> 00:00:04.040
It's a café &amp; bar,
not a garage.
"""
ASS_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,16

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
CUES = [
    Cue(Fraction(1), Fraction(5, 2), "Where is the red car?"),
    Cue(Fraction(3), Fraction(101, 25), "It's a café & bar, not a garage."),
]


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


@pytest.mark.parametrize(
    "content",
    [
        SRT.encode(),
        SRT.encode("utf-8-sig").replace(b"\n", b"\r\n"),
        SRT.encode("utf-16"),
        SRT.encode("cp1252"),
        VTT.encode(),
    ],
)
def test_both_formats_and_the_usual_encodings(content):
    assert read_cues(content) == CUES


@pytest.mark.parametrize("content", [b"", b"no subtitles", bytes(range(256)) * 9, b"00:00:09,000 --> 00:00:01,000\nx"])
def test_a_file_that_is_no_subtitle_file_has_no_subtitles(content):
    assert read_cues(content) == []


def search(query: str, folder: Path, catalog: Catalog) -> tuple[Coverage, list[Moment]]:
    coverage = index_footage([folder], catalog, ToyEncoder())
    return coverage, list(text_moments(query, coverage, catalog, 0.5))


@pytest.mark.parametrize("name", ["clip.srt", "clip.en.vtt", "clip.SRT"])
def test_a_spoken_sentence_is_found_at_its_time(tmp_path, catalog, name):
    folder = tmp_path / "footage"
    clip = write_clip(folder / "clip.mp4", [("red", 200)])
    (folder / name).write_text(VTT if name.endswith("vtt") else SRT)
    (folder / "other.srt").write_text(SRT)  # of no footage that is there
    coverage, (moment,) = search("the red CAR", folder, catalog)
    assert (moment.media.path, moment.quote.source) == (clip, folder / name)
    assert (moment.segment.start_frame, moment.segment.end_frame) == (25, 62)  # 2.5 s: frame 62 starts at 2.48 s
    assert moment.quote.text == "Where is the red car?" and moment.confident
    assert {s.path.name: s.reason for s in coverage.skipped}[name] == "subtitles, searched as text"
    assert coverage.files == 3

    answer = Answer("the red CAR", "toy", "toy", "cpu", coverage, Fraction(8), (moment,))
    document = report.as_json(answer)
    assert document["moments"][0]["subtitle"] == moment.quote.text
    assert document["moments"][0]["source"] == str(folder / name)
    assert moments_of(document, catalog.footage) == [moment]
    assert "Where is the red car?" in report.as_text(answer)


@pytest.mark.parametrize("query", ["car red the", '" -- (', "a green car", "AND OR NOT *", "garage -red"])
def test_other_words_are_not_found_and_punctuation_is_no_syntax(tmp_path, catalog, query):
    write_clip(tmp_path / "footage" / "clip.mp4", [("red", 200)])
    (tmp_path / "footage" / "clip.srt").write_text(SRT)
    assert bool(search(query, tmp_path / "footage", catalog)[1]) == (query == "garage -red")


def with_track(path: Path, codec: str, shift_s: Fraction = Fraction(0)) -> Path:
    """8 s of red with the two subtitles of SRT in a track inside the file; the file's own clock starts at `shift_s`."""
    texts = ["<i>Where is</i> the red car?", "It's a café &amp; bar,\nnot a garage."]
    if codec == "ass":
        texts = [f"{n},0,Default,,0,0,0,,{{\\i1}}{text}".replace("\n", "\\N") for n, text in enumerate(texts)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25, options={"bf": "2"})
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream(codec)
        track.time_base = Fraction(1, 1000)
        track.codec_context.subtitle_header = ASS_HEADER
        for number in range(200):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), (220, 20, 20), np.uint8), format="rgb24")
            frame.pts, frame.time_base = number + int(shift_s * 25), Fraction(1, 25)
            container.mux(picture.encode(frame))
            for cue, text in zip(CUES, texts, strict=True):
                if number == cue.start_s * 25:
                    content = text.encode()
                    packet = av.Packet(len(content).to_bytes(2, "big") + content if codec == "mov_text" else content)
                    packet.stream, packet.time_base = track, Fraction(1, 1000)
                    packet.pts = packet.dts = int((cue.start_s + shift_s) * 1000)
                    packet.duration = int((cue.end_s - cue.start_s) * 1000)
                    container.mux(packet)
        container.mux(picture.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "shift_s"),
    [
        ("a.mp4", "mov_text", Fraction(0)),
        ("a.mov", "mov_text", Fraction(0)),
        ("a.mkv", "subrip", Fraction(0)),
        ("a.mkv", "subrip", Fraction(3)),
        ("a.mkv", "ass", Fraction(0)),
        ("a.mkv", "webvtt", Fraction(0)),
    ],
)
def test_subtitle_tracks_inside_footage_are_searched(tmp_path, catalog, name, codec, shift_s):
    clip = with_track(tmp_path / "footage" / name, codec, shift_s)
    coverage, (moment,) = search("the red CAR", tmp_path / "footage", catalog)
    assert (moment.media.path, moment.quote.source, moment.quote.kind) == (clip, clip, TextKind.TRACK)
    assert (moment.segment.start_frame, moment.segment.end_frame) == (25, 62)
    assert moment.quote.text == "Where is the red car?" and moment.confident
    (other,) = text_moments("café & bar", coverage, catalog, 0.5)
    assert (other.segment.start_frame, other.segment.end_frame) == (75, 101)
    answer = Answer("the red CAR", "toy", "toy", "cpu", coverage, Fraction(8), (moment,))
    assert moments_of(report.as_json(answer), catalog.footage) == [moment]
    assert "its subtitle track" in report.as_text(answer)


def test_subtitles_of_a_changed_file_are_dropped_and_copies_answer_once(tmp_path, catalog):
    clip = with_track(tmp_path / "footage" / "a.mkv", "subrip")
    shutil.copy(clip, clip.with_name("b.mkv"))
    assert len(search("red car", tmp_path / "footage", catalog)[1]) == 1
    for path in (clip, clip.with_name("b.mkv")):
        write_clip(tmp_path / "other.mp4", [("red", 30)]).rename(path)
    search("red car", tmp_path / "footage", catalog)  # what is nobody's goes when the next run begins to write
    write_clip(tmp_path / "footage" / "new.mp4", [("blue", 30)])
    assert search("red car", tmp_path / "footage", catalog)[1] == []
    assert catalog.quotes.matches("red car") == []


def test_a_damaged_track_is_skipped(tmp_path, catalog):
    clip = with_track(tmp_path / "footage" / "a.mkv", "subrip")
    content = clip.read_bytes()
    clip.write_bytes(content.replace(b"the red car", b"\xff\xfe\x00 red car"))
    coverage, moments = search("café", tmp_path / "footage", catalog)
    assert coverage.searched == [clip] and len(moments) == 1


def test_a_changed_subtitle_file_is_read_again_and_late_subtitles_are_left_out(tmp_path, catalog):
    write_clip(tmp_path / "footage" / "clip.mp4", [("red", 60)])
    sidecar = tmp_path / "footage" / "clip.srt"
    sidecar.write_text(SRT)
    assert search("garage", tmp_path / "footage", catalog)[1] == []  # after the end of the clip
    sidecar.write_text(SRT.replace("red car", "blue bus"))
    assert search("red car", tmp_path / "footage", catalog)[1] == []
    (moment,) = search("blue bus", tmp_path / "footage", catalog)[1]
    assert moment.segment.end_frame == 60


def test_a_match_in_speech_and_in_pictures_is_one_answer(tmp_path, catalog):
    write_clip(tmp_path / "footage" / "clip.mp4", [("red", 200)])
    (tmp_path / "footage" / "clip.srt").write_text(SRT)
    moments = find("the red car", [tmp_path / "footage"], catalog, ToyEncoder()).moments
    assert {moment.quote and moment.quote.text for moment in moments} == {None, "Where is the red car?"}
    assert [m.score for m in moments] == sorted((m.score for m in moments), reverse=True)
    sidecar = tmp_path / "footage" / "clip.srt"
    sidecar.write_text(SRT * 20)
    moments = find("the red car", [tmp_path / "footage"], catalog, ToyEncoder(), top=4).moments
    assert sum(bool(moment.quote) for moment in moments) == 2
