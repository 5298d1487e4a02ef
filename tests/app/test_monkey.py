"""Random keys, clicks, drags, queries, exports and folders at the real window: nothing breaks, and no edit is lost.

TR_MONKEY_S sets the seconds, TR_MONKEY_SEED the order of what is done. A failure shows the seed and the last actions.
"""

from __future__ import annotations

import faulthandler
import hashlib
import os
import random
import shutil
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFileDialog,
    QLineEdit,
    QMenu,
    QMenuBar,
    QMessageBox,
    QWidget,
)

from tr_desktop.app.scrubber.edge_handle import EdgeHandle
from tr_desktop.app.scrubber.step_row import StepRow
from tr_desktop.app.scrubber.time_lane import TimeLane
from tr_desktop.app.shell.actions import ACTIONS
from tr_desktop.projects.decisions import Decision, Key, key_of
from tr_desktop.projects.project import Project

SEED = int(os.environ.get("TR_MONKEY_SEED", "7"))
QUERIES = ("a cat", "a rocket", "an astronaut", "asdf qwer", "a cat -dog", "-", '"unclosed', "cat^2", "")
LISTS = ("edl", "csv", "json", "otio", "fcpxml", "h264")
LEFT_OUT = {"app.quit", "project.new", "project.open"}  # they end the work that is checked
PATIENCE_S = 600
"""How long a start or one round of actions may take on a loaded machine; a round that takes longer hangs."""

Selects = dict[Key, tuple[str, str, tuple[int, ...]]]
"""What an editor expects in the selects: name, note and markers of each."""


class Expected:
    """The selects as the actions that change them should leave them, with an undo of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.selects: Selects = {}
        self.others: Selects = {}  # decided on, but no selects
        self._done: list[tuple[Selects, Selects]] = []
        self._undone: list[tuple[Selects, Selects]] = []
        for name in ("accept", "adjust", "keep_step", "add_marker", "colour_marker", "describe", "remove", "move"):
            monkeypatch.setattr(Project, name, self._edit(name, getattr(Project, name)))
        for name in ("mark", "clear_marks"):
            monkeypatch.setattr(Project, name, self._mark(getattr(Project, name)))
        for name in ("undo", "redo"):
            monkeypatch.setattr(Project, name, self._step(name, getattr(Project, name)))

    def _edit(self, name: str, edit: Callable[..., None]) -> Callable[..., None]:
        def edited(project: Project, about: object, *arguments: object, **named: object) -> None:
            before, depth = (dict(self.selects), dict(self.others)), project.depth
            edit(project, about, *arguments, **named)
            if project.depth > depth:
                self._done.append(before)
                self._undone.clear()
                key = about.key if isinstance(about, Decision) else key_of(about)
                self._apply(name, key, arguments, named)

        return edited

    def _mark(self, mark: Callable[..., None]) -> Callable[..., None]:
        """An edit that changes no select."""

        def marked(project: Project, *arguments: object) -> None:
            depth = project.depth
            mark(project, *arguments)
            if project.depth > depth:
                self._done.append((dict(self.selects), dict(self.others)))
                self._undone.clear()

        return marked

    def _apply(self, name: str, key: Key, arguments: tuple[object, ...], named: dict[str, object]) -> None:
        kept = self.selects if key in self.selects else self.others
        words = kept.setdefault(key, ("", "", ()))
        if name == "accept":
            self.selects[key] = self.others.pop(key)
        elif name == "remove":
            self.others[key] = self.selects.pop(key)
        elif name == "describe":
            kept[key] = str(named["name"]), str(named["note"]), words[2]
        elif name == "add_marker":
            kept[key] = words[0], words[1], tuple(sorted({*words[2]} ^ {arguments[0]}))

    def _step(self, name: str, step: Callable[[Project], str]) -> Callable[[Project], str]:
        def stepped(project: Project) -> str:
            what = step(project)
            if what:
                taken, given = (self._done, self._undone) if name == "undo" else (self._undone, self._done)
                given.append((self.selects, self.others))
                self.selects, self.others = taken.pop()
            return what

        return stepped

    def check(self, project: Project) -> None:
        found = {
            each.key: (each.name, each.note, tuple(marker.frame for marker in each.markers)) for each in project.selects
        }
        assert found == self.selects


class Bugs:
    """Keeps the traceback of each exception that nobody caught, in any thread, until `check` raises the first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._traces: list[str] = []
        qt, thread = sys.excepthook, threading.excepthook

        def in_qt(*error) -> None:
            self._traces.append("".join(traceback.format_exception(*error)))
            qt(*error)

        def in_thread(arguments: threading.ExceptHookArgs) -> None:
            self._traces.append("".join(traceback.format_exception(arguments.exc_value)))
            thread(arguments)

        monkeypatch.setattr(sys, "excepthook", in_qt)
        monkeypatch.setattr(threading, "excepthook", in_thread)

    def check(self) -> None:
        assert not self._traces, self._traces[0]


