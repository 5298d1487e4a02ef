"""Sending selects to an editor: the files handed over, the notice about them, and waiting for refined selects."""

import json

import pytest
from PySide6.QtGui import QAction

from tests.app.test_refining import begin_search, look  # noqa: F401 (a fixture)
from tests.app.test_stories import CAT
from tr_desktop import paths
from tr_desktop.commands.main import main
from tr_desktop.editor_plugins import PREMIERE, RESOLVE
from tr_desktop.projects.project import Project


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Editors of a user who has none."""
    for name in ("HOME", "USERPROFILE", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


def choose(hands, name):
    hands.window.findChild(QAction, name).trigger()


def handed_over():
    return json.loads((paths.outbox_folder() / "latest.json").read_text())


def test_the_selects_are_handed_over_and_the_notice_says_what_to_do_next(run_app, sample, library, tmp_path, capsys):
    project = tmp_path / "cut.trproj"

    def script(hands):
        notice = hands.window.notice
        hands.wait(lambda: hands.session.engine is not None)
        choose(hands, "send.resolve")
        assert "Accept a moment" in notice.text() and not paths.outbox_folder().exists()
        hands.search("a cat")
        hands.press("Return")
        hands.wait(lambda: not hands.session.refining.unfinished())
        hands.session.editing.save(project)
        hands.wait(lambda: hands.session.editing.project.path == project)
        hands.window.export.handles.setValue(0.5)
        choose(hands, "send.resolve")
        hands.wait(lambda: "Handed over 1 select" in notice.text())
        assert str(paths.outbox_folder()) in notice.text() and "isn't installed" in notice.text()
        notice.press("Install the plugin")
        (installed,) = RESOLVE.targets
        hands.wait(lambda: RESOLVE.next_step in notice.text())
        assert str(installed) in notice.text() and installed.exists()
        notice.press("OK")
        choose(hands, "send.resolve")
        hands.wait(lambda: "Handed over 1 select" in notice.text())
        assert RESOLVE.next_step in notice.text() and "isn't installed" not in notice.text()
        assert hands.session.editing.project.undoes == "Accept"

    assert run_app(script, sample, library=library) == 0
    sent = handed_over()
    (moment,) = sent["moments"]
    assert sent["name"] == "cut" and moment["media"] == str(sample)
    assert (moment["start_frame"], moment["end_frame"]) == (CAT.start_frame, CAT.end_frame)
    assert moment["in_frame"] < CAT.start_frame and moment["out_frame"] > CAT.end_frame

    files = ("latest.json", "latest.lua")
    by_app = [(paths.outbox_folder() / name).read_bytes() for name in files]
    for name in files:
        (paths.outbox_folder() / name).unlink()
    assert main(["send", "resolve", str(project), "--handles", "0.5", "--library", str(library)]) == 0
    assert [(paths.outbox_folder() / name).read_bytes() for name in files] == by_app
    assert RESOLVE.next_step in capsys.readouterr().err
    for name, ending in zip(files, ("json", "lua"), strict=True):
        out = tmp_path / f"hits.handover.{ending}"
        export = ["export", str(project), "--to", str(out), "--handles", "0.5", "--library", str(library)]
        assert main(export) == 0
        assert out.read_bytes() == (paths.outbox_folder() / name).read_bytes()


def test_premiere_gets_its_sequence_and_its_package_is_for_the_user_to_open(run_app, sample, library, tmp_path):
    def script(hands):
        notice = hands.window.notice
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.press("Return")
        hands.wait(lambda: not hands.session.refining.unfinished())
        choose(hands, "send.premiere")
        hands.wait(lambda: "Handed over 1 select" in notice.text())
        notice.press("Install the plugin")
        hands.wait(lambda: PREMIERE.next_step in notice.text())
        assert PREMIERE.by_hand in notice.text()
        assert str(paths.plugins_folder() / "TimeRefine.ccx") in notice.text()

    assert run_app(script, sample, library=library) == 0
    assert PREMIERE.targets == {path: path.read_bytes() for path in PREMIERE.targets}
    assert f"<name>{sample.name}</name>" in (paths.outbox_folder() / "latest.xml").read_text()


def test_selects_that_are_still_refined_are_waited_for_or_sent_as_they_are(run_app, sample, library, look):  # noqa: F811
    def script(hands):
        notice = hands.window.notice
        begin_search(hands, "a cat")
        rough = hands.stage.decision.segment
        hands.stage.accept()
        choose(hands, "send.resolve")
        assert "1 select is still being refined" in notice.text() and not paths.outbox_folder().exists()
        notice.press("Send with rough edges")
        hands.wait(lambda: "Handed over" in notice.text())
        assert "1 select has rough edges" in notice.text()
        (moment,) = handed_over()["moments"]
        assert (moment["start_frame"], moment["end_frame"]) == (rough.start_frame, rough.end_frame)
        (paths.outbox_folder() / "latest.json").unlink()
        choose(hands, "send.resolve")
        notice.press("Cancel")
        choose(hands, "send.resolve")
        assert "is still being refined" in notice.text()
        look.set()
        hands.wait(lambda: "Handed over" in notice.text())
        assert "rough" not in notice.text()

    run_app(script, sample, library=library)
    (moment,) = handed_over()["moments"]
    assert (moment["start_frame"], moment["end_frame"]) == (CAT.start_frame, CAT.end_frame)


def test_another_project_that_was_opened_while_one_waits_is_not_sent(run_app, sample, library, look):  # noqa: F811
    def script(hands):
        begin_search(hands, "a cat")
        hands.stage.accept()
        choose(hands, "send.resolve")
        another = Project()
        another.accept(hands.stage.moment)
        hands.session.editing.use(another)
        look.set()
        hands.wait(lambda: not hands.session.refining.unfinished())
        hands.qtbot.wait(500)

    run_app(script, sample, library=library)
    assert not paths.outbox_folder().exists()


def test_what_is_in_the_way_is_named_and_kept(run_app, sample, library):
    mine = paths.outbox_folder() / "latest.lua"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")

    def script(hands):
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.press("Return")
        hands.wait(lambda: not hands.session.refining.unfinished())
        choose(hands, "send.resolve")
        hands.wait(lambda: "in the way" in hands.window.notice.text())

    run_app(script, sample, library=library)
    assert mine.read_text() == "mine" and list(mine.parent.iterdir()) == [mine]
