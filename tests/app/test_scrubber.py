"""The refinement scrubber, by pointer, keys and screen reader: on real footage, tiny files and ten hours."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import (
    QAccessible,
    QNativeGestureEvent,
    QPointingDevice,
    QWheelEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.app.scrubbing import footage, handle, moment_of, row, x_of
from tests.app.test_player import WAIT_MS, pixels, whole
from tests.footage.recipes import MAKERS
from tests.media import read_number
from tr_desktop.app.look import theme
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.app.scrubber.edge_handle import EdgeHandle
from tr_desktop.app.scrubber.geometry import Edge
from tr_desktop.app.scrubber.overview import Overview
from tr_desktop.app.scrubber.scrubber import Scrubber
from tr_desktop.app.scrubber.state import ScrubberState
from tr_desktop.app.scrubber.step_row import LEFT_PX, StepRow
from tr_desktop.app.scrubber.time_lane import TimeLane
from tr_desktop.moments import FrameTimes, Media, Segment


def test_pointing_and_keys_move_the_playhead(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage()))
    frames: list[int] = []
    scrubber.frame_requested.connect(frames.append)
    lane = scrubber.findChild(TimeLane)
    x = round(x_of(scrubber, 80)) - LEFT_PX
    QTest.mousePress(lane, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(x, 10))
    QTest.mouseRelease(lane, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(x, 10))
    assert frames[-1] in (79, 80) and lane.value() == frames[-1]
    at = frames[-1]
    QTest.keyClick(lane, Qt.Key.Key_Right)
    QTest.keyClick(lane, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert frames[-2:] == [at + 1, at - 29]


def test_zoom_pan_and_fit(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage(30 * 3600)))
    fitted = x_of(scrubber, 101) - x_of(scrubber, 58)
    scrubber.zoom(2)
    assert x_of(scrubber, 101) - x_of(scrubber, 58) == pytest.approx(2 * fitted, abs=3)
    before = x_of(scrubber, 70)
    wheel = QWheelEvent(
        QPointF(x_of(scrubber, 70), 60),
        scrubber.mapToGlobal(QPointF(x_of(scrubber, 70), 60)),
        QPoint(),
        QPoint(0, -240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(scrubber, wheel)
    assert x_of(scrubber, 70) == pytest.approx(before, abs=2)
    scrubber.fit_file()
    assert not handle(scrubber, Edge.IN).isHidden()
    overview = scrubber.findChild(Overview)
    QTest.mouseClick(overview, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, overview.rect().center())
    scrubber.fit_moment()
    assert x_of(scrubber, 101) - x_of(scrubber, 58) == pytest.approx(fitted, abs=2)
    QTest.mouseClick(overview, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, overview.rect().center())
    assert handle(scrubber, Edge.IN).isHidden()  # half an hour away
    scrubber.set_playhead(60)  # playing there: the view follows
    assert not handle(scrubber, Edge.IN).isHidden()


def test_a_pinch_zooms_around_the_fingers_and_the_wheel_with_shift_pans(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage(30 * 3600)))
    at, width = x_of(scrubber, 70), x_of(scrubber, 101) - x_of(scrubber, 58)
    here, there = QPointF(at, 60), scrubber.mapToGlobal(QPointF(at, 60))
    touchpad = QPointingDevice.primaryPointingDevice()
    kind = Qt.NativeGestureType.ZoomNativeGesture
    QApplication.sendEvent(scrubber, QNativeGestureEvent(kind, touchpad, 2, here, here, there, 1.0, QPointF()))
    assert x_of(scrubber, 101) - x_of(scrubber, 58) == pytest.approx(2 * width, abs=3)
    assert x_of(scrubber, 70) == pytest.approx(at, abs=2)
    no_button, no_phase, shift = (
        Qt.MouseButton.NoButton,
        Qt.ScrollPhase.NoScrollPhase,
        Qt.KeyboardModifier.ShiftModifier,
    )
    wheel = QWheelEvent(here, there, QPoint(), QPoint(0, -120), no_button, shift, no_phase, False)
    QApplication.sendEvent(scrubber, wheel)
    assert x_of(scrubber, 70) == pytest.approx(at - 60, abs=2)
    assert x_of(scrubber, 101) - x_of(scrubber, 58) == pytest.approx(2 * width, abs=3)


def test_screen_readers_get_roles_names_values_and_ranges(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage()))
    tree = QAccessible.queryAccessibleInterface(scrubber)
    assert tree.text(QAccessible.Text.Name) == "Refinement scrubber"
    found = [tree.child(index) for index in range(tree.childCount())]
    sliders = {i.text(QAccessible.Text.Name): i for i in found if i.role() == QAccessible.Role.Slider}
    assert set(sliders) == {
        "Playhead 01:00:01:28",
        "In point 01:00:01:28: exact cut (confidence 90 %)",
        "Out point 01:00:03:11: soft (confidence 70 %)",
    }
    edge = sliders["Out point 01:00:03:11: soft (confidence 70 %)"].valueInterface()
    assert (edge.minimumValue(), edge.currentValue(), edge.maximumValue()) == (0, 101, 300)
    group = next(i for i in found if i.text(QAccessible.Text.Name) == "Refinement steps")
    rows = [group.child(index) for index in range(group.childCount())]
    steps = [i for i in rows if i.role() in (QAccessible.Role.CheckBox, QAccessible.Role.RadioButton)]
    assert [step.state().checked for step in steps] == [0, 0, 1]
    names = [step.text(QAccessible.Text.Name) for step in steps]
    assert names[0] == "Rough: in 01:00:01:10: check (confidence 30 %); out 01:00:04:00: check (confidence 20 %)"
    assert names[2].startswith("Step 2, looked closer, kept: in 01:00:01:28: exact cut (confidence 90 %)")
    scrubber.set_label(lambda frame: f"#{frame}")
    assert handle(scrubber, Edge.IN).accessibleName() == "In point #58: exact cut (confidence 90 %)"


def test_everything_can_be_reached_by_tab(qtbot: QtBot, scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage()))
    scrubber.activateWindow()
    scrubber.findChild(TimeLane).setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(lambda: scrubber.focusWidget() is not None)
    seen = []
    for _ in range(6):
        seen.append(type(scrubber.focusWidget()).__name__)
        QTest.keyClick(scrubber.focusWidget(), Qt.Key.Key_Tab)
    assert seen == ["TimeLane", "EdgeHandle", "EdgeHandle", "StepRow", "StepRow", "StepRow"]


def test_targets_are_large_enough(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage(), [(10, 11, 0.1, 0.1)] * 9))
    scrubber.resize(scrubber.minimumSizeHint())
    for widget in (*scrubber.findChildren(EdgeHandle), *scrubber.findChildren(StepRow)):
        if widget.isVisible():
            assert widget.width() >= 8 and widget.height() >= 8
    last = row(scrubber, 8)
    assert last.mapTo(scrubber, last.rect().bottomLeft()).y() <= scrubber.height()


@pytest.mark.parametrize(
    ("media", "times", "segment"),
    [
        (*footage(1), Segment(0, 1)),
        (*footage(48, Fraction(24)), Segment(0, 1)),
        (*footage(48, Fraction(24)), Segment(47, 48)),
        (*footage(36000 * 60, Fraction(60)), Segment(0, 1)),
        (*footage(36000 * 60, Fraction(60)), Segment(36000 * 60 - 1, 36000 * 60)),
        (*footage(ticks=[0, 20, 80, 113, 1147, 1180, 5250, 5290]), Segment(4, 7)),
    ],
)
def test_the_shortest_and_the_longest_files_show_their_moments(
    scrubber: Scrubber, media: Media, times: FrameTimes, segment: Segment
) -> None:
    moment = moment_of(media, times, [(0, len(times), 0.1, 0.1), (segment.start_frame, segment.end_frame, 1, 1)])
    scrubber.show_moment(moment)
    scrubber.set_curve(np.random.default_rng(0).random(max(len(times) // 30, 1), np.float32), [0, len(times) - 1])
    scrubber.select_step(1)
    for act in (scrubber.fit_moment, scrubber.fit_file, *[lambda: scrubber.zoom(8)] * 8, scrubber.fit_moment):
        act()
        scrubber.grab()
    scrubber.select_step(1)
    assert handle(scrubber, Edge.IN).value() == segment.start_frame
    assert handle(scrubber, Edge.OUT).value() == segment.end_frame
    committed: list[Segment] = []
    scrubber.segment_committed.connect(committed.append)
    scrubber.nudge(Edge.IN, -1)
    scrubber.nudge(Edge.OUT, 1)
    assert committed[-1] == Segment(max(segment.start_frame - 1, 0), min(segment.end_frame + 1, len(times)))


def test_the_filmstrip_shows_the_frames_that_are_there(qtbot: QtBot, scrubber: Scrubber, tmp_path: Path) -> None:
    media, times = whole(MAKERS["gop250.mp4"](tmp_path / "gop250.mp4"))
    thumbnails = Thumbnails()
    scrubber.set_thumbnails(thumbnails)
    scrubber.resize(1000, 500)
    scrubber.show_moment(moment_of(media, times, [(0, 300, 0.5, 0.5)]))  # nothing is dimmed
    scrubber.fit_file()
    scrubber.zoom(4)
    lane = scrubber.findChild(TimeLane)
    top, height = handle(scrubber, Edge.IN).y() - lane.y(), 64
    width = height * 160 // 120

    def cells() -> list[tuple[int, int]]:
        """(x, number) of the pictures that can be read."""
        picture, found = pixels(lane.grab().toImage())[top : top + height], []
        for x in range(20, lane.width() - width):
            with suppress(ValueError):
                found.append((x, read_number(picture[:, x : x + width])))
        return found

    frames: list[int] = []
    scrubber.frame_requested.connect(frames.append)
    frames_a_cell = width / (lane.width() / 75)

    def each_is_where_a_click_goes() -> None:
        """Until its own picture is there, a cell may show its neighbour's."""
        found = cells()
        assert len({number for _, number in found}) >= 8
        for x, number in found:
            QTest.mouseClick(lane, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(x, 5))
            assert abs(number - frames[-1]) <= frames_a_cell / 2

    try:
        qtbot.waitUntil(each_is_where_a_click_goes, timeout=WAIT_MS)
    finally:
        thumbnails.shut_down()


