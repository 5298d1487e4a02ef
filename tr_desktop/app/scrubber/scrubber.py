"""The refinement scrubber: a file's timeline with every step from rough to final, to look at, walk through and adjust.

Notable choices:
- Edges, steps and playhead are widgets of their own. Each has a focus, a tooltip and a place in the accessibility tree:
  edges and playhead as sliders, steps as radio buttons.
- All they show is in one plain object, `ScrubberState`. Times become pixels and back in `geometry.View` alone.
- The editor's own edges are a row below the steps, and leave every step as it was found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from tr_desktop.app.look import motion, theme
from tr_desktop.app.look.translate import tr
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.app.scrubber.edge_handles import EdgeHandles
from tr_desktop.app.scrubber.geometry import Edge, Strips, least_height, make_strips
from tr_desktop.app.scrubber.marker_menu import MarkerMenu
from tr_desktop.app.scrubber.navigation import Navigation
from tr_desktop.app.scrubber.overview import Overview
from tr_desktop.app.scrubber.state import ScrubberState
from tr_desktop.app.scrubber.step_row import LEFT_PX, RIGHT_PX
from tr_desktop.app.scrubber.step_stack import StepStack
from tr_desktop.app.scrubber.time_lane import TimeLane
from tr_desktop.moments import Mark, Moment, RefineStep, Segment

USUAL_ROWS = 5  # rough, three steps, and the editor's own; missing rows leave their place empty, so that nothing jumps


class Scrubber(QWidget):
    """Shows one moment.

    step_selected: the handles stand on this step now, or on YOURS. segment_changing: the editor's edges while they are
    dragged; segment_committed: when they are dropped or nudged. frame_requested: the player should show this frame.
    keep_step_requested: this step should count. Callers answer the last two with `set_segment` and `set_kept`.
    """

    step_selected = Signal(int)
    segment_changing = Signal(Segment)
    segment_committed = Signal(Segment)
    frame_requested = Signal(int)
    keep_step_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Refinement scrubber"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._state: ScrubberState | None = None
        self._label: Callable[[int], str] | None = None
        self._least_size = QSize()
        self._has_motion = not motion.is_reduced()
        self._navigation = Navigation(self)
        self._navigation.changed.connect(self._refresh)
        self._overview = Overview(self)
        self._overview.centred.connect(self._navigation.centre)
        self._overview.whole_wanted.connect(self._navigation.fit_file)
        self.marker_menu = MarkerMenu(self)
        self._lane = TimeLane(self, self.marker_menu)
        self._lane.scrubbed.connect(self._scrub)
        self._lane.panned.connect(self._navigation.pan)
        self.setFocusProxy(self._lane)
        self._edges = EdgeHandles(self, self._lane)
        self._edges.moved.connect(self._edge_moved)
        self._edges.changing.connect(self.segment_changing)
        self._edges.committed.connect(self.segment_committed)
        self._edges.cancelled.connect(self._edge_restored)
        self._steps = StepStack(self)
        self._steps.chosen.connect(self.select_step)
        self._steps.keep_requested.connect(self.keep_step_requested)
        self._refresh()

    # The moment

    def show_moment(self, moment: Moment) -> None:
        """Show the file around `moment` and reveal its steps from the rough one on; the kept one is selected."""
        self._show_state(ScrubberState.of(moment, self._lane_px, self._label))
        self._navigation.fit_moment()
        self._steps.reveal(at_once=not self._has_motion)

    def add_step(self, step: RefineStep) -> None:
        """Add a step, which becomes the kept one."""
        if self._state is not None:
            self._state.add_step(step)
            self._refresh()
            self._steps.reveal(at_once=not self._has_motion)

    def clear(self) -> None:
        self._show_state(None)
        self._refresh()

    def _show_state(self, state: ScrubberState | None) -> None:
        self._state = state
        for part in (self._navigation, self._overview, self._lane, self._edges, self._steps):
            part.show_state(state)

    def set_curve(
        self, curve: npt.NDArray[np.float32] | None, shot_frames: Sequence[int], every_s: Fraction | None = None
    ) -> None:
        """Set the similarity to the query and the frames that begin a shot, as `ScrubberState.set_curve` takes them."""
        if self._state is not None:
            self._state.set_curve(curve, shot_frames, every_s)
            self._overview.refresh()
            self._refresh()

    def set_markers(self, markers: Sequence[Mark]) -> None:
        if self._state is not None:
            self._state.markers = tuple(markers)
            self._lane.refresh()

    def set_label(self, label: Callable[[int], str]) -> None:
        """Set how a frame, or the file's end, is written; the default is source timecode."""
        self._label = label
        if self._state is not None:
            self._state.label = label
            self._refresh()

    def set_thumbnails(self, thumbnails: Thumbnails) -> None:
        """Set the source of the filmstrip's pictures."""
        self._lane.set_thumbnails(thumbnails)

    def set_playhead(self, frame: int) -> None:
        """Set the frame on screen; the view follows it."""
        state = self._state
        if state is None or frame == state.playhead:
            return
        before, state.playhead = state.playhead, frame
        self._lane.follow_playhead()
        view = state.view.containing(frame)
        if view is not state.view and not (self._lane.is_scrubbed or self._edges.is_dragging):
            state.view = view
            self._refresh()
            return
        for place in (before, frame):
            x = round(state.view.x_of(place)) - 7
            self._lane.update(x, 0, 15, self._lane.height())
            self._steps.update_columns(x, 15)
            self._overview.update(round(self._overview.x_of(place)) - 2, 0, 5, self._overview.height())

    # Steps

    def selected_step(self) -> int:
        """The step that the handles stand on, or YOURS."""
        return self._state.selected if self._state is not None else 0

    def select_step(self, step: int, *, and_go: bool = True) -> None:
        """Put the handles on a step. and_go: request the frame at its in point."""
        if self._state is not None and step in self._state.rows:
            self._state.select(step)
            self._refresh()
            self.step_selected.emit(step)
            if and_go:
                self.frame_requested.emit(self._state.segment.start_frame)

    def deciding_step(self) -> int:
        """The row that counts: YOURS or the kept step."""
        return self._state.deciding if self._state is not None else 0

    def walk(self, direction: int) -> None:
        """Select the row above (-1) or below (1)."""
        if self._state is not None:
            rows = self._state.rows
            at = rows.index(self._state.selected) + direction
            self.select_step(rows[min(max(at, 0), len(rows) - 1)])

    def set_kept(self, step: int) -> None:
        """Set the step that counts."""
        if self._state is not None and 0 <= step < len(self._state.steps):
            self._state.kept = step
            self._refresh()

    # Edges

    def segment(self) -> Segment | None:
        """The edges that the handles stand on."""
        return self._state.segment if self._state is not None else None

    def set_segment(self, segment: Segment | None) -> None:
        """Set the editor's own edges; None, or the kept step's edges: there are none. A drag goes on."""
        if self._state is not None and not self._edges.is_dragging:
            self._state.set_yours(segment)
            self._refresh()

    def nudge(self, edge: Edge, frames: int) -> None:
        """Move an edge by single frames."""
        self._edges.nudge(edge, frames)

    def end_drag(self) -> None:
        """Let go of an edge that is being dragged, where it is."""
        self._edges.end_drag()

    def _edge_moved(self, frame: int) -> None:
        self._refresh()
        self._scrub(frame)

    def _edge_restored(self) -> None:
        if self._state is not None:
            self._refresh()
            self.segment_changing.emit(self._state.segment)
            self.frame_requested.emit(self._state.segment.start_frame)

    def _scrub(self, frame: int) -> None:
        self.set_playhead(frame)
        self.frame_requested.emit(frame)

    # The view

    def zoom(self, factor: float) -> None:
        """Zoom in (more than 1) or out."""
        self._navigation.zoom(factor)

    def fit_moment(self) -> None:
        """Show all steps, with some of the file around them."""
        self._navigation.fit_moment()

    def fit_file(self) -> None:
        self._navigation.fit_file()

    # Layout

    @property
    def _lane_px(self) -> int:
        return max(self.width() - LEFT_PX - RIGHT_PX, 1)

    @property
    def _rows(self) -> int:
        return max(len(self._state.rows) if self._state is not None else 0, USUAL_ROWS)

    @property
    def _strips(self) -> Strips:
        return make_strips(self.height(), self._rows)

    def sizeHint(self) -> QSize:
        return QSize(900, self.minimumSizeHint().height() + 60)

    def minimumSizeHint(self) -> QSize:
        return QSize(LEFT_PX + RIGHT_PX + 160, least_height(self._rows))

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._state is not None:
            self._state.view = self._state.view.resized(self._lane_px)
        self._refresh()

    def _refresh(self) -> None:
        """Bring all parts in line with the state."""
        strips, lane_px = self._strips, self._lane_px
        self._overview.setGeometry(LEFT_PX, strips.overview.top, lane_px, strips.overview.height)
        self._lane.setGeometry(LEFT_PX, strips.ruler.top, lane_px, strips.curve.bottom - strips.ruler.top)
        self._lane.lay_out(strips)
        self._lane.follow_playhead()
        self._overview.update()
        self._steps.refresh(strips.steps, self.width())
        self._edges.refresh(strips)
        if self.minimumSizeHint() != self._least_size:  # a row was added or removed
            self._least_size = self.minimumSizeHint()
            self.updateGeometry()
        self.update()

    # Events

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._navigation.turn_wheel(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and self._navigation.pinch(event):
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._navigation.press(event):
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self.update()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            _paint(painter, self._strips, self.rect(), is_empty=self._state is None)


def _paint(painter: QPainter, strips: Strips, whole: QRect, *, is_empty: bool) -> None:
    painter.fillRect(whole, QColor(theme.colours().window))
    painter.setFont(theme.font(theme.SMALL_PX))
    painter.setPen(QColor(theme.colours().dim))
    if is_empty:
        _paint_invitation(painter, strips, whole)
    else:
        _paint_headings(painter, strips)


def _paint_invitation(painter: QPainter, strips: Strips, whole: QRect) -> None:
    room = whole.adjusted(0, strips.curve.bottom, 0, 0)
    text = tr("Choose a moment to see how it was found, step by step")
    painter.drawText(room, Qt.AlignmentFlag.AlignCenter, text)


def _paint_headings(painter: QPainter, strips: Strips) -> None:
    middle = Qt.AlignmentFlag.AlignVCenter
    for name, strip in ((tr("File"), strips.overview), (tr("Match"), strips.curve)):
        place = QRect(12, strip.top, LEFT_PX - 12, strip.height)
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | middle, name)
