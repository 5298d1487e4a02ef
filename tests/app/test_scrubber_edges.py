"""The edges on the scrubber: dragged, nudged, taken back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.app.scrubbing import drag, footage, handle, moment_of, move, row, x_of
from tests.app.test_player import WAIT_MS
from tr_desktop.app.scrubber.edge_handles import SCROLL_MS
from tr_desktop.app.scrubber.geometry import Edge, frame_of
from tr_desktop.app.scrubber.scrubber import Scrubber
from tr_desktop.app.scrubber.state import YOURS
from tr_desktop.app.scrubber.step_row import LEFT_PX, RIGHT_PX
from tr_desktop.moments import Segment


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


@pytest.mark.parametrize(("edge", "way"), [(Edge.IN, -1), (Edge.OUT, 1)])
def test_an_edge_held_at_the_border_goes_on_until_it_is_dropped(
    qtbot: QtBot, scrubber: Scrubber, edge: Edge, way: int
) -> None:
    scrubber.show_moment(moment_of(*footage(3000), [(1400, 1600, 0.5, 0.5)]))
    committed: list[Segment] = []
    scrubber.segment_committed.connect(committed.append)
    held = handle(scrubber, edge)
    border = LEFT_PX if way < 0 else scrubber.width() - RIGHT_PX
    drag(held, border + 20 * way, drop=False)

    def boundary() -> int:
        segment = scrubber.segment()
        assert segment is not None
        return frame_of(segment, edge)

    for _ in range(2):  # the pointer rests
        before = boundary()
        qtbot.waitUntil(lambda before=before: (boundary() - before) * way > 5, timeout=WAIT_MS)
    assert held.isVisible() and border - 20 <= held.geometry().center().x() <= border + 20
    QTest.mouseRelease(held, Qt.MouseButton.LeftButton)
    dropped = boundary()
    assert [frame_of(segment, edge) for segment in committed] == [dropped]
    qtbot.wait(3 * SCROLL_MS)
    assert boundary() == dropped
    drag(held, border + 20 * way, drop=False)
    move(held, QPointF(scrubber.width() / 2 + 100 * way, held.geometry().center().y()))
    inside = boundary()
    qtbot.wait(3 * SCROLL_MS)
    assert boundary() == inside  # the border is left: it stands still
    QTest.keyClick(held, Qt.Key.Key_Escape)
    qtbot.wait(3 * SCROLL_MS)
    assert boundary() == dropped
