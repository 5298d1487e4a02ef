"""The player shows the very frames that it is asked for: proven by numbers burnt into the pictures."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from tests.app.leaks import no_leaks  # noqa: F401
from tests.footage.recipes import FIRST_NUMBER, MAKERS, h264
from tests.media import is_open, make_video, numbered_picture, read_number
from tr_desktop.app.player.player import Player
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.reader import FrameReader
from tr_desktop.moments import Footage, FrameTimes, Media, Segment

WAIT_MS = 20_000


def whole(path: Path) -> tuple[Media, FrameTimes]:
    sampler = Sampler(probe(path), Fraction(1), 40)
    for _ in sampler:
        pass
    return sampler.media, sampler.times


def pixels(image: QImage) -> NDArray[np.uint8]:
    """uint8 RGB [H, W, 3]."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8, image.sizeInBytes()).reshape(image.height(), -1)
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def seen(player: Player) -> int:
    """The number in the picture on screen, without the bars around it."""
    return read_number(without_bars(pixels(player.grab().toImage())))


def without_bars(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The numbered pictures' corners are white but one, and the well is nearly black."""
    bright = picture.max(axis=2) > 127
    rows, cols = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    return picture[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]


@pytest.fixture
def player(no_leaks: None, qtbot: QtBot) -> Iterator[Player]:  # noqa: F811
    player = Player()
    player.resize(400, 300)
    player.show()
    yield player
    player.shut_down()
    player.close()
    player.deleteLater()


def opened(qtbot: QtBot, player: Player, path: Path) -> tuple[Media, FrameTimes]:
    media, times = whole(path)
    with qtbot.waitSignal(player.frame_shown, timeout=WAIT_MS):
        player.open(Footage(media, times))
    return media, times


def shown(qtbot: QtBot, player: Player, frame: int) -> int:
    with qtbot.waitSignal(player.frame_shown, timeout=WAIT_MS, check_params_cb=lambda got: got == frame):
        player.show_frame(frame)
    return seen(player)


@pytest.mark.parametrize("name", ["gop250.mp4", "open_gop.mp4", "offset.ts", "vfr.mp4", "edit_list.mp4", "h264.avi"])
def test_seeks_and_steps_show_the_frame_asked_for(qtbot: QtBot, player: Player, tmp_path: Path, name: str) -> None:
    _, times = opened(qtbot, player, MAKERS[name](tmp_path / name))
    first = FIRST_NUMBER.get(name, 0)
    chance, last = random.Random(name), len(times) - 1
    assert seen(player) - first == 0
    for frame in (last, 0, *(chance.randrange(len(times)) for _ in range(8))):
        assert shown(qtbot, player, frame) - first == frame
    for step in (1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1, 1):
        frame = min(max(player.frame() + step, 0), last)
        assert shown(qtbot, player, frame) - first == frame
    for frame in range(last, max(last - 70, -1), -1):  # back over whole groups of pictures
        assert shown(qtbot, player, frame) - first == frame


def test_only_the_newest_wish_counts_and_it_always_arrives(qtbot: QtBot, player: Player, tmp_path: Path) -> None:
    opened(qtbot, player, MAKERS["gop250.mp4"](tmp_path / "gop250.mp4"))
    numbers: list[tuple[int, int]] = []
    player.frame_shown.connect(lambda frame: numbers.append((frame, seen(player))))
    chance = random.Random(0)
    asked = [chance.randrange(300) for _ in range(60)]
    for frame in asked:  # a drag
        player.show_frame(frame)
        qtbot.wait(2)
    qtbot.waitUntil(lambda: bool(numbers) and numbers[-1][0] == asked[-1], timeout=WAIT_MS)
    assert all(frame == number and frame in asked for frame, number in numbers)
    player.show_frame(1000)
    assert player.frame() == 299
    player.show_frame(-5)
    assert player.frame() == 0


@pytest.mark.parametrize("name", ["gop250.mp4", "vfr.mp4"])
def test_a_range_loops_within_its_frames(qtbot: QtBot, player: Player, tmp_path: Path, name: str) -> None:
    _, times = opened(qtbot, player, MAKERS[name](tmp_path / name))
    segment = Segment(7, 19)
    shown(qtbot, player, len(times) - 1)
    numbers: list[tuple[int, int]] = []
    player.frame_shown.connect(lambda frame: numbers.append((frame, seen(player))))
    player.play_range(segment, loop=True)
    assert player.is_playing()
    # Two rounds, recognised by going back; however slow the machine is, it goes round.
    qtbot.waitUntil(lambda: sum(b < a for (a, _), (b, _) in pairwise(numbers)) >= 2, timeout=WAIT_MS)
    player.pause()
    assert all(frame == number for frame, number in numbers)
    assert all(segment.start_frame <= frame < segment.end_frame for frame, _ in numbers)
    assert numbers[0][0] == segment.start_frame


def test_a_range_plays_once_and_stops_on_its_last_frame(qtbot: QtBot, player: Player, tmp_path: Path) -> None:
    opened(qtbot, player, MAKERS["gop30.mp4"](tmp_path / "gop30.mp4"))
    frames: list[int] = []
    player.frame_shown.connect(frames.append)
    began_s = time.monotonic()
    with qtbot.waitSignals([player.playing_changed] * 2, timeout=WAIT_MS):
        player.play_range(Segment(40, 55), loop=False)
    qtbot.waitUntil(lambda: frames[-1] == 54, timeout=WAIT_MS)
    assert time.monotonic() - began_s >= 14 / 30  # by the clock, not as fast as it goes
    assert not player.is_playing() and seen(player) == 54
    assert frames == sorted(frames) and set(frames) <= set(range(40, 55))
    with qtbot.waitSignals([player.playing_changed] * 2, timeout=WAIT_MS):
        player.play_range(Segment(149, 150), loop=False)  # a single frame at the file's end
    qtbot.waitUntil(lambda: frames[-1] == 149, timeout=WAIT_MS)


def test_shuttle_plays_both_ways_faster_and_stops_at_the_ends(qtbot: QtBot, player: Player, tmp_path: Path) -> None:
    opened(qtbot, player, MAKERS["gop30.mp4"](tmp_path / "gop30.mp4"))
    frames: list[int] = []
    player.frame_shown.connect(frames.append)
    for _ in range(5):
        player.shuttle(1)
    qtbot.waitUntil(lambda: not player.is_playing(), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: frames[-1] == 149, timeout=WAIT_MS)
    assert frames == sorted(frames)
    del frames[:]
    for _ in range(3):
        player.shuttle(-1)
    qtbot.waitUntil(lambda: not player.is_playing(), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: frames[-1] == 0, timeout=WAIT_MS)
    assert frames == sorted(frames, reverse=True)
    player.shuttle(1)
    player.shuttle(0)
    assert not player.is_playing()


def anamorphic(path: Path) -> Path:
    """Pixels half as wide again as high."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(3, 2)
        for number in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered_picture(number, 160, 120), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_a_file_that_is_indexed_further_meanwhile_shows_its_new_frames(
    qtbot: QtBot, player: Player, tmp_path: Path
) -> None:
    media, times = whole(MAKERS["gop30.mp4"](tmp_path / "gop30.mp4"))
    part = FrameTimes(times.ticks[:60], times.ticks[60], times.tick_s, times.start_pts)
    with qtbot.waitSignal(player.frame_shown, timeout=WAIT_MS):
        player.open(Footage(media, part), 59)
    with qtbot.waitSignal(player.frame_shown, timeout=WAIT_MS):
        player.open(Footage(media, times), 120)
    assert player.frame() == 120 and seen(player) == 120


def test_turned_and_anamorphic_pictures_stand_upright_in_their_shape(
    qtbot: QtBot, player: Player, tmp_path: Path
) -> None:
    media, _ = opened(qtbot, player, MAKERS["turned.mp4"](tmp_path / "turned.mp4"))
    assert (media.width, media.height) == (120, 160)
    picture = without_bars(pixels(player.grab().toImage()))
    assert picture.shape[:2] == (300, 225)
    assert shown(qtbot, player, 33) == 33
    opened(qtbot, player, MAKERS["mirrored.mp4"](tmp_path / "mirrored.mp4"))
    assert seen(player) == 0
    media, _ = opened(qtbot, player, anamorphic(tmp_path / "wide.mp4"))
    assert (media.width, media.height) == (240, 120)
    assert without_bars(pixels(player.grab().toImage())).shape[:2] == (200, 400)
    assert shown(qtbot, player, 3) == 3


def test_small_and_resized_windows_show_the_same_frame(qtbot: QtBot, player: Player, tmp_path: Path) -> None:
    opened(qtbot, player, MAKERS["gop30.mp4"](tmp_path / "gop30.mp4"))
    assert shown(qtbot, player, 77) == 77
    for size in ((160, 90), (900, 300), (333, 777)):
        with qtbot.waitSignal(player.frame_shown, timeout=WAIT_MS):
            player.resize(*size)
        assert seen(player) == 77


def test_what_can_not_be_shown_is_said_in_its_place(qtbot: QtBot, player: Player, tmp_path: Path) -> None:
    good = MAKERS["gop30.mp4"](tmp_path / "good.mp4")
    gone = MAKERS["gop30.mp4"](tmp_path / "gone.mp4")
    media, times = whole(gone)
    gone.unlink()
    with qtbot.waitSignal(player.failed, timeout=WAIT_MS) as message:
        player.open(Footage(media, times))
    assert message.args == ["gone.mp4 can't be shown: file not found"]
    assert len(np.unique(pixels(player.grab().toImage()))) > 10  # words stand there
    opened(qtbot, player, good)
    assert shown(qtbot, player, 12) == 12
    replaced = make_video(tmp_path / "good.mp4", frames=5, options=h264(5))  # shorter than it was
    media, times = whole(MAKERS["gop30.mp4"](tmp_path / "other.mp4"))
    replaced.rename(tmp_path / "other.mp4")
    with qtbot.waitSignal(player.frame_shown, timeout=WAIT_MS):
        player.open(Footage(media, times))
    with qtbot.waitSignal(player.failed, timeout=WAIT_MS) as message:
        player.show_frame(100)
    assert "the file has changed" in message.args[0]


def test_closing_lets_go_of_the_file(qtbot: QtBot, player: Player, tmp_path: Path) -> None:
    path = MAKERS["gop30.mp4"](tmp_path / "gop30.mp4")
    opened(qtbot, player, path)
    player.play()
    player.close_media()
    assert not player.is_playing()
    qtbot.waitUntil(lambda: not is_open(path), timeout=WAIT_MS)
    player.show_frame(5)  # nothing is open: nothing happens
    player.play_range(Segment(0, 5), loop=True)
    player.shuttle(1)
    assert not player.is_playing()


def break_frame(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """Reading frame `number` hits a bug; the bugs reported by threads so far."""
    read, bugs = FrameReader.frames_to, list[str]()

    def frames_to(reader: FrameReader, frame: int, *arguments: int) -> Iterator[tuple[int, av.VideoFrame]]:
        if frame == number:
            raise RuntimeError("nobody thought of this")
        return read(reader, frame, *arguments)

    monkeypatch.setattr(FrameReader, "frames_to", frames_to)
    monkeypatch.setattr(threading, "excepthook", lambda hooked: bugs.append(str(hooked.exc_value)))
    return bugs


def test_a_bug_costs_one_frame_and_not_the_player(
    qtbot: QtBot, player: Player, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bugs = break_frame(monkeypatch, 100)
    opened(qtbot, player, MAKERS["gop30.mp4"](tmp_path / "gop30.mp4"))
    with qtbot.waitSignal(player.failed, timeout=WAIT_MS) as message:
        player.show_frame(100)
    assert "RuntimeError: nobody thought of this" in message.args[0] and bugs == ["nobody thought of this"]
    with qtbot.waitSignal(player.frame_shown, timeout=WAIT_MS):
        player.show_frame(50)
    assert seen(player) == 50
