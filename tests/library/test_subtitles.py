"""What is said is found in the subtitle files beside footage, in their own times, and named as such."""

import shutil
import sqlite3
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.drives import pretend_drive
from tests.toy import ToyEncoder, write_clip
from tr_desktop.answer_json import as_json
from tr_desktop.commands import report
from tr_desktop.footage.captions import plain_text
from tr_desktop.grounding import Answer, find
from tr_desktop.library.index.coverage import Coverage
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.index.subtitles import Cue, UnknownEncodingError, read_cues
from tr_desktop.library.search.by_words import text_moments
from tr_desktop.library.store import schema
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moment_json import moments_of
from tr_desktop.moments import Judgement, Moment, TextKind

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


@pytest.mark.parametrize("content", [b"", b"no subtitles", b"00:00:09,000 --> 00:00:01,000\nx"])
def test_a_file_that_is_no_subtitle_file_has_no_subtitles(content):
    assert read_cues(content) == []


def numbered(text: str) -> str:
    """A file of ten subtitles, each with this text."""
    return "".join(f"{n + 1}\n00:00:{n:02},000 --> 00:00:{n:02},900\n{text}\n\n" for n in range(10))


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-16-le", "Where is the red car?"),
        ("utf-16-be", "我们看见一辆红色的自行车"),
        ("utf-8", "Где красная машина?"),
        ("cp1251", "Где красная машина? Я не знаю, куда она уехала."),
        ("cp1252", "Où est la voiture rouge? Elle a déjà quitté le garage à midi."),
        ("cp1252", "¿Dónde está el coche rojo? Mañana será otro día, señor."),
        ("latin-1", "Schöne Grüße aus München."),
        ("cp1250", "Příliš žluťoučký kůň. Kde je to auto?"),
        ("cp1253", "Πού είναι το κόκκινο αυτοκίνητο;"),
        ("cp1254", "Kırmızı araba nerede? Bilmiyorum, şimdi gidiyoruz."),
        ("shift_jis", "赤い自転車が見えます。どこへ行くのですか？"),
        ("euc_jp", "赤い自転車が見えます。どこへ行くのですか？"),
        ("gbk", "我们看见一辆红色的自行车。你要去哪里？"),
        ("gb18030", "我们看见一辆红色的自行车。你要去哪里？"),
        ("big5", "我們看見一輛紅色的自行車。你要去哪裡？"),
        ("euc_kr", "빨간 자전거가 보입니다. 어디로 가십니까?"),
    ],
)
def test_text_is_read_whatever_its_encoding(encoding, text):
    assert {cue.text for cue in read_cues(numbered(text).encode(encoding))} == {text}


@pytest.mark.parametrize("content", [bytes(range(256)) * 9, b"\xff\xfe\x00"])
def test_an_unknown_encoding_is_an_error(content):
    with pytest.raises(UnknownEncodingError):
        read_cues(content)


def test_times_are_right_without_blank_lines_and_with_them_inside_a_subtitle():
    text = (
        "1\n00:00:01,000 --> 00:00:02,000\nalpha camel\n2\n00:00:07,000 --> 00:00:08,000\nbeta\n\ncamel\n\n42\n\n"
        "3\n-00:00:01,000 --> 00:00:01,500\ngamma\n4\n-00:00:02,000 --> -00:00:01,000\nbefore the start\n"
    )
    assert read_cues(text.encode()) == [
        Cue(Fraction(1), Fraction(2), "alpha camel"),
        Cue(Fraction(7), Fraction(8), "beta camel 42"),
        Cue(Fraction(-1), Fraction(3, 2), "gamma"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x < 3 and y > 2", "x < 3 and y > 2"),
        ("<FONT color='red'>a</font> <b>b</b><br/><c.loud>c</c> <00:01.000>d <v.x Anna>e", "a b c d e"),
        ("{\\p1}m 0 0 l 100 0{\\p0}shown{\\i1}", "shown"),
    ],
)
def test_only_tags_are_left_out_of_the_text(text, words):
    assert plain_text(text) == words


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
    document = as_json(answer)
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
    assert moments_of(as_json(answer), catalog.footage) == [moment]
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


