"""What an editor does from the first to the last minute, through the real window."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pycmx
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QToolButton

from tests.processes import ending
from tr_desktop import engine
from tr_desktop.app.scrubber.edge_handle import EdgeHandle
from tr_desktop.app.scrubber.geometry import Edge
from tr_desktop.app.scrubber.state import YOURS
from tr_desktop.commands.main import main
from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.moments import Segment
from tr_desktop.projects.project import Project

CAT = Segment(216, 360)  # the sample's third shot, 24 fps


def drag_edge(hands, edge: Edge, by_px: int) -> None:
    handle = next(h for h in hands.stage.scrubber.findChildren(EdgeHandle) if h.edge is edge)
    start = handle.rect().center()
    QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=start)
    for part in (1, 2, 3):
        QTest.mouseMove(handle, start + QPoint(by_px * part // 3, 0))
    QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=start + QPoint(by_px, 0))


def test_from_an_empty_window_to_an_editors_list_and_back(run_app, tmp_path):
    project_path, out = tmp_path / "cut.trproj", tmp_path / "cut.edl"
    adjusted = []

    def first_day(hands):
        window, stage, session = hands.window, hands.stage, hands.session
        assert window.welcome.isVisible()
        window.welcome.sample.click()
        hands.wait(lambda: session.searching.results.is_final and session.searching.results.moments)
        moment = stage.moment
        assert moment is not None and moment.confident and moment.segment == CAT
        assert stage.decision.segment == CAT

        # Through the steps, and the picture follows.
        hands.wait(lambda: stage.scrubber.selected_step() == moment.refinement.stop)
        for step in reversed(moment.refinement.steps[:-1]):
            hands.press("[")
            assert stage.scrubber.selected_step() == step.step
            hands.shown(step.segment.start_frame)
        hands.press("Backspace")
        assert stage.decision.kept_step == 0
        assert stage.decision.segment == moment.refinement.steps[0].segment
        hands.press("Ctrl+Z")
        assert stage.decision.segment == CAT

        # An edge by hand.
        for _ in moment.refinement.steps:
            hands.press("]")
        hands.press("Z")
        drag_edge(hands, Edge.OUT, -60)
        assert stage.scrubber.selected_step() == YOURS
        segment = stage.decision.segment
        assert segment.start_frame == CAT.start_frame and segment.end_frame < CAT.end_frame
        adjusted.append(segment)
        hands.press("Return")
        assert [each.segment for each in session.editing.project.selects] == [segment]
        hands.press("Ctrl+Z", "Ctrl+Z")
        assert session.editing.project.selects == () and stage.decision.segment == CAT
        hands.press("Ctrl+Shift+Z", "Ctrl+Shift+Z")
        assert [each.segment for each in session.editing.project.selects] == [segment]

        session.editing.save(project_path)
        hands.wait(lambda: not session.editing.project.is_changed)
        hands.press("E")
        window.export.out.setText(str(out))
        window.export.run()
        hands.wait(lambda: "written and read back" in window.export.message())
        window.close()

    assert run_app(first_day) == 0
    with out.open() as file:
        (event,) = pycmx.parse_cmx3600(file).events
    assert str(event.edits[0].source_in) == "01:00:09:00"

    def next_day(hands):
        hands.wait(lambda: hands.window.selects.model.rowCount() == 1)
        hands.wait(lambda: hands.session.editing.moments)
        hands.window.selects.list.setCurrentIndex(hands.window.selects.model.index(0))
        assert hands.stage.decision.segment == adjusted[0]
        hands.shown(CAT.start_frame)
        hands.window.close()

    assert run_app(next_day, project_path) == 0
    again = tmp_path / "again" / "cut.edl"
    again.parent.mkdir()
    assert main(["export", str(project_path), "--to", str(again), "--library", str(tmp_path / "library")]) == 0
    assert again.read_bytes() == out.read_bytes()


def test_everything_with_the_keyboard_alone(run_app, sample, library, tmp_path, monkeypatch):
    out = tmp_path / "keys.csv"
    project = tmp_path / "keys.trproj"
    monkeypatch.setattr("PySide6.QtWidgets.QFileDialog.getSaveFileName", lambda *_: (str(project), ""))

    def script(hands):
        stage, session, window = hands.stage, hands.session, hands.window
        hands.wait(lambda: session.engine is not None)
        hands.search("a cat")
        assert window.results.list.hasFocus()
        hands.wait(lambda: stage.decision.segment == CAT)
        hands.press("Ctrl+G", "Down")
        hands.wait(lambda: stage.decision.segment != CAT)
        hands.press("Up", "Shift+I")
        hands.shown(216)
        hands.press("Right", "Right", "Left")
        hands.shown(217)
        hands.press("Shift+Right")
        hands.shown(217 + 24)
        hands.press("I", "Shift+O")
        hands.shown(359)
        hands.press("Shift+Left", "O", "M")
        assert stage.decision.segment == Segment(241, 336)
        assert [marker.frame for marker in stage.decision.markers] == [335]
        hands.press("Ctrl+Right", "Alt+Left")
        assert stage.decision.segment == Segment(242, 335)
        hands.press("G")
        hands.type("+10")
        hands.press("Return")
        hands.shown(344)
        hands.press("Shift+M")
        hands.shown(335)
        hands.press("L")
        hands.wait(stage.player.is_playing)
        hands.press("K")
        hands.wait(lambda: not stage.player.is_playing())
        hands.press("Return", "F2")
        hands.type("the cat")
        hands.press("Return")
        (select,) = session.editing.project.selects
        assert select.name == "the cat"
        hands.press("Ctrl+F", "Escape")  # back to the results
        hands.press("T")
        assert window.results.list.moments.counting.value == "frames"
        hands.press("E")
        assert window.export.start.hasFocus()
        window.export.choose_format("csv")
        window.export.out.setText(str(out))
        hands.press("Space")
        hands.wait(lambda: "written and read back" in window.export.message())
        hands.wait(window.export.start.hasFocus)
        hands.press("Ctrl+S")
        hands.wait(lambda: not session.editing.project.is_changed)
        hands.press("Ctrl+Q")

    assert run_app(script, sample, library=library) == 0
    assert "the cat" in out.read_text(encoding="utf-8-sig")
    assert Project.load(project).selects[0].segment == Segment(242, 335)


def test_letters_typed_into_a_field_are_letters(run_app, sample, library):
    def script(hands):
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.wait(lambda: hands.stage.decision.segment == CAT)
        hands.press("Ctrl+F")
        hands.type("jkl io[]/ ,.?")
        assert hands.window.search.field.text() == "jkl io[]/ ,.?"
        assert not hands.stage.player.is_playing() and hands.session.editing.project.decisions == ()
        assert hands.stage.decision.segment == CAT

    run_app(script, sample, library=library)


def test_without_a_confident_match_the_guesses_are_shown_as_such(run_app, sample, library):
    def script(hands):
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("people playing chess under water")
        assert not any(moment.confident for moment in hands.session.searching.results.moments)
        assert "No confident match" in hands.results.message()
        assert hands.results.list.moments.rowCount() == len(hands.session.searching.results.moments)
        assert hands.stage.moment is not None

    run_app(script, sample, library=library)


KILLED = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from tr_desktop.app.shell.window import Window
from tr_desktop.commands.main import main

def look():
    window = next(w for w in QApplication.topLevelWidgets() if isinstance(w, Window))
    session = window.session
    if session.engine is None:
        return
    if not session.searching.results.query:
        session.searching.search("a cat")
    if session.searching.results.is_final and window.stage.moment is not None and not session.editing.project.selects:
        window.stage.accept()
        window.stage.nudge(end=-5)
    if list(session.settings.folder.glob("recovery/*/project.trproj")):
        print("kept", flush=True)

app = QApplication([])
timer = QTimer(interval=20)
timer.timeout.connect(look)
timer.start()
main(["app", *sys.argv[1:]])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
def test_edits_made_before_a_kill_are_offered_again(run_app, sample, library, tmp_path):
    arguments = [str(sample), "--library", str(library), "--settings", str(tmp_path / "settings")]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments], stdout=subprocess.PIPE)
    with ending(process):
        assert process.stdout is not None and process.stdout.readline() == b"kept\n"

    def script(hands):
        hands.wait(lambda: "closed unexpectedly" in hands.window.notice.text())
        assert hands.session.editing.project.decisions == ()
        hands.window.notice.press("Restore")
        (select,) = hands.session.editing.project.selects
        assert select.segment == Segment(216, 355) and hands.session.editing.project.is_changed
        hands.wait(lambda: hands.session.editing.decided_moment(select) is not None)

    run_app(script, library=library)

    def afterwards(hands):
        assert hands.window.notice.text() == ""

    run_app(afterwards, library=library)


def test_closing_during_indexing_keeps_what_is_indexed(run_app, sample, tmp_path):
    footage = tmp_path / "footage"
    footage.mkdir()
    for number in range(3):
        content = bytearray(sample.read_bytes())
        content += bytes([number]) * 64  # another file each, as far as the library knows
        (footage / f"{number}.mp4").write_bytes(content)

    def script(hands):
        hands.wait(lambda: hands.window.library.progress.isVisible())
        hands.window.close()

    assert run_app(script, footage) == 0

    def again(hands):
        hands.wait(lambda: len(hands.session.indexing.status.coverage.searched) == 3)
        hands.wait(lambda: not hands.session.indexing.status.coverage.incomplete)

    run_app(again)


def test_a_search_during_indexing_uses_the_indexed_footage(run_app, sample, library, tmp_path):
    other = tmp_path / "other.mp4"
    other.write_bytes(sample.read_bytes() + bytes(64))

    def script(hands):
        hands.wait(lambda: hands.window.library.progress.isVisible())
        hands.search("a cat")
        assert hands.stage.moment is not None and hands.stage.decision.segment == CAT

    run_app(script, sample, other, library=library)


def test_indexing_can_be_paused_and_resumed(run_app, sample, tmp_path):
    footage = tmp_path / "footage"
    footage.mkdir()
    for number in range(3):
        (footage / f"{number}.mp4").write_bytes(sample.read_bytes() + bytes([number]) * 64)

    def script(hands):
        panel = hands.window.library
        hands.wait(lambda: panel.progress.isVisible())
        pause = next(b for b in panel.progress.findChildren(QToolButton) if b.accessibleName().startswith("Pause"))
        pause.click()
        assert pause.accessibleName() == "Resume indexing" and "paused" in panel.pace()
        before = -1
        while panel.bar.value() != before:  # progress that was already sent arrives
            before = panel.bar.value()
            hands.qtbot.wait(2000)
        assert panel.progress.isVisible() and "paused" in panel.pace() and panel.bar.value() < panel.bar.maximum()
        pause.click()
        hands.wait(lambda: len(hands.session.indexing.status.coverage.searched) == 3 and not panel.progress.isVisible())

    run_app(script, footage)


def test_a_moment_accepted_during_the_search_gets_its_final_edges(run_app, sample, library, monkeypatch):
    may_look, look = threading.Event(), TwoTower.look_closer

    def look_later(*arguments):
        assert may_look.wait(60)
        return look(*arguments)

    monkeypatch.setattr(TwoTower, "look_closer", look_later)

    def script(hands):
        stage, session = hands.stage, hands.session
        hands.wait(lambda: session.engine is not None)
        hands.press("Ctrl+F")
        hands.type("a cat")
        hands.press("Return")
        hands.wait(lambda: stage.moment is not None)
        early = stage.decision.segment
        hands.press("Return")
        may_look.set()
        hands.wait(lambda: session.searching.results.is_final)
        assert session.editing.project.selects[0].segment == stage.moment.segment == CAT != early
        assert "final edges" in hands.window.notice.text()
        hands.press("Ctrl+Z")
        assert not session.editing.project.selects and stage.decision.segment == CAT
        hands.press("Ctrl+Shift+Z")
        assert session.editing.project.selects[0].segment == CAT

    run_app(script, sample, library=library)


def test_a_search_without_a_match_reruns_after_indexing(run_app, sample, library, tmp_path, monkeypatch):
    other = tmp_path / "other.mp4"
    other.write_bytes(sample.read_bytes() + bytes(64))
    may_read, read = threading.Event(), engine.index_footage

    def index_later(*arguments, **options):
        if options.get("read_new", True):
            assert may_read.wait(60)
        return read(*arguments, **options)

    monkeypatch.setattr(engine, "index_footage", index_later)

    def script(hands):
        hands.wait(lambda: hands.session.indexing.status.coverage.searched)
        message = [label.text() for label in hands.window.library.findChildren(QLabel)]
        assert "Searched" in message and "Not indexed yet" in message
        hands.search("people playing chess under water")
        before = hands.session.searching.results
        assert before.unread == 1 and "1 file is still being indexed" in hands.results.why()
        may_read.set()
        hands.wait(lambda: hands.session.searching.results is not before and hands.session.searching.results.is_final)
        assert hands.session.searching.results.query == before.query and hands.session.searching.results.unread == 0
        assert "indexed" not in hands.results.why()

    run_app(script, sample, other, library=library)


def test_a_finished_export_takes_the_focus_back_only_if_nobody_moved_it(run_app, sample, library, tmp_path):
    def script(hands):
        export = hands.window.export
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.wait(lambda: hands.stage.decision.segment == CAT)
        hands.stage.accept()
        export.choose_format("csv")
        for name, meanwhile in (("a", ()), ("b", ("Ctrl+F",))):
            hands.window.show_export()
            export.out.setText(str(tmp_path / f"{name}.csv"))
            export.start.setFocus()
            export.run()
            hands.press(*meanwhile)
            hands.wait(lambda name=name: f"{name}.csv written" in export.message() and export.start.isEnabled())
            assert export.start.hasFocus() == (not meanwhile)

    run_app(script, sample, library=library)


def test_any_step_can_replace_the_editors_own_edges(run_app, sample, library):
    def script(hands):
        stage = hands.stage
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.wait(lambda: stage.decision.segment == CAT)
        assert not stage.steps.keep.isEnabled() and "kept" in stage.steps.step.text()
        stage.nudge(end=-5)
        hands.press("[")
        assert stage.scrubber.selected_step() == stage.decision.kept_step
        assert stage.steps.keep.isEnabled() and "kept" not in stage.steps.step.text()
        stage.steps.keep.click()
        assert stage.decision.segment == CAT and not stage.steps.keep.isEnabled()

    run_app(script, sample, library=library)


def test_a_project_whose_footage_left_the_library_is_shown_with_the_reason(run_app, sample, library, tmp_path):
    project = tmp_path / "cut.trproj"

    def accept(hands):
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.press("Return")
        hands.session.editing.save(project)
        hands.window.close()

    run_app(accept, sample, library=library)
    document = json.loads(project.read_bytes())
    document["selects"][0]["moment"]["media"] = str(Path("/gone/away.mp4"))
    project.write_text(json.dumps(document))

    def script(hands):
        hands.wait(lambda: hands.session.editing.unresolved)
        (reason,) = hands.session.editing.unresolved.values()
        assert "library" in reason and hands.window.selects.model.rowCount() == 1
        hands.press("E")
        hands.window.export.out.setText(str(tmp_path / "out.edl"))
        hands.window.export.run()
        hands.wait(lambda: "isn't in the library" in hands.window.export.message())
        assert not (tmp_path / "out.edl").exists()

    run_app(script, project, library=library)


FOOTAGE = Path(__file__).resolve().parents[3] / "shared" / "footage"


@pytest.mark.skipif(not FOOTAGE.exists(), reason="real footage isn't here")
def test_real_footage_is_searched_stepped_through_and_cut(run_app, tmp_path):
    def script(hands):
        hands.wait(
            lambda: hands.session.indexing.status.coverage.searched and not hands.window.library.progress.isVisible()
        )
        hands.search("a white cockatoo")
        moment = hands.stage.moment
        for step in reversed(moment.refinement.steps[: moment.refinement.stop]):
            hands.press("[")
            hands.shown(step.segment.start_frame)
        hands.press("Return", "E")
        hands.window.export.choose_format("h264")
        hands.window.export.out.setText(str(tmp_path / "clips"))
        hands.window.export.run()
        hands.wait(lambda: hands.window.export.files.count() == 1)

    run_app(script, FOOTAGE / "io_cockatoo.mp4")
    assert len(list((tmp_path / "clips").iterdir())) == 1
