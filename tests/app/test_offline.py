"""Projects and footage whose files were moved, unplugged or brought back."""

import json
from pathlib import Path

import pytest

from tests.app.conftest import WAIT_MS
from tests.drives import pretend_drive
from tests.media import is_open
from tr_desktop.app.work import presence


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(presence, "EVERY_MS", 100)


@pytest.fixture
def saved(run_app, sample, library, tmp_path) -> Path:
    """A project with one select, in a library and settings of another machine."""
    project, footage = tmp_path / "cut.trproj", tmp_path / "here" / "clip.mp4"
    footage.parent.mkdir()
    unused = bytes([0, 0, 0, 16]) + b"free" + bytes(8)  # the library knows no copy of it
    footage.write_bytes(sample.read_bytes() + unused)

    def script(hands):
        hands.wait(lambda: hands.session.indexing.status.coverage.searched)
        hands.search("a cat")
        hands.press("Return")
        hands.session.editing.save(project)
        hands.wait(lambda: not hands.session.editing.project.is_changed)

    run_app(script, footage, library=library)
    assert json.loads(project.read_bytes())["files"][str(footage)]["name"] == "clip.mp4"
    return project


def moved(project: Path, old: str, new: str) -> None:
    """Write another system's paths into a project."""
    document = project.read_text().replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1])
    project.write_text(document)


@pytest.mark.parametrize("old", [r"D:\shoot\clip.mp4", "/Volumes/shoot/clip.mp4"])
def test_a_project_of_another_machine_is_located_in_a_folder_by_content(run_app, saved, tmp_path, monkeypatch, old):
    moved(saved, str(tmp_path / "here" / "clip.mp4"), old)
    (tmp_path / "there" / "deep").mkdir(parents=True)
    (tmp_path / "here" / "clip.mp4").rename(tmp_path / "there" / "deep" / "renamed.mp4")
    monkeypatch.setattr(
        "tr_desktop.app.shell.dialogs.QFileDialog.getExistingDirectory", lambda *_: str(tmp_path / "there")
    )

    def script(hands):
        window, editing = hands.window, hands.session.editing
        hands.wait(lambda: editing.unresolved and window.offline.bar.isVisible())
        assert "1 file of the selects is offline" in window.offline.bar.text()
        window.offline.bar.button.click()
        hands.wait(lambda: "1 of 1 file found" in window.notice.text())
        hands.wait(lambda: editing.decided_moment(editing.project.selects[0]) is not None)
        assert editing.project.selects[0].found.media == str(tmp_path / "there" / "deep" / "renamed.mp4")
        hands.wait(lambda: not window.offline.bar.isVisible())

    run_app(script, saved, library=tmp_path / "another")


def test_a_file_of_other_content_is_not_used_and_named(run_app, saved, tmp_path, monkeypatch):
    clip = tmp_path / "here" / "clip.mp4"
    content = clip.read_bytes()
    clip.unlink()
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "clip.mp4").write_bytes(content[:-8] + bytes([1] * 8))
    monkeypatch.setattr(
        "tr_desktop.app.shell.dialogs.QFileDialog.getExistingDirectory", lambda *_: str(tmp_path / "there")
    )

    def script(hands):
        hands.wait(lambda: hands.window.offline.bar.isVisible())
        hands.window.offline.locate()
        hands.wait(lambda: "clip.mp4 has other content" in hands.window.notice.text())
        assert hands.session.editing.project.selects[0].found.media == str(clip)

    run_app(script, saved, library=tmp_path / "another")


def test_moved_files_that_the_library_knows_are_shown_at_once(run_app, saved, library, tmp_path):
    (tmp_path / "here").rename(tmp_path / "there")

    def script(hands):
        editing = hands.session.editing
        hands.wait(lambda: Path(editing.project.selects[0].found.media).is_file())  # one of the two copies
        hands.wait(lambda: hands.stage.moment is not None)
        assert hands.stage.decision.is_accepted and editing.project.is_changed

    run_app(script, saved, tmp_path / "there", library=library)


def test_a_project_opens_on_its_first_select_and_is_offered_at_the_next_start(run_app, saved, library):
    def script(hands):
        assert "Continue with the project “cut”?" in hands.window.notice.text()
        hands.window.notice.press("Open")
        hands.wait(lambda: hands.stage.moment is not None)
        assert hands.stage.key == hands.session.editing.project.selects[0].key
        assert hands.window.notice.text() == ""
        hands.shown(hands.stage.decision.segment.start_frame)

    run_app(script, library=library)


def test_a_drive_that_leaves_and_comes_back_is_noticed(run_app, saved, library, tmp_path, monkeypatch):
    here, away = pretend_drive(monkeypatch, tmp_path / "here"), tmp_path / "away"

    def script(hands):
        window, status = hands.window, hands.session.indexing
        hands.wait(lambda: hands.stage.moment is not None and status.status.coverage.searched)
        here.rename(away)
        hands.wait(lambda: str(here / "clip.mp4") in window.selects.delegate.missing)
        hands.wait(lambda: status.status.coverage.offline)
        away.rename(here)
        hands.wait(lambda: not window.selects.delegate.missing)
        hands.wait(lambda: not status.status.coverage.offline)

    run_app(script, saved, here, library=library)


@pytest.mark.parametrize("is_noticed", [True, False], ids=["noticed", "too quick to be noticed"])
def test_the_message_about_a_lost_picture_goes_when_the_picture_is_back(
    make_window, qtbot, tmp_path, monkeypatch, is_noticed
):
    if not is_noticed:
        monkeypatch.setattr(presence, "EVERY_MS", 3_600_000)
    window, clip, away = make_window("clip.mov"), tmp_path / "clip.mov", tmp_path / "away"
    stage, moment = window.stage, window.stage.moment
    shown = []
    stage.player.frame_shown.connect(shown.append)
    qtbot.waitUntil(lambda: bool(shown), timeout=WAIT_MS)
    stage.show(None)  # the file is closed, and no picture of it is kept
    qtbot.waitUntil(lambda: not is_open(clip), timeout=WAIT_MS)
    clip.rename(away)
    if is_noticed:
        qtbot.waitUntil(lambda: str(clip) in window.selects.delegate.missing, timeout=WAIT_MS)
    stage.show(moment)
    qtbot.waitUntil(lambda: "clip.mov can't be shown: file not found" in window.notice.text(), timeout=WAIT_MS)
    del shown[:]
    away.rename(clip)
    if not is_noticed:
        stage.go_by(1)
    qtbot.waitUntil(lambda: bool(shown) and window.notice.text() == "", timeout=WAIT_MS)
    stage.toggle_play()
    qtbot.waitUntil(lambda: len(shown) > 3, timeout=WAIT_MS)
    stage.player.pause()
    assert window.notice.text() == ""
