"""The window: its texts, colours, accessibility and speed."""

import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFileOpenEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QProgressBar,
    QWidget,
)

from tests.drives import pretend_drive
from tr_desktop.app.look import theme
from tr_desktop.app.panels.results import ResultsPanel
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.app.shell.side_panel import Side
from tr_desktop.app.work.searching import Results
from tr_desktop.grounding import find
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack

GROUNDS = ("well", "window", "panel", "raised", "hover", "accent_ground")
INKS = ("text", "dim", "accent", "good", "warn", "bad")


@pytest.fixture
def cat(sample, library):
    with Catalog(library) as catalog:
        return find("a cat", [sample], catalog, Encoder(load_pack("mini"))).moments[0]


@pytest.mark.parametrize("colours", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_all_text_has_enough_contrast_on_every_background(colours):
    for ink in INKS:
        for ground in GROUNDS:
            assert theme.contrast_ratio(getattr(colours, ink), getattr(colours, ground)) >= 4.5, (ink, ground)
    assert theme.contrast_ratio(colours.on_accent, colours.accent) >= 4.5
    assert {field.name for field in fields(colours)} >= {*INKS, *GROUNDS}


def test_the_contrast_ratio_follows_the_standard():
    assert theme.contrast_ratio("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast_ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_themes_change_at_once_and_are_remembered(run_app, sample, library):
    def script(hands):
        assert theme.colours() is theme.DARK
        hands.press("Ctrl+Shift+T")
        assert theme.colours() is theme.LIGHT

    run_app(script, sample, library=library)
    run_app(lambda _: None, sample, library=library)
    assert theme.colours() is theme.LIGHT


def test_every_control_has_an_accessible_name_and_tab_reaches_the_main_ones(run_app, sample, library):
    def script(hands):
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.press("Return", "Ctrl+Shift+F")
        for side in Side:
            hands.window.show_side(side)
            kinds = QAbstractButton | QLineEdit | QComboBox | QAbstractSpinBox | QAbstractItemView | QProgressBar
            for widget in hands.window.findChildren(QWidget):
                is_inner = isinstance(widget.parent(), QAbstractSpinBox | QComboBox | QLineEdit)
                if isinstance(widget, kinds) and widget.isVisible() and not is_inner:
                    text = widget.text() if isinstance(widget, QAbstractButton) else ""
                    assert widget.accessibleName() or text, widget
        hands.window.search.field.setFocus()
        passed = set()
        for _ in range(60):
            QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
            passed.add(QApplication.focusWidget())
        window = hands.window
        assert {window.results.list, window.search.field, window.stage.transport.play, window.export.format} <= passed

    run_app(script, sample, library=library)


def test_files_that_cannot_be_searched_are_listed_with_the_reason(run_app, sample, library, tmp_path):
    folder = tmp_path / "footage"
    folder.mkdir()
    (folder / "clip.mp4").write_bytes(sample.read_bytes())
    (folder / "empty.mov").touch()
    (folder / "notes.txt").write_text("notes")

    def script(hands):
        hands.wait(lambda: len(hands.session.indexing.status.coverage.skipped) == 2)
        hands.wait(lambda: len(hands.session.indexing.status.coverage.searched) == 1)
        panel = hands.window.library
        assert "1 of 2 files can be searched" in hands.window.statusBar().findChild(QLabel).text()
        reasons = {"an empty file": ["empty.mov"], "not footage: a document or data file": ["notes.txt"]}
        assert panel.reasons() == reasons

    run_app(script, folder, library=library)


def test_a_missing_folder_is_listed_and_the_rest_is_searched(run_app, sample, library, tmp_path):
    def script(hands):
        hands.wait(lambda: hands.session.indexing.status.missing)
        hands.search("a cat")
        assert hands.stage.moment is not None
        assert hands.window.library.reasons()["not found"] == [str(tmp_path / "unplugged")]

    run_app(script, tmp_path / "unplugged", sample, library=library)


def test_footage_on_an_unplugged_drive_is_offline_and_found(run_app, library, sample, tmp_path, monkeypatch):
    drive = pretend_drive(monkeypatch, tmp_path / "drive")
    drive.mkdir()
    (drive / "clip.mp4").write_bytes(sample.read_bytes())
    run_app(lambda hands: hands.wait(lambda: hands.session.indexing.status.coverage.searched), drive, library=library)
    (drive / "clip.mp4").rename(tmp_path / "elsewhere.mp4")
    drive.rmdir()

    def script(hands):
        hands.wait(lambda: hands.session.indexing.status.coverage.offline)
        hands.search("a cat")
        assert hands.session.searching.results.moments
        assert "1 offline" in hands.window.statusBar().findChild(QLabel).text()

    run_app(script, library=library)


def test_errors_are_sentences(run_app, sample, library, tmp_path):
    damaged = tmp_path / "damaged.trproj"
    damaged.write_text("{")

    def script(hands):
        hands.wait(lambda: "isn't a TimeRefine Desktop project" in hands.window.notice.text())
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("-coffee")
        assert "only has terms to leave out" in hands.results.message()
        hands.search("a cat")
        hands.press("Return", "E")
        hands.window.export.out.setText(str(tmp_path / "nowhere" / "x.edl"))
        hands.window.export.run()
        hands.wait(lambda: "can't be written" in hands.window.export.message())
        hands.press("G")
        hands.type("soon")
        hands.press("Return")
        assert "isn't a position in the footage" in hands.window.notice.text()

    run_app(script, sample, damaged, library=library)


def test_a_notice_covers_no_step_and_disappears_unless_it_is_an_error(run_app, sample, library, monkeypatch):
    monkeypatch.setattr("tr_desktop.app.look.widgets._READ_MS", 50)

    def script(hands):
        window, notice = hands.window, hands.window.notice
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        window.say("Done.")
        assert not notice.geometry().intersects(QRect(hands.stage.timeline.mapTo(window, QPoint()), window.size()))
        hands.wait(lambda: not notice.isVisible())
        notice.say("It broke.", is_error=True)
        hands.qtbot.wait(200)
        assert notice.isVisible()

    run_app(script, sample, library=library)


def test_a_missing_pack_is_reported(run_app, sample):
    def script(hands):
        hands.wait(lambda: "no-such-pack" in hands.window.notice.text())

    run_app(script, sample, "--model", "no-such-pack")


def test_a_project_that_the_system_asks_to_open_is_opened(run_app, tmp_path, monkeypatch):
    project = tmp_path / "cut.trproj"
    project.write_text('{"schema": 1, "selects": []}')
    here = sys.platform
    # Finder starts the app without arguments, and says afterwards which file was double-clicked.
    monkeypatch.setattr("sys.platform", "darwin")

    def script(hands):
        monkeypatch.setattr("sys.platform", here)
        QApplication.sendEvent(QApplication.instance(), QFileOpenEvent(str(project)))
        hands.wait(lambda: hands.session.editing.project.path == project)

    run_app(script)


def test_files_are_dragged_in_and_written_files_out(run_app, sample, library, tmp_path):
    def script(hands):
        window = hands.window
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(sample))])
        at, left, none = QPointF(400, 300), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        enter = QDragEnterEvent(QPoint(400, 300), Qt.DropAction.CopyAction, data, left, none)
        QApplication.sendEvent(window, enter)
        assert enter.isAccepted()
        QApplication.sendEvent(window, QDropEvent(at, Qt.DropAction.CopyAction, data, left, none))
        assert hands.session.indexing.folders == [sample]
        hands.wait(lambda: hands.session.indexing.status.coverage.searched)
        hands.search("a cat")
        hands.press("Return", "E")
        window.export.choose_format("h264")
        window.export.out.setText(str(tmp_path / "clips"))
        window.export.run()
        hands.wait(lambda: window.export.files.count() == 1)
        (url,) = window.export.files.mimeData([window.export.files.item(0)]).urls()
        assert Path(url.toLocalFile()).parent == tmp_path / "clips" and Path(url.toLocalFile()).stat().st_size > 1000

    run_app(script, library=library)


