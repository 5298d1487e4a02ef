"""The refinement scrubber: a file's timeline with every step from rough to final, to look at, walk through and adjust.

Notable choices: edges, steps and playhead are widgets of their own, so that each has a focus, a tooltip and a place in
the accessibility tree (edges and playhead as sliders, steps as radio buttons); what they show is in one plain object
(`ScrubberState`); times become pixels and back in one place without Qt (`geometry.View`). The editor's own edges are a
row below the steps, so nothing that was found is overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt, Signal
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
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.app.scrubber.edge_handle import EdgeHandle
from tr_desktop.app.scrubber.geometry import Edge, Strips, View, frame_of, least_height, strips, with_edge
from tr_desktop.app.scrubber.overview import Overview
from tr_desktop.app.scrubber.state import YOURS, ScrubberState, percent
from tr_desktop.app.scrubber.step_row import LEFT_PX, RIGHT_PX, SCORE_PX
from tr_desktop.app.scrubber.step_stack import StepStack
from tr_desktop.app.scrubber.time_lane import TimeLane
from tr_desktop.moments import Moment, Refinement, RefineStep, Segment

USUAL_ROWS = 5  # rough, three steps, and the editor's own: fewer leave their place empty, so that nothing jumps
MOMENT_SHARE = Fraction(3, 5)  # of the width, that the steps together take when they are fitted
ZOOM_STEP = Fraction(5, 4)


class Scrubber(QWidget):
    """Shows one moment.

    step_selected: the handles stand on this step now, or on YOURS. segment_changing: the editor's edges while they are
    dragged; segment_committed: when they are let go or nudged. frame_requested: to be shown. keep_step_requested: this
    step should count. Who listens answers with `set_segment` and `set_kept`.
    """

    step_selected = Signal(int)
    segment_changing = Signal(Segment)
    segment_committed = Signal(Segment)
    frame_requested = Signal(int)
    keep_step_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Refinement scrubber")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._state: ScrubberState | None = None
        self._label: Callable[[int], str] | None = None
        self._before_drag: tuple[Segment | None, int] = None, 0
        self._least_size = QSize()
        self._is_dragging = False
        self._is_still = motion.is_reduced()
        self._overview = Overview(self)
        self._overview.centred.connect(self._centre)
        self._overview.whole_wanted.connect(self.fit_file)
        self._lane = TimeLane(self)
        self._lane.scrubbed.connect(self._scrub)
        self._lane.panned.connect(self._pan)
        self.setFocusProxy(self._lane)
        self._handles = {edge: EdgeHandle(edge, self) for edge in Edge}
        for handle in self._handles.values():
            handle.dragged.connect(self._drag)
            handle.dropped.connect(self._drop)
            handle.cancelled.connect(self._cancel)
            handle.nudged.connect(self.nudge)
        self._steps = StepStack(self)
        self._steps.chosen.connect(self.select_step)
        self._steps.keep_requested.connect(self.keep_step_requested)
        self._refresh()

    # What is shown

    def show_moment(self, moment: Moment) -> None:
        """Show the file around `moment` and reveal its steps from the rough one on; the kept one is selected."""
        refinement = moment.refinement
        self._state = ScrubberState(
            moment=moment,
            steps=refinement.steps,
            view=View.whole(moment.times, self._lane_px),
            selected=refinement.stop,
            kept=refinement.stop,
            label=self._label or (lambda frame: str(moment.footage.timecode_at(frame))),
            playhead=refinement.kept.segment.start_frame,
            revealed=1.0,
        )
        self._overview.show_this(self._state)
        self._lane.show_this(self._state)
        self._steps.show_this(self._state)
        self.fit_moment()
        self._steps.reveal(at_once=self._is_still)

    def add_step(self, step: RefineStep) -> None:
        """One more step, which becomes the kept one."""
        if self._state is None:
            return
        state = self._state
        state.steps = (*state.steps, step)
        state.moment = replace(state.moment, refinement=Refinement(state.steps, len(state.steps) - 1))
        state.kept = state.selected = len(state.steps) - 1
        self._refresh()
        self._steps.reveal(at_once=self._is_still)

    def clear(self) -> None:
        self._state = None
        for part in (self._overview, self._lane, self._steps):
            part.show_this(None)
        self._refresh()

    def set_curve(
        self, curve: npt.NDArray[np.float32] | None, shot_frames: Sequence[int], every_s: Fraction | None = None
    ) -> None:
        """Similarity to the query [T] at k * `every_s` (None: spread evenly), and the frames that begin a shot."""
        if self._state is not None:
            self._state.curve = curve
            self._state.shots = tuple(sorted(shot_frames))
            if curve is not None and len(curve):
                self._state.every_s = every_s or self._state.moment.times.duration_s / len(curve)
            self._overview.refresh()
            self._refresh()

    def set_markers(self, frames: Sequence[int]) -> None:
        if self._state is not None:
            self._state.markers = tuple(sorted(frames))
            self._lane.refresh()

    def set_label(self, label: Callable[[int], str]) -> None:
        """How a frame, or the file's end, is written; without this, as source timecode."""
        self._label = label
        if self._state is not None:
            self._state.label = label
            self._refresh()

    def set_thumbnails(self, thumbnails: Thumbnails) -> None:
        """Where the filmstrip's pictures come from."""
        self._lane.set_thumbnails(thumbnails)

    def set_reduced_motion(self, is_reduced: bool) -> None:
        self._is_still = is_reduced

    def set_playhead(self, frame: int) -> None:
        """The picture on screen; the view follows it."""
        state = self._state
        if state is None or frame == state.playhead:
            return
        before, state.playhead = state.playhead, frame
        self._set_slider(self._lane, frame)
        view = state.view.containing(frame)
        if view is not state.view and not self._lane.is_scrubbed:
            self._set_view(view)
            return
        for place in (before, frame):
            x = round(state.view.x_of(place)) - 7
            self._lane.update(x, 0, 15, self._lane.height())
            self._steps.playhead_moved(x, 15)
            self._overview.update(round(self._overview.x_of(place)) - 2, 0, 5, self._overview.height())

    # Steps

    def selected_step(self) -> int:
        """The step that the handles stand on, or YOURS."""
        return self._state.selected if self._state is not None else 0

    def select_step(self, step: int) -> None:
        """Put the handles on a step, and ask for the picture at its in point."""
        state = self._state
        if state is None or step not in state.rows:
            return
        state.selected = step
        segment = state.segment
        edges = (state.view.x_of(segment.start_frame), state.view.x_of(segment.end_frame))
        if edges[1] < 0 or edges[0] > state.view.width_px:
            state.view = state.view.around(segment, MOMENT_SHARE)
        self._refresh()
        self.step_selected.emit(step)
        self.frame_requested.emit(segment.start_frame)

    def walk(self, direction: int) -> None:
        """To the step before (-1) or after (1)."""
        if self._state is not None:
            rows = self._state.rows
            at = rows.index(self._state.selected) + direction
            self.select_step(rows[min(max(at, 0), len(rows) - 1)])

    def set_kept(self, step: int) -> None:
        """This step counts now."""
        if self._state is not None and 0 <= step < len(self._state.steps):
            self._state.kept = step
            self._refresh()

    # Edges

    def segment(self) -> Segment | None:
        """What the handles stand on."""
        return self._state.segment if self._state is not None else None

    def set_segment(self, segment: Segment | None) -> None:
        """The editor's own edges; None, or those of the kept step: there are none."""
        state = self._state
        if state is None:
            return
        had_them = state.yours is not None
        state.yours = None if segment == state.steps[state.kept].segment else segment
        if state.yours is not None and not had_them:
            state.selected = YOURS
        elif state.yours is None and state.selected == YOURS:
            state.selected = state.kept
        self._refresh()

    def nudge(self, edge: Edge, frames: int) -> None:
        """Move an edge by single frames."""
        if self._state is not None:
            self._move(edge, frame_of(self._state.segment, edge) + frames)
            self.segment_committed.emit(self._state.segment)

    # View

    def zoom(self, factor: float) -> None:
        """Closer (more than 1) or farther, around the playhead where it is in view, else the middle."""
        if self._state is not None:
            view = self._state.view
            x = view.x_of(self._state.playhead)
            self._zoom_at(Fraction(factor), x if 0 <= x <= view.width_px else view.width_px / 2)

    def fit_moment(self) -> None:
        """All steps, with some of what is around them."""
        if self._state is not None:
            segments = [self._state.segment_of(step) for step in self._state.rows]
            hull = Segment(min(s.start_frame for s in segments), max(s.end_frame for s in segments))
            self._set_view(self._state.view.around(hull, MOMENT_SHARE))

    def fit_file(self) -> None:
        if self._state is not None:
            self._set_view(View.whole(self._state.moment.times, self._lane_px))

    # From the parts

    def _scrub(self, frame: int) -> None:
        self.set_playhead(frame)
        self.frame_requested.emit(frame)

    def _drag(self, edge: Edge, x: float, is_free: bool) -> None:
        state, handle = self._state, self._handles[edge]
        if state is None:
            return
        if not self._is_dragging:
            self._before_drag = state.yours, state.selected
            self._is_dragging = True
        at = x - LEFT_PX
        beyond = min(at, 0.0) + max(at - state.view.width_px, 0.0)
        if beyond:
            state.view = state.view.panned(beyond / 4)
        free = state.view.boundary_at(at)
        targets = (0, *state.shots, len(state.moment.times))
        boundary = free if is_free else state.view.snapped(at, targets)
        handle.is_snapped = boundary in targets and not is_free
        self._move(edge, boundary)
        self.segment_changing.emit(state.segment)

    def _drop(self, edge: Edge) -> None:
        if self._state is not None and self._is_dragging:
            self._end_drag(edge)
            self.segment_committed.emit(self._state.segment)

    def _cancel(self, edge: Edge) -> None:
        if self._state is not None and self._is_dragging:
            self._end_drag(edge)
            self._state.yours, self._state.selected = self._before_drag
            self._refresh()
            self.segment_changing.emit(self._state.segment)
            self.frame_requested.emit(self._state.segment.start_frame)

    def _end_drag(self, edge: Edge) -> None:
        self._is_dragging = False
        self._handles[edge].is_snapped = False
        self._handles[edge].update()

    def _move(self, edge: Edge, boundary: int) -> None:
        """An edge to a boundary, and the picture next to it inside: what is cut there can be seen."""
        state = self._state
        if state is None:
            return
        segment = with_edge(state.segment, edge, boundary, len(state.moment.times))
        state.yours, state.selected = segment, YOURS
        frame = segment.start_frame if edge is Edge.IN else segment.end_frame - 1
        if not self._is_dragging:
            state.view = state.view.containing(frame_of(segment, edge))
        self._refresh()
        self._scrub(frame)

    def _centre(self, frame: int) -> None:
        if self._state is not None:
            view = self._state.view
            self._set_view(view.panned(view.x_of(frame) - view.width_px / 2))

    def _pan(self, px: float) -> None:
        if self._state is not None:
            self._set_view(self._state.view.panned(px))

    def _zoom_at(self, factor: Fraction, x: float) -> None:
        if self._state is not None:
            self._set_view(self._state.view.zoomed(factor, x))

    # Laying out

    @property
    def _lane_px(self) -> int:
        return max(self.width() - LEFT_PX - RIGHT_PX, 1)

    @property
    def _lanes(self) -> Strips:
        rows = len(self._state.rows) if self._state is not None else 0
        return strips(self.height(), max(rows, USUAL_ROWS))

    def sizeHint(self) -> QSize:
        return QSize(900, self.minimumSizeHint().height() + 60)

    def minimumSizeHint(self) -> QSize:
        rows = len(self._state.rows) if self._state is not None else 0
        return QSize(LEFT_PX + RIGHT_PX + 160, least_height(max(rows, USUAL_ROWS)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._state is not None:
            self._state.view = self._state.view.resized(self._lane_px)
        self._refresh()

    def _set_view(self, view: View) -> None:
        if self._state is not None:
            self._state.view = view
            self._refresh()

    def _refresh(self) -> None:
        """Bring all parts in line with what is shown."""
        state, strips = self._state, self._lanes
        lane_px = self._lane_px
        self._overview.setGeometry(LEFT_PX, strips.overview.top, lane_px, strips.overview.height)
        self._lane.setGeometry(LEFT_PX, strips.ruler.top, lane_px, strips.curve.bottom - strips.ruler.top)
        self._lane.lay_out(strips)
        self._overview.update()
        self._steps.refresh(strips.steps, self.width())
        for edge, handle in self._handles.items():
            handle.setVisible(state is not None and self._place(handle, edge, state, strips))
        if state is not None:
            self._lane.setRange(0, len(state.moment.times) - 1)
            self._set_slider(self._lane, state.playhead)
        if self.minimumSizeHint() != self._least_size:  # a row more, or less
            self._least_size = self.minimumSizeHint()
            self.updateGeometry()
        self.update()

    def _place(self, handle: EdgeHandle, edge: Edge, state: ScrubberState, strips: Strips) -> bool:
        """Put a handle on its edge; whether that is in view."""
        boundary = frame_of(state.segment, edge)
        start, end = (state.view.x_of(f) for f in (state.segment.start_frame, state.segment.end_frame))
        x = start if edge is Edge.IN else end
        handle.place(x + LEFT_PX, (end - start) / 2, strips.film.top, strips.curve.bottom - strips.film.top)
        handle.setRange(0, len(state.moment.times))
        self._set_slider(handle, boundary)
        sure = ""
        if state.selected != YOURS:
            step = state.steps[state.selected]
            sure = f", {percent(step.start_confidence if edge is Edge.IN else step.end_confidence)} sure"
        handle.setAccessibleName(f"{edge.value.capitalize()} point {state.label(boundary)}{sure}")
        handle.setToolTip(
            f"{handle.accessibleName()}\nDrag to move it, snapping to shot changes (Alt: free); arrow keys: by a frame"
        )
        return -1 <= x <= state.view.width_px + 1

    def _set_slider(self, slider: TimeLane | EdgeHandle, value: int) -> None:
        slider.setValue(value)
        if slider is self._lane and self._state is not None:
            slider.setAccessibleName(f"Playhead {self._state.label(value)}")

    # Events

    def wheelEvent(self, event: QWheelEvent) -> None:
        along = event.angleDelta().x() or (
            event.angleDelta().y() if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0
        )
        if along:
            self._pan(-along / 2)
        elif event.angleDelta().y():
            turns = event.angleDelta().y() / 120
            self._zoom_at(Fraction(float(ZOOM_STEP) ** turns), self._lane_x(event.position()))
        event.accept()

    def event(self, event: QEvent) -> bool:
        if (
            isinstance(event, QNativeGestureEvent)
            and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture
            and event.value() > -1
        ):
            self._zoom_at(Fraction(1 + event.value()), self._lane_x(event.position()))
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(float(ZOOM_STEP))
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom(float(1 / ZOOM_STEP))
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self.update()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, strips = theme.colours(), self._lanes
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(colours.window))
            painter.setFont(theme.font(theme.SMALL_PX))
            painter.setPen(QColor(colours.dim))
            if self._state is None:
                room = QRect(0, strips.curve.bottom, self.width(), self.height() - strips.curve.bottom)
                painter.drawText(
                    room, Qt.AlignmentFlag.AlignCenter, "Choose a moment to see how it was found, step by step"
                )
                return
            middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            for name, lane in (("File", strips.overview), ("Match", strips.curve)):
                painter.drawText(QRect(12, lane.top, LEFT_PX - 12, lane.height), middle, name)
            above = QRect(self.width() - RIGHT_PX, strips.curve.bottom - 16, SCORE_PX, 16)
            painter.drawText(above, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "Score")

    def _lane_x(self, position: QPointF) -> float:
        return min(max(position.x() - LEFT_PX, 0.0), float(self._lane_px))
