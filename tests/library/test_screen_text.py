"""Text in the pictures is found where it is on screen. It is read once, within a budget, if the extra is installed."""

import os
import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from tests.cards import card, uninstall_reader, write_cards
from tests.processes import ending
from tests.toy import ToyEncoder
from tr_desktop.answer_json import as_json
from tr_desktop.commands import report
from tr_desktop.commands.main import main
from tr_desktop.confidence import Edge, edges
from tr_desktop.errors import UserError
from tr_desktop.grounding import find
from tr_desktop.library.index import screen_text
from tr_desktop.library.index.coverage import TextProgress
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.index.screen_text import open_reader, read_screen_text
from tr_desktop.library.index.text_frames import strokes
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.pack import load_pack
from tr_desktop.moment_json import moments_of
from tr_desktop.moments import Judgement, Quote, TextKind

TEXTS = [["RED ALERT"], ["GREEN LAWN", "KEEP OFF"], ["BLUE", "HOTEL"]]


class ColourReader:
    """Takes a picture's colour for what is written in it; counts the pictures."""

    def __init__(self):
        self.pictures = 0

    def __call__(self, picture: np.ndarray) -> list[str]:
        self.pictures += 1
        return TEXTS[int(picture.reshape(-1, 3).mean(axis=0).argmax())]


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


def test_text_is_found_where_it_is_on_screen_and_read_once(tmp_path, catalog):
    clip = write_cards(
        tmp_path / "footage" / "clip.mp4", (card("red"), 110), (card("green", False), 100), (card("blue"), 90)
    )
    encoder, reader = ToyEncoder(), ColourReader()
    coverage = index_footage([clip], catalog, encoder)
    assert read_screen_text(coverage, catalog, encoder, lambda: reader) == 1
    assert reader.pictures == 2  # nothing looks like text in the green one
    assert read_screen_text(coverage, catalog, encoder, lambda: reader) == 0 and reader.pictures == 2
    answer = find("sign that says hotel", [clip], catalog, encoder)
    moment = next(moment for moment in answer.moments if moment.quote)
    assert moment.quote == Quote("BLUE | HOTEL", clip, TextKind.SCREEN)
    assert (moment.segment.start_frame, moment.segment.end_frame) == (210, 300)  # at the cut, between rows of the index
    assert edges(moment) == (Edge.EXACT, Edge.EXACT)
    assert "on screen: BLUE | HOTEL" in report.as_text(answer)
    document = as_json(answer)
    assert "on screen: BLUE | HOTEL" in [entry.get("why") for entry in document["moments"]]
    saved = moments_of(document, catalog.footage)
    assert moment.quote in [again.quote for again in saved]


@pytest.mark.parametrize(("query", "is_found"), [("HOTLE", True), ("hotels", True), ("motel", True), ("castle", False)])
def test_a_word_is_found_although_a_letter_is_wrong(tmp_path, catalog, query, is_found):
    clip = write_cards(tmp_path / "footage" / "clip.mp4", (card("blue"), 60))
    encoder = ToyEncoder()
    read_screen_text(index_footage([clip], catalog, encoder), catalog, encoder, ColourReader)
    found = [moment for moment in find(query, [clip], catalog, encoder).moments if moment.quote]
    assert bool(found) == is_found


def test_a_query_for_any_text_finds_it_and_a_term_can_be_left_out(tmp_path, catalog):
    clip = write_cards(tmp_path / "footage" / "clip.mp4", (card("red"), 75), (card("blue"), 75))
    encoder = ToyEncoder()
    read_screen_text(index_footage([clip], catalog, encoder), catalog, encoder, ColourReader)

    def found(query: str) -> set[str]:
        return {moment.quote.text for moment in find(query, [clip], catalog, encoder).moments if moment.quote}

    assert found("a title") == {"RED ALERT", "BLUE | HOTEL"}
    assert found("a title -hotel") == {"RED ALERT"}
    assert found("a dog") == set()


