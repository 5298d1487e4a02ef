"""Ratings of selects and colours of markers: set by keys and menus, undone, saved and exported."""

import csv

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QColor, QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from tests.app.scrubbing import footage, moment_of, x_of
from tests.app.test_player import pixels
from tr_desktop.app.look.marks import marker_colour
from tr_desktop.app.look.settings import Settings
from tr_desktop.app.scrubber.scrubber import Scrubber
from tr_desktop.app.scrubber.time_lane import TimeLane
from tr_desktop.moments import MARKER_COLOURS, MAX_RATING, Mark
from tr_desktop.projects.project import Project


def choose(hands, menu: QMenu, text: str) -> None:
    """Choose an entry of an open menu, and go back to the window."""
    assert menu.isVisible()
    next(action for action in menu.actions() if action.text() == text).trigger()
    menu.close()
    hands.window.activateWindow()
    hands.wait(hands.window.isActiveWindow)


def ask_for_menu(widget: QWidget, at: QPoint, reason=QContextMenuEvent.Reason.Mouse) -> None:
    QApplication.sendEvent(widget, QContextMenuEvent(reason, at, widget.mapToGlobal(at)))


@pytest.fixture
def exported(tmp_path):
    """Saves and exports; returns the saved select and its row in the exported list."""

    def export(hands):
        project, out = tmp_path / "cut.trproj", tmp_path / "cut.csv"
        hands.session.editing.save(project)
        hands.wait(lambda: not hands.session.editing.project.is_changed)
        panel = hands.window.export
        panel.choose_format("csv")
        panel.out.setText(str(out))
        panel.run()
        hands.wait(lambda: "read back" in panel.message() and panel.start.isEnabled())
        (row,) = csv.DictReader(out.open())
        return Project.load(project).selects[0], row

    return export


def accepted(hands) -> None:
    hands.wait(lambda: hands.session.engine is not None)
    hands.search("a cat")
    hands.press("Return")
    hands.wait(lambda: hands.session.editing.project.selects)


def test_a_select_is_rated_by_keys_and_menus(run_app, sample, library, exported):
    def script(hands):
        window = hands.window

        def rating():
            return hands.stage.decision.rating

        def read_out():
            return window.selects.model.data(window.selects.model.index(0), Qt.ItemDataRole.AccessibleTextRole)

        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.press("4")
        assert rating() == 0 and not hands.session.editing.project.decisions  # not a select
        hands.press("Return", "3")
        assert rating() == 3 and "rating 3" in read_out()
        hands.press("Ctrl+Z")
        assert rating() == 0 and "rating" not in read_out()
        hands.press("Ctrl+Y", "5", "F2")
        hands.type("2")  # letters and figures are text in a field
        hands.press("Return")
        assert rating() == 5 and hands.stage.decision.name == "2"
        window.findChild(QAction, "select.rate-1").trigger()
        assert rating() == 1
        row = window.selects.list.visualRect(window.selects.model.index(0))
        unrated = pixels(window.selects.list.viewport().grab(row).toImage())
        ask_for_menu(window.selects.list.viewport(), row.center())
        assert [action.isChecked() for action in window.selects.menu.actions()] == [n == 1 for n in range(6)]
        choose(hands, window.selects.menu, "Rating 4")
        assert rating() == 4
        assert (pixels(window.selects.list.viewport().grab(row).toImage()) != unrated).any()
        select, line = exported(hands)
        assert select.rating == 4 and line["rating"] == "4" and select.name == "2"
        hands.press("Ctrl+1", "Escape")
        window.stage.rate(0)
        assert rating() == 0

    run_app(script, sample, library=library)


def test_a_marker_gets_a_colour_from_its_menu_and_the_next_one_has_it_too(run_app, sample, library, exported, tmp_path):
    def script(hands):
        stage, lane = hands.stage, hands.stage.scrubber.findChild(TimeLane)
        menu = stage.scrubber.marker_menu

        def markers():
            return [(marker.frame, marker.colour) for marker in stage.decision.markers]

        def x_of(frame):
            return next(x for x in range(lane.width()) if stage.scrubber._state.view.frame_at(x) >= frame)

        accepted(hands)
        stage.go(250)
        hands.press("M")
        stage.go(300)
        ask_for_menu(lane, QPoint(x_of(300), 5))
        assert not menu.isVisible()  # nothing is there
        ask_for_menu(lane, QPoint(x_of(250), 5))
        choose(hands, menu, "Red")
        assert markers() == [(250, "red")]
        hands.press("M")
        assert markers() == [(250, "red"), (300, "red")]
        hands.wait(lambda: stage.scrubber._state.playhead == 300)  # it follows when a picture is shown
        lane.setFocus()
        ask_for_menu(lane, QPoint(0, 0), QContextMenuEvent.Reason.Keyboard)  # of the one at the playhead
        choose(hands, menu, "Purple")
        assert markers() == [(250, "red"), (300, "purple")]
        hands.press("Ctrl+Z")
        assert markers() == [(250, "red"), (300, "red")]
        hands.press("Ctrl+Y")
        stage.go(280)
        hands.window.findChild(QAction, "marker.green").trigger()
        assert markers() == [(250, "red"), (280, "green"), (300, "purple")]
        ask_for_menu(lane, QPoint(x_of(250), 5))
        choose(hands, menu, "Remove marker")
        assert markers() == [(280, "green"), (300, "purple")]
        select, line = exported(hands)
        assert [(marker.frame, marker.colour) for marker in select.markers] == markers()
        assert " green" in line["markers"] and " purple" in line["markers"]

    run_app(script, sample, library=library)
    assert Settings(tmp_path / "settings").marker_colour == "green"


def test_the_timeline_draws_markers_in_their_colours(scrubber: Scrubber):
    scrubber.show_moment(moment_of(*footage()))
    scrubber.set_playhead(101)
    frames = range(60, 60 + 5 * len(MARKER_COLOURS), 5)
    marks = [Mark(frame, colour=colour) for frame, colour in zip(frames, MARKER_COLOURS, strict=True)]
    scrubber.set_markers(marks)
    lane = scrubber.findChild(TimeLane)
    picture = lane.grab().toImage()
    for mark in marks:
        x = round(x_of(scrubber, mark.frame)) - lane.x()
        seen = {QColor(picture.pixel(x, y)).name() for y in range(30)}
        assert marker_colour(mark.colour).name() in seen, mark


def test_a_rating_outside_its_range_is_refused(make_window):
    window = make_window("clip.mov")
    for rating in (-1, MAX_RATING + 1):
        with pytest.raises(ValueError, match="rating"):
            window.stage.rate(rating)
    assert window.stage.decision.rating == 0