def test_copies_with_subtitles_of_their_own_answer_once(tmp_path, catalog):
    first = write_clip(tmp_path / "footage" / "a" / "clip.mp4", [("red", 200)])
    other = write_clip(tmp_path / "footage" / "b" / "other.mp4", [("red", 190)])
    (tmp_path / "footage" / "b" / "clip.mp4").write_bytes(first.read_bytes())
    for path in (first, first.parents[1] / "b" / "clip.mp4", other):
        path.with_suffix(".srt").write_text(SRT)
    moments = search("the red car", tmp_path / "footage", catalog)[1]
    assert [(each.media.path, each.quote.source) for each in moments] == [
        (path, path.with_suffix(".srt")) for path in (first, other)
    ]


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


def test_a_wrong_answer_makes_room_for_the_next(tmp_path, catalog):
    clip = write_clip(tmp_path / "footage" / "clip.mp4", [("red", 200)])
    (tmp_path / "footage" / "clip.srt").write_text(SRT.replace("It's a café", "Where is the red car"))
    wrong = Judgement(clip, 50, False)
    (moment,) = find("where is the red car", [clip.parent], catalog, ToyEncoder(), top=1, judgements=[wrong]).moments
    assert moment.quote.text == "Where is the red car & bar, not a garage."


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


def test_more_words_in_a_row_are_there_by_accident_less_often(tmp_path, catalog):
    write_clip(tmp_path / "footage" / "clip.mp4", [("red", 200)])
    (tmp_path / "footage" / "clip.srt").write_text(SRT)
    queries = ("car", "red car", "the red car", "is the red car")
    one, two, three, four = (search(query, tmp_path / "footage", catalog)[1][0].score for query in queries)
    assert 0.5 < one < two < three == four < 1
    for query in ("car !", "car ?"):  # signs are no words
        assert search(query, tmp_path / "footage", catalog)[1][0].score == one


def labels(coverage: Coverage) -> dict[str, str]:
    return {skipped.path.name: skipped.reason for skipped in coverage.skipped}


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ('-garage "the red car"', True),
        ('-"red car" "a rocket"', False),
        ("-car rocket", False),
        ("rocket^2 -car", False),
        ('-"the red car"^2 "where is"', False),
        ('"red car"^2 where', True),
        ('"red car" rocket^2', False),
        ('-rocket "the red car"^0.5', True),
    ],
)
def test_only_the_terms_asked_for_answer(tmp_path, catalog, query, is_found):
    write_clip(tmp_path / "footage" / "clip.mp4", [("red", 200)])
    (tmp_path / "footage" / "clip.srt").write_text(SRT)
    assert [m.quote.text for m in search(query, tmp_path / "footage", catalog)[1]] == [CUES[0].text] * is_found


@pytest.mark.parametrize(
    ("text", "queries", "others"),
    [
        ("我们看见一辆红色的自行车", ["自行车", "车", "红色", "我们看见一辆红色的自行车"], ["行自", "汽车"]),
        ("赤いｶﾒﾗで自転車を撮る", ["カメラ", "自転車", "車を"], ["電車"]),
        ("ฉันเห็นรถสีแดง", ["รถ", "สีแดง"], ["บ้าน"]),
        ("빨간 자전거가 보입니다", ["자전거", "빨간 자전거"], ["거자"]),
        ("Cafe\u0301 Straße", ["café", "CAFE STRASSE"], ["caf"]),
        ("the carpet", ["carpet"], ["car", "arp"]),
    ],
)
def test_words_are_found_inside_sentences_without_spaces(tmp_path, catalog, text, queries, others):
    write_clip(tmp_path / "footage" / "clip.mp4", [("red", 200)])
    (tmp_path / "footage" / "clip.srt").write_text(numbered(text), encoding="utf-8")
    coverage = index_footage([tmp_path / "footage"], catalog, ToyEncoder())
    for query in queries + others:
        assert bool(list(text_moments(query, coverage, catalog, 0.5))) == (query in queries), query


