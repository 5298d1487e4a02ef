"""Dragging an edge beyond the part in view, and the filmstrip's tiles at edges and shot changes."""

import random
from fractions import Fraction
from itertools import pairwise

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.app.test_stories import CAT
from tr_desktop.app.look.counter import Counting
from tr_desktop.app.scrubber.edge_handle import EdgeHandle
from tr_desktop.app.scrubber.film import tiles
from tr_desktop.app.scrubber.geometry import Edge, View
from tr_desktop.app.scrubber.state import YOURS
from tr_desktop.moments import FrameTimes, Segment


def test_an_edge_dragged_beyond_the_strip_stays_in_hand(run_app, sample, library):
    def script(hands):
        stage = hands.stage
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.wait(lambda: stage.decision.segment == CAT)
        for edge, by_px in ((Edge.IN, -900), (Edge.OUT, 900)):
            before = stage.decision.segment
            handle = next(h for h in stage.scrubber.findChildren(EdgeHandle) if h.edge is edge)
            stage.scrubber.fit_moment()
            frame = before.start_frame if edge is Edge.IN else before.end_frame - 1
            stage.go(frame)
            stage.scrubber.set_playhead(frame)
            stage.scrubber.zoom(4)
            assert handle.isVisible()
            start = handle.rect().center()
            QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=start)
            handle.setFocus()
            for _ in range(5):
                QTest.mouseMove(handle, QPoint(by_px, start.y()))
                QApplication.processEvents()
                assert handle.isVisible() and handle.hasFocus()
                held = stage.scrubber.segment()
                assert stage.player.frame() == (held.start_frame if edge is Edge.IN else held.end_frame - 1)
            QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=start)
            now = stage.decision.segment
            assert now != before and stage.scrubber.selected_step() == YOURS
            assert now.start_frame < before.start_frame or now.end_frame > before.end_frame
            assert not handle.is_snapped and not handle.is_held
            hands.press("Space")
            hands.wait(stage.player.is_playing)
            hands.press("K")
            assert stage.decision.segment == now
        hands.press("Return")
        assert [each.segment for each in hands.session.editing.project.selects] == [now]
        assert stage.counting is Counting.TIMECODE

    run_app(script, sample, library=library)


def test_the_focus_of_an_edge_that_leaves_the_view_stays_on_the_timeline(run_app, sample, library):
    def script(hands):
        stage = hands.stage
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.wait(lambda: stage.decision.segment == CAT)
        handle = next(h for h in stage.scrubber.findChildren(EdgeHandle) if h.edge is Edge.OUT)
        handle.setFocus()
        stage.scrubber.set_playhead(CAT.start_frame)
        stage.scrubber.zoom(30)
        assert not handle.isVisible() and stage.scrubber.isAncestorOf(QApplication.focusWidget())

    run_app(script, sample, library=library)


def test_another_moment_during_a_drag_loses_no_edge(run_app, sample, library):
    def script(hands):
        stage = hands.stage
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.wait(lambda: stage.decision.segment == CAT)
        hands.press("Ctrl+G")
        cat = stage.moment
        handle = next(h for h in stage.scrubber.findChildren(EdgeHandle) if h.edge is Edge.OUT)
        QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=handle.rect().center())
        QTest.mouseMove(handle, handle.rect().center() - QPoint(40, 0))
        dragged = stage.scrubber.segment()
        hands.press("Ctrl+Z")  # an undo in the middle of it doesn't take the edge away
        hands.results.walk(1)
        assert stage.moment is not cat
        assert hands.session.editing.project.decision(cat).segment == dragged != CAT

    run_app(script, sample, library=library)


def test_no_tile_shows_a_picture_from_beyond_an_edge_or_a_shot_change():
    rng = random.Random(5)
    for _ in range(300):
        frames = rng.randint(13, 5000)
        times = FrameTimes(range(frames), frames, Fraction(1, 25))
        start = rng.randrange(frames - 12)
        view = View.whole(times, rng.randint(100, 1500)).around(
            Segment(start, rng.randint(start + 1, frames)), Fraction(rng.randint(1, 9), 10)
        )
        splits = sorted({rng.randint(0, frames) for _ in range(rng.randint(0, 6))})
        made = list(tiles(view, 60, splits))
        assert made[0].x <= 0 and made[-1].x + made[-1].width_px >= view.width_px - 1e-6
        for tile, following in pairwise(made):
            assert abs(tile.x + tile.width_px - following.x) < 1e-6
        for tile in made:
            shown = {view.frame_at(tile.x + share * tile.width_px) for share in (0.01, 0.5, 0.99)}
            for split in splits:
                assert not any((tile.frame < split) != (frame < split) for frame in shown), (tile, split)