def test_a_wrong_text_makes_room_for_the_next(tmp_path, catalog):
    shots = [(card(colour), 75) for colour in ("red", "green", "blue")]
    clip, encoder = write_cards(tmp_path / "footage" / "clip.mp4", *shots), ToyEncoder()
    read_screen_text(index_footage([clip], catalog, encoder), catalog, encoder, ColourReader)
    wrong = Judgement(clip, 75 + 37, False)
    found = find("a title", [clip], catalog, encoder, top=2, judgements=[wrong]).moments
    assert sorted(moment.quote.text for moment in found if moment.quote) == ["BLUE | HOTEL", "RED ALERT"]


def test_a_text_that_begins_at_a_cut_shares_no_frames_with_what_is_seen_before_it(tmp_path, catalog):
    shots = (card("red", False), 202), (card("blue"), 98)  # the cut is nearer to the row of the index before it
    clip, encoder = write_cards(tmp_path / "footage" / "clip.mp4", *shots), ToyEncoder()
    read_screen_text(index_footage([clip], catalog, encoder), catalog, encoder, ColourReader)
    moments = find("red hotel", [clip], catalog, encoder).moments
    assert [moment.segment.start_frame for moment in moments if moment.quote] == [202]
    spans = sorted((moment.segment.start_frame, moment.segment.end_frame) for moment in moments)
    assert len(spans) > 1 and all(one[1] <= two[0] for one, two in pairwise(spans))


def test_a_moment_that_is_also_seen_gains(tmp_path, catalog):
    clip = write_cards(tmp_path / "footage" / "clip.mp4", (card("red"), 100), (card("blue"), 100))
    encoder = ToyEncoder()
    coverage = index_footage([clip], catalog, encoder)
    (seen, *_) = find("blue hotel", [clip], catalog, encoder).moments
    read_screen_text(coverage, catalog, encoder, ColourReader)
    (read, *others) = find("blue hotel", [clip], catalog, encoder).moments
    assert read.score > seen.score and read.quote and (read.segment.start_frame, read.segment.end_frame) == (100, 200)
    assert all(other.segment.end_frame <= 100 for other in others)  # what was seen there is the same answer


def test_the_budget_goes_to_what_looks_most_like_text_and_the_rest_is_read_when_asked(tmp_path, catalog, monkeypatch):
    monkeypatch.setattr(screen_text, "_AT_ONCE", 1)
    less = card("red", False)
    less[60:100, 60:160] = card("red")[60:100, 60:160]
    clip = write_cards(tmp_path / "footage" / "clip.mp4", (less, 75), (card("blue"), 75))
    encoder, reader = ToyEncoder(), ColourReader()
    assert 0 < strokes(less) < strokes(card("blue"))
    coverage = index_footage([clip], catalog, encoder)

    def texts() -> list[str]:
        return [match.cue.text for match in catalog.quotes.texts(TextKind.SCREEN, coverage.media)]

    assert read_screen_text(coverage, catalog, encoder, lambda: reader) == 1 and texts() == ["BLUE | HOTEL"]
    assert read_screen_text(coverage, catalog, encoder, lambda: reader) == 0
    assert read_screen_text(coverage, catalog, encoder, lambda: reader, everything=True) == 1
    assert texts() == ["RED ALERT", "BLUE | HOTEL"]
    assert read_screen_text(coverage, catalog, encoder, lambda: reader, everything=True) == 0


