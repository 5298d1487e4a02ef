"""The app as a user starts it: the real `main`, the real pack, a window without a screen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from tests.app.leaks import no_leaks  # noqa: F401 (a fixture)
from tests.toy import ToyEncoder, write_clip
from tr_desktop.app.look import motion, theme
from tr_desktop.app.look.settings import Settings
from tr_desktop.app.scrubber.scrubber import Scrubber
from tr_desktop.app.shell.window import Window
from tr_desktop.app.work.searching import Results
from tr_desktop.app.work.session import Session
from tr_desktop.commands.main import main
from tr_desktop.grounding import find
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.projects.project import Project

WAIT_MS = 60_000
CLOSE_MS = 300_000  # a window that hasn't closed by then, after all saving, never will


class Hands:
    """An editor at the window."""

    def __init__(self, window: Window, qtbot) -> None:
        self.window, self.qtbot = window, qtbot
        self.stage, self.session, self.results = window.stage, window.session, window.results

    def wait(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=WAIT_MS)

    def press(self, *keys: str) -> None:
        """Keys as keys.json writes them, to whatever has the focus."""
        for key in keys:
            QTest.keySequence(QApplication.focusWidget() or self.window, QKeySequence(key))
            QApplication.processEvents()

    def type(self, text: str) -> None:
        QTest.keyClicks(QApplication.focusWidget(), text)

    def search(self, query: str) -> None:
        """Type a query and wait for all of the answer."""
        self.press("Ctrl+F")
        self.type(query)
        self.press("Return")
        self.wait(lambda: self.session.searching.results.query == query and self.session.searching.results.is_final)

    def shown(self, frame: int) -> None:
        self.wait(lambda: self.stage.player.frame() == frame)

    def close(self) -> None:
        """Close the window without saving."""
        self.session.editing.use(Project())
        self.window.close()


@pytest.fixture
def run_app(qapp, no_leaks, qtbot, tmp_path, monkeypatch):  # noqa: F811 (the fixture)
    """Starts the app with arguments, runs a script that uses it, and returns the exit status when it has closed."""
    # However slow the machine is, threads are waited for.
    monkeypatch.setattr("tr_desktop.app.shell.window.CLOSE_WITHIN_S", 60)
    monkeypatch.setattr("tr_desktop.commands.main.os._exit", lambda _: pytest.fail("a thread didn't end"))

    def run(script: Callable[[Hands], None], *arguments: object, library: Path | None = None) -> int:
        failed: list[BaseException] = []
        impatience = QTimer(singleShot=True, interval=CLOSE_MS)

        def give_up() -> None:
            failed.append(AssertionError("the window didn't close"))
            QApplication.exit()

        def begin() -> None:
            window = next(w for w in QApplication.topLevelWidgets() if isinstance(w, Window) and w.isVisible())
            hands = Hands(window, qtbot)
            try:
                window.activateWindow()
                qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
                script(hands)
            except BaseException as error:  # noqa: BLE001 (raised again below, outside of Qt)
                failed.append(error)
            finally:
                impatience.start()
                if window.isVisible():
                    for other in QApplication.topLevelWidgets():
                        if other is not window and other.isVisible():
                            other.close()
                    hands.close()

        impatience.timeout.connect(give_up)
        QTimer.singleShot(0, begin)
        folders = ["--settings", str(tmp_path / "settings"), "--library", str(library or tmp_path / "library")]
        try:
            status = main(["app", *map(str, arguments), *folders])
        finally:
            impatience.stop()
        if failed:
            raise failed[0]
        return status

    return run


@pytest.fixture(scope="session")
def indexed_once(sample, tmp_path_factory) -> Path:
    library = tmp_path_factory.mktemp("indexed")
    assert main(["index", str(sample), "--library", str(library)]) == 0
    return library


@pytest.fixture
def library(indexed_once, tmp_path) -> Path:
    """A library in which the sample clip is indexed."""
    return shutil.copytree(indexed_once, tmp_path / "library")


@pytest.fixture
def scrubber(
    no_leaks,  # noqa: F811 (the fixture)
    qtbot,
    qapp,
    monkeypatch,
) -> Iterator[Scrubber]:
    """A scrubber without a window, in the dark theme, that doesn't move."""
    theme.use(qapp, theme.Theme.DARK)
    monkeypatch.setattr(motion, "is_reduced", lambda: True)
    scrubber = Scrubber()
    scrubber.resize(1000, 300)
    scrubber.show()
    qtbot.waitExposed(scrubber)
    yield scrubber
    scrubber.clear()
    scrubber.close()
    scrubber.deleteLater()


@pytest.fixture
def make_window(qapp, no_leaks, tmp_path):  # noqa: F811 (the fixture)
    """Makes the window, without models, with a moment that is on the stage and among the selects."""
    made = []

    def make(name: str) -> Window:
        clip = write_clip(tmp_path / name, [("blue", 60), ("red", 50), ("green", 60)])
        with Catalog(tmp_path / "library") as catalog:
            moments = find("red", [clip], catalog, ToyEncoder()).moments
        settings = Settings(tmp_path / "settings")
        settings.folders = [clip]
        theme.use(qapp, settings.theme)
        session = Session(settings, tmp_path / "library", "mini", "cpu")
        window = Window(qapp, session)
        made.append(window)
        window.show()
        session.editing.remember(moments)
        window.results.set_results(Results("red", moments, is_final=True))
        window.stage.show(moments[0])
        window.stage.accept()
        return window

    yield make
    for window in made:
        window.session.editing.use(Project())
        window.close()
        window.deleteLater()
        window.session.deleteLater()


def settle() -> None:
    for _ in range(5):
        QApplication.processEvents()


def all_widgets(window: QWidget) -> list[QWidget]:
    return [widget for widget in window.findChildren(QWidget) if widget.isVisibleTo(window)]