@pytest.mark.parametrize(
    ("name", "content", "label"),
    [
        ("clip.srt", SRT.encode(), "subtitles, searched as text"),
        ("clip.srt", b"TITLE: AN EDL\n", "subtitles, not searched: there are no subtitles in it"),
        ("clip.srt", bytes(range(256)) * 9, "subtitles, not searched: its text encoding isn't known; save it as UTF-8"),
        ("clip.ass", b"[Script Info]\n", "subtitles, not searched: there are no subtitles in it"),
        ("clip.vtt", bytes(17 << 20), "subtitles, not searched: the file is larger than 16 MB"),
        ("other.ass", b"[Script Info]\n", "a document or data file"),
    ],
)
def test_the_label_shows_whether_the_text_is_searched(tmp_path, catalog, name, content, label):
    write_clip(tmp_path / "footage" / "clip.mp4", [("red", 25)])
    (tmp_path / "footage" / name).write_bytes(content)
    for _ in range(2):  # the second run reads nothing
        assert labels(index_footage([tmp_path / "footage"], catalog, ToyEncoder())) == {name: label}


def test_new_subtitles_beside_a_library_that_cannot_be_written_are_not_called_searched(tmp_path, catalog, monkeypatch):
    write_clip(tmp_path / "footage" / "clip.mp4", [("red", 25)])
    index_footage([tmp_path / "footage"], catalog, ToyEncoder())
    (tmp_path / "footage" / "clip.srt").write_text(SRT)
    monkeypatch.setattr(Catalog, "is_read_only", True)
    coverage = index_footage([tmp_path / "footage"], catalog, ToyEncoder())
    assert labels(coverage) == {"clip.srt": "subtitles, not indexed: the library can't be written"}


@pytest.mark.parametrize(
    "name",
    [
        *("clip.en.forced.srt", "clip.sdh.srt", "CLIP.EN.SDH.SRT", "clip.hi.en.vtt", "clip.pt-BR.cc.srt", "clip.ass"),
        *("Subs/clip.srt", "subtitles/clip.en.srt", "clip.ssa"),
    ],
)
def test_the_names_that_players_know_belong_to_footage(tmp_path, catalog, name):
    clip = write_clip(tmp_path / "footage" / "clip.mp4", [("red", 200)])
    path = tmp_path / "footage" / name
    path.parent.mkdir(exist_ok=True)
    styled = ASS_HEADER.decode() + "Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\i1}Where is\\Nthe red car?\n"
    path.write_text(styled if path.suffix in (".ass", ".ssa") else VTT if path.suffix == ".vtt" else SRT)
    _, (moment,) = search("the red car", tmp_path / "footage", catalog)
    assert (moment.media.path, moment.quote.source, moment.quote.text) == (clip, path, CUES[0].text)
    assert (moment.segment.start_frame, moment.segment.end_frame) == (25, 62)


def test_subtitles_that_repeat_each_other_answer_once(tmp_path, catalog):
    with_track(tmp_path / "footage" / "clip.mkv", "subrip")
    for name in ("clip.srt", "clip.en.forced.srt"):
        (tmp_path / "footage" / name).write_text(SRT)
    assert len(search("red car", tmp_path / "footage", catalog)[1]) == 1


def test_one_subtitle_file_belongs_to_all_footage_of_its_name(tmp_path, catalog):
    folder = tmp_path / "footage"
    clips = [
        write_clip(folder / "Cafe\u0301.MP4", [("red", 200)]),
        write_clip(folder / "Caf\u00e9.mov", [("blue", 200)]),
    ]
    (folder / "CAF\u00c9.srt").write_text(SRT)
    assert {moment.media.path for moment in search("red car", folder, catalog)[1]} == set(clips)