class Monkey:
    """Does one random thing at a time."""

    def __init__(self, hands, rng: random.Random, footage: Path, exports: Path, project: Path) -> None:
        self.hands, self.rng = hands, rng
        self.footage, self.exports, self.project = footage, exports, project
        self.last: deque[str] = deque(maxlen=40)
        self._actions = [action for action in ACTIONS if action.name not in LEFT_OUT]
        self._ways = {
            self.press: 30,
            self.click: 22,
            self.drag: 20,
            self.search: 6,
            self.describe: 4,
            self.export: 4,
            self.remove_folder: 2,
            self.add_folder: 3,
            self.save: 1,
            self.resize: 2,
            self.rest: 6,
        }

    def act(self) -> None:
        out = self.hands.window.export.out
        if self.exports not in Path(out.text()).parents:
            out.setText(str(self.exports / "cut.edl"))
        way = self.rng.choices(list(self._ways), list(self._ways.values()))[0]
        self.last.append(way.__name__)
        way()
        self._close_others()
        QApplication.processEvents()

    def _note(self, what: object) -> None:
        self.last[-1] += f" {what}"

    def _close_others(self) -> None:
        while (popup := QApplication.activePopupWidget()) is not None:
            popup.close()
        for other in QApplication.topLevelWidgets():
            if other is not self.hands.window and other.isVisible():
                other.close()

    def _widgets(self, kinds: type | tuple[type, ...]) -> list[QWidget]:
        return [
            widget
            for widget in self.hands.window.findChildren(QWidget)
            if isinstance(widget, kinds) and widget.isVisible() and widget.isEnabled()
        ]

    def _place(self, widget: QWidget) -> QPoint:
        return QPoint(self.rng.randrange(max(widget.width(), 1)), self.rng.randrange(max(widget.height(), 1)))

    def press(self) -> None:
        keys = [key for action in self._actions for key in action.keys]
        key = self.rng.choice([*keys, "Return", "Space", "Escape", "Tab", "Tab"])
        self._note(f"{key} at {type(QApplication.focusWidget()).__name__}")
        self.hands.press(key)

    def click(self) -> None:
        widgets = [each for each in self._widgets(QWidget) if not isinstance(each, QMenu | QMenuBar)]
        buttons = [each for each in widgets if isinstance(each, QAbstractButton)]
        widget = self.rng.choice(buttons if buttons and self.rng.random() < 0.5 else widgets)
        self._note(f"{type(widget).__name__} {widget.accessibleName() or widget.objectName()}")
        click = QTest.mouseDClick if self.rng.random() < 0.1 else QTest.mouseClick
        click(widget, Qt.MouseButton.LeftButton, pos=self._place(widget))

    def drag(self) -> None:
        widgets = self._widgets((EdgeHandle, TimeLane, StepRow))
        if not widgets:
            return
        handles = [each for each in widgets if isinstance(each, EdgeHandle)]
        widget = self.rng.choice(handles or widgets)
        start = self._place(widget)
        self._note(type(widget).__name__)
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=start)
        for _ in range(self.rng.randint(1, 6)):
            QTest.mouseMove(widget, start + QPoint(self.rng.randint(-600, 600), self.rng.randint(-40, 40)))
            if self.rng.random() < 0.2:
                self.press()
            QApplication.processEvents()
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=start)

    def search(self) -> None:
        if not self.hands.window.search.isEnabled():
            return
        query = self.rng.choice(QUERIES)
        self._note(query)
        self.hands.press("Ctrl+F")
        field = self.hands.window.search.field
        QTest.keyClicks(field, query)
        QTest.keyClick(field, Qt.Key.Key_Return)
        if self.rng.random() < 0.5:
            self.hands.qtbot.wait(self.rng.randint(100, 1500))

    def describe(self) -> None:
        self.hands.press("F2")
        focus = QApplication.focusWidget()
        if isinstance(focus, QLineEdit):
            focus.insert(self.rng.choice(("good light", "Ü 日本", "", "take 2")))
            QTest.keyClick(focus, self.rng.choice((Qt.Key.Key_Return, Qt.Key.Key_Tab)))

    def export(self) -> None:
        export = self.hands.window.export
        self.hands.window.show_export()
        export.choose_format(self.rng.choice(LISTS))
        self._note(export.format.currentData())
        export.run()

    def remove_folder(self) -> None:
        folders = self.hands.session.indexing.folders
        if folders and self.rng.random() < 0.5:
            self.hands.window.library.removed.emit(self.rng.choice(folders))

    def add_folder(self) -> None:
        self.hands.session.indexing.add([self.footage])

    def save(self) -> None:
        self.hands.session.editing.save(self.project / "cut.trproj")

    def resize(self) -> None:
        self.hands.window.resize(self.rng.randint(960, 1900), self.rng.randint(600, 1100))

    def rest(self) -> None:
        self.hands.qtbot.wait(self.rng.randint(10, 300))


