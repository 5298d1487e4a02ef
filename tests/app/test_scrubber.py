"""The refinement scrubber, by pointer, keys and screen reader: on real footage, tiny files and ten hours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QKeySequence,
    QNativeGestureEvent,
    QPointingDevice,
    QShortcut,
    QWheelEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.app.leaks import no_leaks  # noqa: F401
from tests.app.test_player import WAIT_MS, pixels, whole
from tests.footage.recipes import MAKERS
from tests.media import read_number
from tr_desktop.app.look import motion, theme
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.app.scrubber.edge_handle import EdgeHandle
from tr_desktop.app.scrubber.geometry import Edge
from tr_desktop.app.scrubber.overview import Overview
from tr_desktop.app.scrubber.scrubber import Scrubber
from tr_desktop.app.scrubber.state import YOURS, ScrubberState
from tr_desktop.app.scrubber.step_row import LEFT_PX, StepRow
from tr_desktop.app.scrubber.time_lane import TimeLane
from tr_desktop.moments import Footage, FrameTimes, Media, Moment, Refinement, RefineStep, Segment, StepSource
from tr_desktop.timecode import Timecode

STEPS = [(40, 120, 0.3, 0.2), (50, 110, 0.5, 0.4), (58, 101, 0.9, 0.7)]


def footage(
    frames: int = 300, rate: Fraction = Fraction(30), *, ticks: list[int] | None = None
) -> tuple[Media, FrameTimes]:
    media = Media(
        Path("/nowhere/a.mov"), 1, 1, 1920, 1080, rate, Timecode.parse("01:00:00:00", rate), is_vfr=ticks is not None
    )
    if ticks is not None:
        return media, FrameTimes(ticks, ticks[-1] + 40, Fraction(1, 1000))
    return media, FrameTimes(range(frames), frames, 1 / rate)


def moment_of(
    media: Media, times: FrameTimes, steps: list[tuple[int, int, float, float]] | None = None, stop: int | None = None
) -> Moment:
    taken = tuple(
        RefineStep(
            number,
            Segment(start, end),
            times.time_s(start),
            times.time_s(end),
            0.5 + number / 10,
            in_sure,
            out_sure,
            by=StepSource.FRAMES if number >= 2 else StepSource.INDEX,
        )
        for number, (start, end, in_sure, out_sure) in enumerate(steps or STEPS)
    )
    return Moment(
        Footage(media, times), Refinement(taken, len(taken) - 1 if stop is None else stop), 0.8, True, "a dog"
    )


@pytest.fixture
def scrubber(
    no_leaks: None,  # noqa: F811
    qtbot: QtBot,
    qapp: QApplication,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Scrubber]:
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


def handle(scrubber: Scrubber, edge: Edge) -> EdgeHandle:
    return next(found for found in scrubber.findChildren(EdgeHandle) if found.edge is edge)


def row(scrubber: Scrubber, step: int) -> StepRow:
    return next(found for found in scrubber.findChildren(StepRow) if found.step == step and found.isVisible())


def x_of(scrubber: Scrubber, boundary: int) -> float:
    """Of a frame boundary in the scrubber, as its handles and their surroundings show."""
    ends = {boundary: 0.0}
    for edge in Edge:
        found = handle(scrubber, edge)
        ends[found.value()] = found.geometry().center().x() + 0.5
    known = [(value, x) for value, x in ends.items() if x]
    (a, x_a), (b, x_b) = known[0], known[-1]
    return x_a + (boundary - a) * (x_b - x_a) / (b - a)


def drag(
    widget: QWidget, to_px: float, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier, *, drop: bool = True
) -> None:
    """Take the middle of `widget` along the parent to `to_px`."""
    start = widget.rect().center()
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, keys, start)
    target = QPoint(round(to_px), widget.geometry().center().y())
    for share in (0.3, 0.7, 1.0):
        now = widget.mapToParent(widget.rect().center())
        at = QPointF(now + (target - now) * share)
        _move(widget, at, keys)
    if drop:
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, keys, widget.rect().center())


def _move(widget: QWidget, in_parent: QPointF, keys: Qt.KeyboardModifier) -> None:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    local = widget.mapFromParent(in_parent)
    button = Qt.MouseButton.LeftButton
    event = QMouseEvent(QEvent.Type.MouseMove, local, widget.mapToGlobal(local), Qt.MouseButton.NoButton, button, keys)
    QApplication.sendEvent(widget, event)


def test_walking_the_steps_selects_them_and_asks_for_their_in_points(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage()))
    selected: list[int] = []
    frames: list[int] = []
    scrubber.step_selected.connect(selected.append)
    scrubber.frame_requested.connect(frames.append)
    assert scrubber.selected_step() == 2
    for direction in (-1, -1, -1, 1):
        scrubber.walk(direction)
    assert selected == [1, 0, 0, 1] and frames == [50, 40, 40, 50]
    assert scrubber.segment() == Segment(50, 110)
    assert [handle(scrubber, edge).value() for edge in Edge] == [50, 110]
    QTest.mouseClick(row(scrubber, 0), Qt.MouseButton.LeftButton)
    assert scrubber.selected_step() == 0 and frames[-1] == 40


def test_a_step_is_kept_by_key_double_click_or_button(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage()))
    kept: list[int] = []
    scrubber.keep_step_requested.connect(kept.append)
    scrubber.select_step(1)
    QTest.keyClick(row(scrubber, 1), Qt.Key.Key_Return)
    QTest.mouseDClick(row(scrubber, 0), Qt.MouseButton.LeftButton)
    button = next(child for child in row(scrubber, 1).children() if isinstance(child, QWidget))
    assert button.isVisible() and button.accessibleName() == "Keep step 1"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert kept == [1, 0, 1]
    QTest.keyClick(row(scrubber, 2), Qt.Key.Key_Return)  # it counts already
    assert kept == [1, 0, 1]
    scrubber.set_kept(1)
    assert "kept" in row(scrubber, 1).accessibleName() and "kept" not in row(scrubber, 2).accessibleName()
    assert not button.isVisible()


def test_dragging_an_edge_previews_snaps_and_commits(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage()))
    scrubber.set_curve(np.linspace(0, 1, 20, dtype=np.float32), [70, 200], Fraction(1, 2))
    changing: list[Segment] = []
    committed: list[Segment] = []
    frames: list[int] = []
    scrubber.segment_changing.connect(changing.append)
    scrubber.segment_committed.connect(committed.append)
    scrubber.frame_requested.connect(frames.append)

    drag(handle(scrubber, Edge.IN), x_of(scrubber, 70) + 5)
    assert committed == [Segment(70, 101)] and changing[-1] == committed[-1] and frames[-1] == 70
    assert scrubber.selected_step() == YOURS and row(scrubber, YOURS).isVisible()
    assert scrubber.segment() == Segment(70, 101)

    drag(handle(scrubber, Edge.IN), x_of(scrubber, 70) + 5, Qt.KeyboardModifier.AltModifier)
    assert committed[-1].start_frame != 70 and committed[-1].end_frame == 101

    drag(handle(scrubber, Edge.OUT), x_of(scrubber, 90))
    assert committed[-1].end_frame == 90 and frames[-1] == 89  # the last frame that is inside
    drag(handle(scrubber, Edge.OUT), x_of(scrubber, 20))  # never past the other edge
    assert committed[-1].end_frame == committed[-1].start_frame + 1
    assert all(0 <= segment.start_frame < segment.end_frame <= 300 for segment in changing)


def test_escape_takes_a_drag_back(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage()))
    committed: list[Segment] = []
    scrubber.segment_committed.connect(committed.append)
    in_edge = handle(scrubber, Edge.IN)
    drag(in_edge, x_of(scrubber, 80), drop=False)
    assert scrubber.segment() == Segment(80, 101)
    QTest.keyClick(in_edge, Qt.Key.Key_Escape)
    QTest.mouseRelease(in_edge, Qt.MouseButton.LeftButton)
    assert scrubber.segment() == Segment(58, 101) and scrubber.selected_step() == 2
    assert committed == []


def test_a_click_on_an_edge_changes_nothing(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage()))
    committed: list[Segment] = []
    scrubber.segment_committed.connect(committed.append)
    QTest.mouseClick(handle(scrubber, Edge.IN), Qt.MouseButton.LeftButton)
    assert committed == [] and scrubber.selected_step() == 2


def test_arrows_nudge_the_edge_that_has_the_focus_before_the_windows_own_arrows(
    qtbot: QtBot, scrubber: Scrubber
) -> None:
    stolen: list[int] = []
    shortcut = QShortcut(QKeySequence(Qt.Key.Key_Right), scrubber)
    shortcut.activated.connect(lambda: stolen.append(1))
    scrubber.show_moment(moment_of(*footage()))
    committed: list[Segment] = []
    scrubber.segment_committed.connect(committed.append)
    scrubber.activateWindow()
    handle(scrubber, Edge.OUT).setFocus()
    qtbot.waitUntil(lambda: handle(scrubber, Edge.OUT).hasFocus())
    QTest.keyClick(handle(scrubber, Edge.OUT), Qt.Key.Key_Right)
    QTest.keyClick(handle(scrubber, Edge.OUT), Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert committed == [Segment(58, 102), Segment(58, 92)] and not stolen
    scrubber.nudge(Edge.IN, -1)
    assert committed[-1] == Segment(57, 92)
    for _ in range(80):
        scrubber.nudge(Edge.IN, -1)
    assert committed[-1] == Segment(0, 92)


def test_the_editors_own_edges_follow_undo(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage()))
    scrubber.set_segment(Segment(60, 99))
    assert scrubber.selected_step() == YOURS and scrubber.segment() == Segment(60, 99)
    scrubber.walk(-1)
    scrubber.set_segment(Segment(61, 99))
    assert scrubber.selected_step() == 2  # looking at another step isn't interrupted
    scrubber.walk(1)
    scrubber.set_segment(None)
    assert scrubber.selected_step() == 2 and scrubber.segment() == Segment(58, 101)
    scrubber.set_segment(Segment(58, 101))  # the kept step's own
    assert scrubber.selected_step() == 2


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


def test_steps_are_revealed_one_after_another_unless_motion_is_reduced(
    qtbot: QtBot, scrubber: Scrubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(motion, "is_reduced", lambda: False)
    moving = Scrubber()
    moving.resize(scrubber.size())
    media, times = footage()
    moving.show_moment(moment_of(media, times))
    rough_only = moving.grab().toImage()
    qtbot.waitUntil(lambda: moving.grab().toImage() != rough_only, timeout=WAIT_MS)
    moving.clear()
    moving.deleteLater()
    scrubber.show_moment(moment_of(media, times))  # made while motion was reduced
    all_at_once = scrubber.grab().toImage()
    assert all_at_once != rough_only
    qtbot.wait(50)
    assert scrubber.grab().toImage() == all_at_once


@pytest.mark.skipif(sys.platform != "linux", reason="other systems are asked in other ways")
def test_a_system_that_asks_for_less_motion_gets_none(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "gsettings"
    asked.write_text("#!/bin/sh\n[ $3 = enable-animations ] && echo false\n")
    asked.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert motion.is_reduced()
    shown = {}
    for is_reduced in (None, True, False):  # None: as the system has it
        with monkeypatch.context() as patch:
            if is_reduced is not None:
                patch.setattr(motion, "is_reduced", lambda is_reduced=is_reduced: is_reduced)
            scrubber = Scrubber()
        scrubber.resize(1000, 300)
        scrubber.show_moment(moment_of(*footage()))
        shown[is_reduced] = scrubber.grab().toImage()
        scrubber.clear()
        scrubber.deleteLater()
    assert shown[None] == shown[True] != shown[False]
    asked.write_text("#!/bin/sh\necho true\n")
    assert not motion.is_reduced()


def test_steps_can_come_one_by_one(scrubber: Scrubber) -> None:
    every = moment_of(*footage())
    scrubber.show_moment(replace(every, refinement=Refinement(every.refinement.steps[:1], 0)))
    for step in every.refinement.steps[1:]:
        scrubber.add_step(step)
        assert scrubber.selected_step() == step.step and scrubber.segment() == step.segment
        assert "kept" in row(scrubber, step.step).accessibleName()
    one_by_one = scrubber.grab().toImage()
    view = [handle(scrubber, edge).geometry() for edge in Edge]
    scrubber.show_moment(every)
    scrubber.set_playhead(40)
    assert [handle(scrubber, edge).geometry() for edge in Edge] == view  # nothing jumped
    assert scrubber.grab().toImage() == one_by_one


def test_kinds_of_steps_differ_in_shape_not_only_in_colour(scrubber: Scrubber, monkeypatch: pytest.MonkeyPatch) -> None:
    grey = QColor("#6ea8ff")
    monkeypatch.setattr(theme, "step_colour", lambda step: grey)
    same = [(60, 140, 0.5, 0.5)] * 4
    scrubber.show_moment(moment_of(*footage(), same, stop=3))
    scrubber.set_playhead(10)
    scrubber.select_step(3)
    left, right = round(x_of(scrubber, 60)), round(x_of(scrubber, 140))
    bars = []
    for step in range(4):
        picture = pixels(row(scrubber, step).grab().toImage())[4:-4, left : right - 4]
        bars.append(picture.mean(axis=2))
    for a in range(4):
        for b in range(a):
            assert np.abs(bars[a] - bars[b]).max() > 40, (a, b)


def test_screen_readers_get_roles_names_values_and_ranges(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage()))
    tree = QAccessible.queryAccessibleInterface(scrubber)
    assert tree.text(QAccessible.Text.Name) == "Refinement scrubber"
    found = [tree.child(index) for index in range(tree.childCount())]
    sliders = {i.text(QAccessible.Text.Name): i for i in found if i.role() == QAccessible.Role.Slider}
    assert set(sliders) == {
        "Playhead 01:00:01:28",
        "In point 01:00:01:28, 90 % sure",
        "Out point 01:00:03:11, 70 % sure",
    }
    edge = sliders["Out point 01:00:03:11, 70 % sure"].valueInterface()
    assert (edge.minimumValue(), edge.currentValue(), edge.maximumValue()) == (0, 101, 300)
    group = next(i for i in found if i.text(QAccessible.Text.Name) == "Refinement steps")
    rows = [group.child(index) for index in range(group.childCount())]
    steps = [i for i in rows if i.role() in (QAccessible.Role.CheckBox, QAccessible.Role.RadioButton)]
    assert [step.state().checked for step in steps] == [0, 0, 1]
    names = [step.text(QAccessible.Text.Name) for step in steps]
    assert names[0] == "Rough: in 01:00:01:10, 30 % sure; out 01:00:04:00, 20 % sure"
    assert names[2].startswith("Step 2, looked closer, kept: in 01:00:01:28, 90 % sure")
    scrubber.set_label(lambda frame: f"#{frame}")
    assert handle(scrubber, Edge.IN).accessibleName() == "In point #58, 90 % sure"


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

    qtbot.waitUntil(lambda: len({number for _, number in cells()}) >= 8, timeout=WAIT_MS)
    frames: list[int] = []
    scrubber.frame_requested.connect(frames.append)
    frames_a_cell = width / (lane.width() / 75)
    for x, number in cells():
        QTest.mouseClick(lane, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(x, 5))
        assert abs(number - frames[-1]) <= frames_a_cell / 2
    thumbnails.shut_down()


def test_edges_on_one_place_can_both_be_taken(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage(30 * 3600), [(1000, 1001, 0.5, 0.5)]))
    scrubber.fit_file()
    places = {edge: handle(scrubber, edge).geometry() for edge in Edge}
    assert not places[Edge.IN].intersects(places[Edge.OUT])
    drag(handle(scrubber, Edge.IN), places[Edge.IN].center().x() - 20, Qt.KeyboardModifier.AltModifier)
    segment = scrubber.segment()
    assert segment is not None and segment.start_frame < 1000 and segment.end_frame == 1001
    scrubber.set_segment(None)
    drag(handle(scrubber, Edge.OUT), places[Edge.OUT].center().x() + 20, Qt.KeyboardModifier.AltModifier)
    segment = scrubber.segment()
    assert segment is not None and segment.start_frame == 1000 and segment.end_frame > 1001


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
