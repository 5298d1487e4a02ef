"""A drive that doesn't answer holds neither the window nor its end."""

from __future__ import annotations

import threading
from fractions import Fraction

import pytest
from PySide6.QtCore import QBuffer

from tests.app.leaks import no_leaks  # noqa: F401
from tests.app.test_player import whole
from tests.app.test_sound import with_clicks
from tr_desktop.app.player import sound
from tr_desktop.app.player.sound import SoundOutput
from tr_desktop.footage.reader import FrameReader
from tr_desktop.moments import Footage


class Drive:
    """A drive that stops answering at the next read. is_asked: set once somebody waits for it."""

    def __init__(self) -> None:
        self.is_asked, self._is_back = threading.Event(), threading.Event()

    def answer(self) -> None:
        self._is_back.set()

    def wait(self) -> None:
        self.is_asked.set()
        assert self._is_back.wait(300)


@pytest.fixture
def drive():
    drive = Drive()
    yield drive
    drive.answer()


def test_the_window_closes_though_a_picture_never_comes(run_app, sample, library, drive, monkeypatch):
    read = FrameReader.frames_to

    def frames_to(*arguments, **options):
        drive.wait()
        yield from read(*arguments, **options)

    monkeypatch.setattr(FrameReader, "frames_to", frames_to)
    monkeypatch.setattr("tr_desktop.app.shell.window.CLOSE_WITHIN_S", 0.5)
    ended = []
    monkeypatch.setattr("tr_desktop.commands.app.os._exit", ended.append)

    def script(hands):
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.wait(drive.is_asked.is_set)

    run_app(script, sample, library=library)
    assert {thread.name for thread in threading.enumerate()} & {"frame server", "thumbnails"}  # they weren't waited for
    assert ended == [0]
    drive.answer()


def test_sound_stops_at_once_though_its_file_never_comes(no_leaks, qtbot, tmp_path, drive, monkeypatch):  # noqa: F811
    class Sink(QBuffer):
        def start(self):
            return self

        def reset(self):
            pass

    monkeypatch.setattr(sound, "_open_sink", Sink)
    monkeypatch.setattr(sound, "samples", lambda *_: iter([drive.wait()] * 0))
    footage = Footage(*whole(with_clicks(tmp_path / "a.mov", [Fraction(1)], "pcm_s16le")))
    output = SoundOutput()
    output.start(footage, Fraction(0), Fraction(0), Fraction(1), False)
    assert drive.is_asked.wait(300)
    output.stop()
    assert not output.has_ended(0)
    drive.answer()
    assert output.has_ended(300)
