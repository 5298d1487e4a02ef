"""The rows of the refinement steps: walked, kept, revealed, told apart."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QColor,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.app.scrubbing import footage, handle, moment_of, row, x_of
from tests.app.test_player import WAIT_MS, pixels
from tr_desktop.app.look import motion, theme
from tr_desktop.app.scrubber.geometry import Edge
from tr_desktop.app.scrubber.scrubber import Scrubber
from tr_desktop.moments import Refinement, Segment


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
    # A frame is less than a pixel, and step 3 moves no edge.
    near = [(600, 1400, 0.5, 0.5), (601, 1400, 0.5, 0.5), (600, 1400, 0.5, 0.5), (600, 1400, 0.5, 0.5)]
    near.append((601, 1400, 0.5, 0.5))
    scrubber.show_moment(moment_of(*footage(3000), near, stop=4))
    scrubber.set_playhead(10)
    scrubber.select_step(4)
    left, right = round(x_of(scrubber, 601)), round(x_of(scrubber, 1400))
    bars = []
    for step in range(5):
        picture = pixels(row(scrubber, step).grab().toImage())[4:-4, left : right - 4]
        bars.append(picture.mean(axis=2))
    for a in range(5):
        for b in range(a):
            assert np.abs(bars[a] - bars[b]).max() > 40, (a, b)


def test_a_step_that_moves_no_edge_shows_that_and_can_be_walked_to_and_kept(scrubber: Scrubber) -> None:
    steps = [(40, 120, 0.3, 0.2), (50, 110, 0.5, 0.4), (50, 110, 0.7, 0.6), (50, 110, 0.9, 0.8)]
    scrubber.show_moment(moment_of(*footage(), steps))
    assert "no change" not in row(scrubber, 1).accessibleName()
    for step in (2, 3):
        assert "no change" in row(scrubber, step).accessibleName() and "no change" in row(scrubber, step).toolTip()

    def ink(step: int) -> float:
        """How much of the middle of a row is painted."""
        left, right = round(x_of(scrubber, 52)), round(x_of(scrubber, 62))
        return float(pixels(row(scrubber, step).grab().toImage())[:, left:right].std())

    scrubber.select_step(0)
    assert ink(2) < ink(1) / 2 and ink(2) < ink(3) / 2  # faint; the one that counts isn't
    scrubber.select_step(3)
    for step in (2, 1, 0):
        scrubber.walk(-1)
        assert scrubber.selected_step() == step
    kept: list[int] = []
    scrubber.keep_step_requested.connect(kept.append)
    QTest.keyClick(row(scrubber, 2), Qt.Key.Key_Return)
    assert kept == [2]


def test_an_edge_to_check_stands_out_in_its_row(scrubber: Scrubber) -> None:
    scrubber.show_moment(moment_of(*footage(), [(40, 120, 0.3, 0.9), (50, 110, 0.9, 0.9)]))

    def warns(step: int, left: float, right: float) -> bool:
        """Whether a part of a row is painted in the colour of warnings."""
        part = pixels(row(scrubber, step).grab().toImage())[:, round(left) : round(right)].astype(int)
        warn = np.array(QColor(theme.colours().warn).getRgb()[:3])
        return bool((np.abs(part[..., :3] - warn).sum(axis=-1) < 90).any())

    before, after = (84, x_of(scrubber, 40)), (x_of(scrubber, 120), scrubber.width() - 64)
    assert warns(0, *before) and not warns(0, *after) and not warns(1, *before)