def test_subtitles_of_a_missing_drive_are_found(tmp_path, catalog, monkeypatch):
    drive = pretend_drive(monkeypatch, tmp_path / "drive")
    clip = write_clip(drive / "clip.mp4", [("red", 200)])
    (drive / "clip.srt").write_text(SRT)
    search("red car", drive, catalog)
    drive.rename(tmp_path / "unplugged")
    coverage, (moment,) = search("red car", drive, catalog)
    assert coverage.offline == [clip] and moment.media.path == clip
    assert moment.quote.source == drive / "clip.srt"


def test_answers_and_skipped_files_of_equal_names_show_their_folders(tmp_path, catalog):
    folder = tmp_path / "footage"
    for day, colour in (("Day1", "red"), ("Day2", "blue")):
        write_clip(folder / day / "C0001.mp4", [(colour, 200)])
        (folder / day / "C0001.srt").write_text(SRT.replace("the red car?", "the red\x1b[2J car?"))
        (folder / day / "notes.txt").write_text("notes")
    (folder / "Day1" / "lost\x1b[2J.mp4").write_text("no footage")
    answer = find("where is", [folder], catalog, ToyEncoder(), top=6)
    text = report.as_text(answer) + report.coverage_text(answer.coverage)
    day1, day2 = (str(Path(day, "C0001.mp4")) for day in ("Day1", "Day2"))
    assert f". {day1}  " in text and f". {day2}  " in text and ". C0001.mp4" not in text
    assert f"not footage: {Path('Day1/notes.txt')}, {Path('Day2/notes.txt')}: " in text
    assert "\x1b" not in text and "lost\\x1b[2J.mp4" in text


def test_texts_elsewhere_in_a_large_library_hide_none_of_these(tmp_path, catalog):
    folder = tmp_path / "footage"
    write_clip(folder / "wedding" / "clip.mp4", [("red", 200)])
    (folder / "wedding" / "clip.srt").write_text(SRT.replace("the red car?", "Thank you for the red car?"))
    write_clip(folder / "other" / "clip.mp4", [("blue", 30)])
    (folder / "other" / "clip.srt").write_text("00:00:00,100 --> 00:00:00,900\nThank you\n" * 10_100)
    index_footage([folder], catalog, ToyEncoder())
    assert len(search("thank you", folder / "wedding", catalog)[1]) == 1


def test_a_library_of_an_older_version_is_searched_and_its_subtitle_files_are_read_again(tmp_path, monkeypatch):
    clip = with_track(tmp_path / "footage" / "a.mkv", "subrip")
    (tmp_path / "footage" / "a.srt").write_bytes(numbered("Где красная машина?").encode("cp1251"))
    step = next(at for at, sql in enumerate(schema.MIGRATIONS) if "search_words" in sql)
    db = sqlite3.connect(tmp_path / "library.sqlite3", isolation_level=None)
    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:step])
        schema.migrate(db)
    stat = (tmp_path / "footage" / "a.srt").stat()
    source = "INSERT INTO text_source (id, kind, path, size_bytes, mtime_ns) VALUES (?, ?, ?, ?, ?)"
    db.execute(source, (1, "file", bytes(tmp_path / "footage" / "a.srt"), stat.st_size, stat.st_mtime_ns))
    db.execute(source, (2, "screen", None, None, None))
    row = "INSERT INTO cue (text, source_id, start_s, end_s) VALUES (?, ?, '1', '2')"
    db.executemany(row, [("Ãäå êðàñíàÿ", 1), ("红色的自行车", 2)])
    db.close()
    with Catalog(tmp_path) as catalog:
        assert [match.cue.text for match in catalog.quotes.matches("自行车")] == ["红色的自行车"]
        coverage, moments = search("красная", clip.parent, catalog)
        assert len(moments) == 8 and labels(coverage) == {"a.srt": "subtitles, searched as text"}
        assert not catalog.quotes.matches("Ãäå")