def test_nothing_shown_takes_no_harm(scrubber: Scrubber) -> None:
    scrubber.walk(1)
    scrubber.nudge(Edge.IN, 1)
    scrubber.zoom(2)
    scrubber.fit_file()
    scrubber.set_playhead(3)
    scrubber.set_curve(None, [])
    scrubber.set_segment(Segment(1, 2))
    assert scrubber.segment() is None
    empty = scrubber.grab().toImage()
    scrubber.show_moment(moment_of(*footage()))
    scrubber.clear()
    QTest.keyClick(scrubber.findChild(TimeLane), Qt.Key.Key_Left)
    assert scrubber.grab().toImage() == empty


def test_the_part_of_a_file_that_is_not_read_is_marked(qtbot: QtBot, qapp: QApplication) -> None:
    theme.use(qapp, theme.Theme.DARK)
    media, times = footage()
    for is_whole, share in ((True, 1.0), (False, 0.25)):
        moment = moment_of(replace(media, duration_s=4 * times.duration_s), times)
        overview = Overview(whole_of := QWidget())
        qtbot.addWidget(whole_of)
        overview.resize(400, 20)
        found = replace(moment, footage=replace(moment.footage, is_whole=is_whole))
        overview.show_state(ScrubberState.of(found, 800, None))
        assert abs(overview.x_of(len(times)) - 400 * share) <= 1
        assert ("not read yet" in overview.toolTip()) is not is_whole
