"""The list of results names files that can be told apart, and shows the words that were found."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from tests.app.test_counter import moment
from tr_desktop.app.panels import moment_list
from tr_desktop.app.panels.moment_list import MomentList, MomentModel
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.moments import Moment, Part, Quote, Segment, TextKind


def at(path: str, quote: Quote | None = None) -> Moment:
    found = moment()
    footage = replace(found.footage, media=replace(found.media, path=Path(path)))
    return replace(found, footage=footage, quote=quote)


def test_equal_names_show_their_folders():
    model = MomentModel()
    model.set_moments([at("/card/Day1/C1.mp4"), at("/card/Day2/C1.mp4"), at("/card/C2.mp4")])
    assert [model.name(row) for row in range(3)] == [str(Path("Day1/C1.mp4")), str(Path("Day2/C1.mp4")), "C2.mp4"]
    assert model.data(model.index(1), Qt.ItemDataRole.AccessibleTextRole).startswith(str(Path("Day2/C1.mp4")))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (TextKind.FILE, "said: “Hi”"),
        (TextKind.SCREEN, "in the picture: “Hi”"),
        (TextKind.NAME, "in the file's name: Hi"),
    ],
)
def test_a_text_match_shows_its_words(qtbot, monkeypatch, kind, words):
    drawn: list[str] = []
    monkeypatch.setattr(moment_list, "draw_elided", lambda painter, box, text, *_: drawn.append(text))
    thumbnails = Thumbnails()
    view = MomentList(thumbnails)
    qtbot.addWidget(view)
    view.resize(300, 200)
    view.moments.set_moments([at("/a.mp4", Quote("Hi", Path("/a.srt"), kind))])
    view.grab()
    thumbnails.shut_down()
    assert ("“Hi”" in drawn) == (kind is not TextKind.NAME)  # a name is beside its score
    for role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
        assert words in view.moments.data(view.moments.index(0), role)


def test_a_moment_over_two_files_names_the_one_it_goes_on_in(qtbot, monkeypatch):
    drawn: list[str] = []
    monkeypatch.setattr(moment_list, "draw_elided", lambda painter, box, text, *_: drawn.append(text))
    first, second = at("/card/GX010042.MP4"), at("/card/GX020042.MP4")
    steps = (replace(first.refinement.kept, step=0, segment=Segment(0, len(first.times))),)
    whole = replace(first, refinement=replace(first.refinement, steps=steps, stop=0))
    thumbnails = Thumbnails()
    view = MomentList(thumbnails)
    qtbot.addWidget(view)
    view.resize(300, 200)
    view.moments.set_moments([replace(whole, continued=(Part(second.footage, Segment(0, 1)),))])
    view.grab()
    thumbnails.shut_down()
    assert any("goes on in GX020042.MP4" in each for each in drawn)
    for role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
        assert "goes on in GX020042.MP4" in view.moments.data(view.moments.index(0), role)