def fingerprint(root: Path, *left_out: Path) -> dict[Path, str]:
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not any(each in path.parents for each in left_out)
    }


@pytest.fixture
def still_alive(pytestconfig) -> Callable[[], None]:
    """Call it at least every PATIENCE_S: otherwise the run ends, and says where it hangs."""
    screen = pytestconfig.stash[fault_handler_stderr_fd_key]
    return lambda: faulthandler.dump_traceback_later(PATIENCE_S, exit=True, file=screen)


@pytest.fixture
def work(run_app, library: Path, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, still_alive):
    """Act for so many seconds."""
    return partial(_work, run_app, library, sample, tmp_path, monkeypatch, still_alive)


def _work(
    run_app,
    library: Path,
    sample: Path,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    still_alive: Callable[[], None],
    seconds: float,
) -> None:
    footage, exports, project = (root / name for name in ("footage", "exports", "project"))
    for folder in (footage, exports, project):
        folder.mkdir()
    shutil.copy(sample, footage / "one.mp4")
    (footage / "two.mp4").write_bytes(sample.read_bytes() + bytes(64))
    (footage / "not a film.mp4").write_bytes(b"no")
    own = (library, root / "settings", exports, project)
    before = fingerprint(root, *own)
    rng = random.Random(SEED)
    answers = QMessageBox.StandardButton

    def saved(_: object, caption: str, *__: object) -> tuple[str, str]:
        return str(project / "cut.trproj" if "project" in caption else exports / "chosen.edl"), ""

    def folder(_: object, caption: str, *__: object) -> str:
        return str(exports / "clips" if "clips" in caption else footage)

    monkeypatch.setattr(QFileDialog, "getSaveFileName", saved)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", folder)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(footage / "one.mp4")], ""))
    monkeypatch.setattr(QMessageBox, "exec", lambda _: rng.choice((answers.Cancel, answers.Yes)))
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _: True)
    monkeypatch.setattr(Path, "home", lambda: exports)
    monkeypatch.chdir(exports)
    expected = Expected(monkeypatch)

    def script(hands) -> None:
        hands.qtbot.waitUntil(lambda: hands.session.engine is not None, timeout=1000 * PATIENCE_S)
        monkey, bugs = Monkey(hands, rng, footage, exports, project), Bugs(monkeypatch)
        end_s = time.monotonic() + seconds
        try:
            while time.monotonic() < end_s:
                still_alive()
                for _ in range(rng.randint(3, 15)):
                    monkey.act()
                expected.check(hands.session.editing.project)
                bugs.check()
                assert hands.window.isVisible()
            # All of it can be taken back, and done again.
            selects = dict(expected.selects)
            editing = hands.session.editing
            depth = editing.project.depth
            for change in (editing.undo, editing.redo):
                for _ in range(depth):
                    still_alive()
                    change()
                expected.check(editing.project)
            assert expected.selects == selects
        except BaseException as error:
            done = "\n".join(monkey.last)
            raise AssertionError(f"TR_MONKEY_SEED={SEED}: {error!r} after:\n{done}") from error

    run_app(script, footage, library=library)
    assert fingerprint(root, *own) == before


def test_random_actions_lose_nothing(work):
    work(float(os.environ.get("TR_MONKEY_S", "20")))


@pytest.mark.slow
def test_an_hour_of_random_actions_loses_nothing(work):
    work(float(os.environ.get("TR_MONKEY_S", "3600")))