def test_enter_in_a_number_applies_the_filter(run_app, sample, library):
    def script(hands):
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.press("Ctrl+Shift+F")
        hands.window.search.longer.setFocus()
        hands.window.search.longer.selectAll()
        hands.type("3600")
        hands.press("Return")
        hands.wait(lambda: "shorter than 3600 s" in str(hands.session.searching.results.error))

    run_app(script, sample, library=library)


def test_filters_and_history(run_app, sample, library):
    def script(hands):
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.press("Ctrl+Shift+F")
        hands.type("nothing*.mov")
        hands.press("Return")
        hands.wait(
            lambda: hands.session.searching.results.is_final and hands.session.searching.results.error is not None
        )
        assert "left by the filters: its name isn't nothing*.mov" in str(hands.session.searching.results.error)
        hands.window.search.after.setText("someday")
        hands.window.search.search()
        assert "isn't a date" in hands.window.notice.text()
        hands.press("Ctrl+Shift+F")
        assert hands.window.search.active.isVisible()  # they count, although their fields are hidden
        hands.window.search.active.click()
        hands.search("a rocket")
        assert hands.session.settings.queries[:2] == ["a rocket", "a cat"]

    run_app(script, sample, library=library)


def test_footage_like_a_frame_is_found(run_app, sample, library):
    def script(hands):
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.wait(lambda: hands.stage.moment is not None)
        hands.stage.go(400)  # the rocket
        hands.press("Shift+F")
        hands.wait(
            lambda: (
                hands.session.searching.results.is_final and hands.session.searching.results.query.startswith("like ")
            )
        )
        assert hands.session.searching.results.error is None
        before = hands.session.searching.results
        assert hands.window.search.chip.isVisible() and hands.window.search.field.text() == ""
        hands.press("Ctrl+F", "Return")
        hands.wait(lambda: hands.session.searching.results is not before and hands.session.searching.results.is_final)
        assert hands.session.searching.results.moments == before.moments
        hands.search("a cat")
        assert not hands.window.search.chip.isVisible()

    run_app(script, sample, library=library)


