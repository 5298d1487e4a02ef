"""A scrubber without a window, moments for it, and hands that drag its edges."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from tests.app.leaks import no_leaks  # noqa: F401
from tr_desktop.app.scrubber.edge_handle import EdgeHandle
from tr_desktop.app.scrubber.geometry import Edge
from tr_desktop.app.scrubber.scrubber import Scrubber
from tr_desktop.app.scrubber.step_row import StepRow
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
            start_is_exact=number >= 2,
        )
        for number, (start, end, in_sure, out_sure) in enumerate(steps or STEPS)
    )
    return Moment(
        Footage(media, times), Refinement(taken, len(taken) - 1 if stop is None else stop), 0.8, True, "a dog"
    )


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
        move(widget, at, keys)
    if drop:
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, keys, widget.rect().center())


def move(widget: QWidget, in_parent: QPointF, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Move the pointer that holds `widget`."""
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    local = widget.mapFromParent(in_parent)
    button = Qt.MouseButton.LeftButton
    event = QMouseEvent(QEvent.Type.MouseMove, local, widget.mapToGlobal(local), Qt.MouseButton.NoButton, button, keys)
    QApplication.sendEvent(widget, event)
