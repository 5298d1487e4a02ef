"""Thumbnails are exact frames, the newest request first, within bounds."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Reversible
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from tests.app.leaks import no_leaks  # noqa: F401
from tests.app.test_player import WAIT_MS, break_frame, pixels, whole
from tests.footage.recipes import MAKERS
from tests.media import read_number
from tr_desktop.app.pictures import filmstrip
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.moments import Footage


@pytest.fixture
def thumbnails(no_leaks: None, qtbot: QtBot) -> Iterator[Thumbnails]:  # noqa: F811
    thumbnails = Thumbnails()
    yield thumbnails
    thumbnails.shut_down()


def test_each_is_the_frame_asked_for(qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path) -> None:
    files = [whole(MAKERS[name](tmp_path / name)) for name in ("gop250.mp4", "turned.mp4", "vfr.mp4", "offset.ts")]
    got: dict[tuple[Path, int], QImage] = {}
    thumbnails.ready.connect(lambda path, frame, image: got.__setitem__((path, frame), image))
    chance = random.Random(0)
    asked = [(media, times, chance.randrange(len(times))) for media, times in files for _ in range(8)]
    for media, times, frame in asked:
        thumbnails.request(Footage(media, times), frame, 60)
        thumbnails.request(Footage(media, times), frame, 60)
    wanted = {(media.path, frame) for media, _, frame in asked}
    qtbot.waitUntil(lambda: set(got) == wanted, timeout=WAIT_MS)
    for (path, frame), image in got.items():
        assert image.height() == 60
        assert read_number(pixels(image)) == frame
        kept = thumbnails.image(path, frame, 60)
        assert kept is not None and kept == image
    assert got[files[1][0].path, asked[8][2]].width() == 45  # upright
    assert thumbnails.image(files[0][0].path, asked[0][2], 61) is None


def test_the_newest_request_comes_first_and_old_ones_are_forgotten(
    qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filmstrip, "MAX_PENDING", 10)
    media, times = whole(MAKERS["gop250.mp4"](tmp_path / "gop250.mp4"))
    hovered, hovered_times = whole(MAKERS["gop30.mp4"](tmp_path / "gop30.mp4"))
    got: list[tuple[Path, int]] = []
    thumbnails.ready.connect(lambda path, frame, image: got.append((path, frame)))
    for frame in range(0, 300, 3):  # a filmstrip that is scrolled by
        thumbnails.request(Footage(media, times), frame, 40)
    thumbnails.request(Footage(hovered, hovered_times), 100, 40)
    before = len(got)
    qtbot.waitUntil(lambda: (hovered.path, 100) in got, timeout=WAIT_MS)
    assert got.index((hovered.path, 100)) - before <= 2  # what was being decoded, at most
    qtbot.waitUntil(lambda: (media.path, 297) in got, timeout=WAIT_MS)
    last = [frame for _, frame in got[got.index((hovered.path, 100)) + 1 :]]
    assert len(last) <= 10 and last == sorted(last)  # read on the way, in one go


def test_the_cache_is_bounded_and_follows_the_file(
    qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filmstrip, "CACHE_BYTES", 5 * 4 * 53 * 40)
    path = MAKERS["gop30.mp4"](tmp_path / "gop30.mp4")
    media, times = whole(path)
    for frame in range(20):
        with qtbot.waitSignal(thumbnails.ready, timeout=WAIT_MS):
            thumbnails.request(Footage(media, times), frame, 40)
    assert [frame for frame in range(20) if thumbnails.image(path, frame, 40) is not None] == [15, 16, 17, 18, 19]
    MAKERS["gop250.mp4"](path)
    media, times = whole(path)
    with qtbot.waitSignal(thumbnails.ready, timeout=WAIT_MS):
        thumbnails.request(Footage(media, times), 200, 40)
    assert thumbnails.image(path, 19, 40) is None


def test_what_can_not_be_read_is_null(qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path) -> None:
    media, times = whole(MAKERS["gop30.mp4"](tmp_path / "gop30.mp4"))
    media.path.unlink()
    with qtbot.waitSignal(thumbnails.ready, timeout=WAIT_MS) as message:
        thumbnails.request(Footage(media, times), 3, 40)
    assert message.args[2].isNull()
    kept = thumbnails.image(media.path, 3, 40)
    assert kept is not None and kept.isNull()


def test_a_bug_costs_one_thumbnail_and_not_all(
    qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bugs = break_frame(monkeypatch, 100)
    footage = Footage(*whole(MAKERS["gop30.mp4"](tmp_path / "gop30.mp4")))
    got: dict[int, QImage] = {}
    thumbnails.ready.connect(lambda _, frame, image: got.__setitem__(frame, image))
    for frame in (100, 50):
        thumbnails.request(footage, frame, 60)
        qtbot.waitUntil(lambda frame=frame: frame in got, timeout=WAIT_MS)
    assert got[100].isNull() and read_number(pixels(got[50])) == 50
    assert bugs == ["nobody thought of this"]


def test_requests_may_come_while_the_newest_is_looked_up(
    qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(requests: Reversible[object]) -> Iterator[object]:
        found = reversed(requests)
        time.sleep(0.05)
        return found

    monkeypatch.setattr(filmstrip, "reversed", slow, raising=False)
    footage = Footage(*whole(MAKERS["gop30.mp4"](tmp_path / "gop30.mp4")))
    got: set[int] = set()
    thumbnails.ready.connect(lambda _, frame, image: got.add(frame))
    for frame in range(12):
        thumbnails.request(footage, frame, 60)
        qtbot.wait(20)
    qtbot.waitUntil(lambda: got == set(range(12)), timeout=WAIT_MS)