def test_a_file_that_changes_is_read_again_and_stopping_keeps_whole_files(tmp_path, catalog):
    clips = [write_cards(tmp_path / "footage" / f"{name}.mp4", (card("red"), 150)) for name in "ab"]
    clips[1].write_bytes(clips[1].read_bytes() + bytes(8))  # not the same file twice
    encoder, reader, stop = ToyEncoder(), ColourReader(), threading.Event()
    coverage = index_footage(clips, catalog, encoder)

    def stop_after_one(progress: TextProgress) -> None:
        if progress.done_s == progress.duration_s:
            stop.set()

    assert read_screen_text(coverage, catalog, encoder, lambda: reader, stop_after_one, stop) == 1
    assert read_screen_text(coverage, catalog, encoder, lambda: reader) == 1
    write_cards(clips[0], (card("blue"), 150))
    coverage = index_footage(clips, catalog, encoder)
    assert read_screen_text(coverage, catalog, encoder, lambda: reader) == 1 and reader.pictures == 3
    (moment,) = [m for m in find("red alert", clips, catalog, encoder).moments if m.quote]
    assert moment.media.path == clips[1]


def test_without_the_extra_the_error_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(UserError, match="\\[ocr\\]"):
        open_reader()
    assert main(["index", str(tmp_path), "--read-text"]) == 2
    assert "Install it with" in capsys.readouterr().err


READER = """
from types import SimpleNamespace

class RapidOCR:
    def __init__(self, params):
        pass

    def __call__(self, picture):
        return SimpleNamespace(txts=["GRAND HOTEL"])
"""


@pytest.mark.parametrize(
    ("option", "last", "texts"),
    [([], "Read the text in the pictures of 1 file.", ["GRAND HOTEL"]), (["--no-text"], "Searched 1 of 1 files.", [])],
)
def test_watching_reads_text_unless_it_is_left_out(tmp_path, option, last, texts):
    (tmp_path / "rapidocr.py").write_text(READER)
    folder, library = tmp_path / "footage", tmp_path / "library"
    write_cards(folder / "clip.mp4", (card("blue"), 75))
    command = [sys.executable, "-m", "tr_desktop", "watch", str(folder), "--library", str(library), *option]
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    with ending(process):
        assert any(last in line for line in process.stderr)
        time.sleep(1)  # if text is read against the option, it begins now
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    with Catalog(library) as catalog:
        media_ids = [file.media_id for file in catalog.known(load_pack("mini").sha256).values()]
        assert len(media_ids) == 1
        assert [match.cue.text for match in catalog.quotes.texts(TextKind.SCREEN, media_ids)] == texts


def test_a_search_for_text_says_what_to_install(tmp_path, capsys, monkeypatch):
    uninstall_reader(monkeypatch)
    clip = write_cards(tmp_path / "clip.mp4", (card("blue"), 50))
    for query, is_said in [("a blue wall", False), ("a sign that says hotel", True)]:
        main(["find", query, str(clip), "--library", str(tmp_path / "library")])
        assert ("[ocr]" in capsys.readouterr().err) == is_said


def test_a_title_is_read_off_the_picture_without_asking(tmp_path, capsys):
    pytest.importorskip("rapidocr", reason="the extra `ocr`")
    from PIL import Image, ImageDraw, ImageFont

    path: Path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(60):
            picture = Image.new("RGB", (640, 360), (40, 60, 90))
            if 20 <= number < 40:
                font = ImageFont.load_default(48)
                ImageDraw.Draw(picture).text((80, 150), "STORM HITS COAST", (255, 255, 255), font)
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))
    library = ["--library", str(tmp_path / "library")]
    assert main(["index", str(path), "--no-text", *library]) == 0
    assert "pictures of 1 file." not in capsys.readouterr().err
    assert main(["index", str(path), *library]) == 0
    assert "pictures of 1 file." in capsys.readouterr().err
    main(["find", "title that says strom hits coast", str(path), *library])
    assert "on screen: STORM HITS COAST" in capsys.readouterr().out
    with Catalog(tmp_path / "library") as catalog:
        (found,) = catalog.quotes.matches("storm hits coast")
    assert abs(found.cue.start_s - 4) <= Fraction(1, 2) and abs(found.cue.end_s - 8) <= Fraction(1, 2)
