"""Text in the pictures is found where it is on screen; read once, by an extra that is off unless asked for."""

import sys
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.commands import report
from tr_desktop.commands.main import main
from tr_desktop.errors import UserError
from tr_desktop.grounding import find
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.index.screen_text import open_reader, read_screen_text
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moment_json import moments_of
from tr_desktop.moments import Quote, TextKind

COLOUR_NAMES = ["RED ALERT", "", "BLUE | HOTEL"]


class ColourReader:
    """Takes a picture's colour for what is written in it; counts the pictures."""

    def __init__(self):
        self.pictures = 0

    def __call__(self, picture: np.ndarray) -> str:
        self.pictures += 1
        return COLOUR_NAMES[int(picture.reshape(-1, 3).mean(axis=0).argmax())]


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


def test_text_is_found_where_it_is_on_screen_and_read_once(tmp_path, catalog):
    clip = write_clip(tmp_path / "footage" / "clip.mp4", [("red", 250), ("green", 250), ("blue", 300)])
    coverage, reader = index_footage([clip], catalog, ToyEncoder()), ColourReader()
    assert read_screen_text(coverage, catalog, reader) == 1
    assert reader.pictures == 3  # nothing else changed
    assert read_screen_text(coverage, catalog, reader) == 0 and reader.pictures == 3
    answer = find("hotel", [clip], catalog, ToyEncoder())
    (moment,) = [moment for moment in answer.moments if moment.quote]
    assert moment.quote == Quote("BLUE | HOTEL", clip, TextKind.SCREEN)
    assert (moment.segment.start_frame, moment.segment.end_frame) == (500, 800)
    assert "text in the picture" in report.as_text(answer)
    saved = moments_of(report.as_json(answer), catalog.footage)
    assert [again for again in saved if again.quote] == [moment]


def test_a_file_that_changes_is_read_again_and_stopping_keeps_whole_files(tmp_path, catalog):
    clips = [write_clip(tmp_path / "footage" / f"{name}.mp4", [("red", 150)]) for name in "ab"]
    clips[1].write_bytes(clips[1].read_bytes() + bytes(8))  # not the same file twice
    coverage, reader, stop = index_footage(clips, catalog, ToyEncoder()), ColourReader(), threading.Event()
    assert read_screen_text(coverage, catalog, reader, lambda *_: stop.set(), stop) == 1
    assert read_screen_text(coverage, catalog, reader) == 1
    write_clip(clips[0], [("blue", 150)])
    coverage = index_footage(clips, catalog, ToyEncoder())
    assert read_screen_text(coverage, catalog, reader) == 1 and reader.pictures == 3
    (moment,) = [m for m in find("red alert", clips, catalog, ToyEncoder()).moments if m.quote]
    assert moment.media.path == clips[1]


def test_without_the_extra_the_error_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(UserError, match="tr-desktop\\[ocr\\]"):
        open_reader()
    assert main(["index", str(tmp_path), "--read-text"]) == 2
    assert "Install the extra" in capsys.readouterr().err


def test_a_title_is_read_off_the_picture(tmp_path, capsys):
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
    assert main(["index", str(path), "--read-text", *library]) == 0
    assert "pictures of 1 files" in capsys.readouterr().err
    main(["find", "storm hits coast", str(path), *library])
    assert "STORM HITS COAST" in capsys.readouterr().out
    with Catalog(tmp_path / "library") as catalog:
        (found,) = catalog.quotes.matches("storm hits coast")
    assert (found.cue.start_s, found.cue.end_s) == (Fraction(4), Fraction(8))