def test_ten_thousand_results_draw_only_the_visible_ones(cat, no_leaks, qtbot):
    thumbnails = Thumbnails()
    panel = ResultsPanel(thumbnails)
    qtbot.addWidget(panel)
    panel.resize(320, 600)
    moments = tuple(replace(cat, query=f"a cat {number}") for number in range(10_000))
    panel.set_results(Results("a cat", moments, is_final=True))
    drawn = []
    paint = type(panel.list.delegate).paint
    panel.list.delegate.paint = lambda *args: (drawn.append(1), paint(panel.list.delegate, *args))  # type: ignore
    panel.show()
    panel.list.scrollTo(panel.list.moments.index(9_000))
    panel.grab()
    assert panel.list.moments.rowCount() == 10_000 and len(drawn) < 50
    thumbnails.shut_down()


def test_hovering_a_poster_goes_through_the_moment_and_no_farther(cat, no_leaks, qtbot):
    thumbnails = Thumbnails()
    panel = ResultsPanel(thumbnails)
    qtbot.addWidget(panel)
    panel.resize(320, 600)
    panel.set_results(Results("a cat", (cat,), is_final=True))
    panel.show()
    asked = []
    request = thumbnails.request
    thumbnails.request = lambda footage, frame, px: (asked.append(frame), request(footage, frame, px))
    box = panel.list.delegate.poster_rect(panel.list.visualRect(panel.list.moments.index(0)))
    for share in (0.0, 0.3, 0.99):
        QTest.mouseMove(panel.list.viewport(), QPoint(box.left() + int(share * box.width()), box.center().y()))
        panel.grab()
    assert set(asked) <= set(range(cat.segment.start_frame, cat.segment.end_frame))
    assert min(asked) == cat.segment.start_frame and len(set(asked)) >= 3
    thumbnails.shut_down()
