"""Saving in the background: in order, completely, and with a message if it fails."""

import threading

import pytest
from PySide6.QtWidgets import QMessageBox

from tr_desktop.moments import Segment
from tr_desktop.projects.file import Snapshot
from tr_desktop.projects.project import Project


@pytest.fixture
def slow_saves(monkeypatch):
    """Saves wait for `go_on`; the names of their threads."""
    go_on, threads = threading.Event(), []
    save = Snapshot.save

    def slow(snapshot, path):
        threads.append(threading.current_thread().name)
        assert go_on.wait(60)
        save(snapshot, path)

    monkeypatch.setattr(Snapshot, "save", slow)
    return go_on, threads


def accepted(hands) -> Segment:
    """A moment of the sample, accepted, and where its edges are."""
    hands.wait(lambda: hands.session.engine is not None)
    hands.search("a cat")
    hands.wait(lambda: hands.stage.moment is not None)
    hands.press("Return")
    return hands.stage.decision.segment


def answering(monkeypatch, answer):
    asked = []
    monkeypatch.setattr(QMessageBox, "exec", lambda box: (asked.append(box.text()), answer)[1])
    return asked


def test_closing_waits_for_saves_and_keeps_the_newest_state(
    run_app, sample, library, tmp_path, slow_saves, monkeypatch
):
    (go_on, threads), path = slow_saves, tmp_path / "cut.trproj"
    asked = answering(monkeypatch, QMessageBox.StandardButton.Cancel)
    newest = []

    def script(hands):
        found, session, window = accepted(hands), hands.session, hands.window
        session.editing.save(path)
        hands.wait(lambda: threads)
        hands.stage.nudge(end=-5)
        session.editing.save(path)
        assert session.editing.project.is_changed and session.editing.is_saving
        window.close()
        assert window.isVisible() and "being saved" in window.notice.text()
        newest.append(Segment(found.start_frame, found.end_frame - 5))
        go_on.set()
        hands.wait(lambda: not window.isVisible())

    assert run_app(script, sample, library=library) == 0
    assert [each.segment for each in Project.load(path).selects] == newest
    assert len(threads) == 2 and len(set(threads)) == 1 and "MainThread" not in threads
    assert asked == []  # nothing was unsaved by then


def test_edits_made_during_a_save_are_unsaved(run_app, sample, library, tmp_path, slow_saves):
    (go_on, threads), path = slow_saves, tmp_path / "cut.trproj"

    def script(hands):
        found = accepted(hands)
        hands.session.editing.save(path)
        hands.wait(lambda: threads)
        hands.stage.nudge(end=-5)
        go_on.set()
        hands.wait(lambda: hands.session.editing.project.path == path)
        assert hands.session.editing.project.is_changed
        assert Project.load(path).selects[0].segment == found

    run_app(script, sample, library=library)


def test_choosing_save_on_closing_closes_after_the_save(run_app, sample, library, tmp_path, monkeypatch):
    path = tmp_path / "cut.trproj"
    asked = answering(monkeypatch, QMessageBox.StandardButton.Save)
    monkeypatch.setattr("PySide6.QtWidgets.QFileDialog.getSaveFileName", lambda *_: (str(path), ""))

    def script(hands):
        accepted(hands)
        hands.window.close()
        hands.wait(lambda: not hands.window.isVisible())

    assert run_app(script, sample, library=library) == 0
    assert len(asked) == 1 and len(Project.load(path).selects) == 1


def test_a_failing_save_is_reported_and_loses_nothing(run_app, sample, library, tmp_path, monkeypatch):
    nowhere = tmp_path / "nowhere" / "cut.trproj"
    answering(monkeypatch, QMessageBox.StandardButton.Save)
    monkeypatch.setattr("PySide6.QtWidgets.QFileDialog.getSaveFileName", lambda *_: (str(nowhere), ""))

    def script(hands):
        accepted(hands)
        hands.window.close()
        hands.wait(lambda: "The project can't be saved" in hands.window.notice.text())
        assert hands.window.isVisible() and hands.session.editing.project.is_changed
        assert len(hands.session.editing.project.selects) == 1

    run_app(script, sample, library=library)


def test_a_project_that_another_program_changed_is_not_overwritten(run_app, sample, library, tmp_path):
    path = tmp_path / "cut.trproj"

    def script(hands):
        accepted(hands)
        hands.session.editing.save(path)
        hands.wait(lambda: not hands.session.editing.project.is_changed)
        path.write_text("theirs")
        hands.stage.nudge(end=-5)
        hands.press("Ctrl+S")
        hands.wait(lambda: "Another program changed" in hands.window.notice.text())
        assert path.read_text() == "theirs"

    run_app(script, sample, library=library)


def test_a_failing_autosave_is_reported(run_app, sample, library, tmp_path):
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "recovery").write_text("in the way")

    def script(hands):
        accepted(hands)
        hands.wait(lambda: "can't be autosaved" in hands.window.notice.text())

    run_app(script, sample, library=library)


def test_opening_another_project_asks_to_save_only_if_the_other_can_be_read(
    run_app, sample, library, tmp_path, monkeypatch
):
    damaged, empty = tmp_path / "damaged.trproj", tmp_path / "empty.trproj"
    damaged.write_text("{")
    Project().save(empty)
    asked = answering(monkeypatch, QMessageBox.StandardButton.Discard)

    def script(hands):
        accepted(hands)
        hands.window.files.open(damaged)
        hands.wait(lambda: "isn't a TimeRefine Desktop project" in hands.window.notice.text())
        assert asked == [] and len(hands.session.editing.project.selects) == 1
        hands.window.files.open(empty)
        hands.wait(lambda: hands.session.editing.project.path == empty)
        assert len(asked) == 1 and hands.session.editing.project.selects == ()

    run_app(script, sample, library=library)


def test_settings_survive_closing_at_once(run_app, sample, library, tmp_path):
    def script(hands):
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a rocket")
        hands.press("T")

    run_app(script, sample, library=library)

    def again(hands):
        assert hands.session.settings.queries == ["a rocket"] and hands.stage.counting.value == "frames"
        assert hands.session.indexing.folders == [sample]

    run_app(again, library=library)
