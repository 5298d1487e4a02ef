"""Both edge handles: where they stand, and how dragging and nudging them changes the editor's edges."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from tr_desktop.app.look.edge_words import believed
from tr_desktop.app.look.translate import tr
from tr_desktop.app.scrubber.edge_handle import EdgeHandle
from tr_desktop.app.scrubber.geometry import Edge, Strips, frame_of
from tr_desktop.app.scrubber.state import YOURS, ScrubberState
from tr_desktop.app.scrubber.step_row import LEFT_PX
from tr_desktop.moments import Segment

SCROLL_MS = 30
_SCROLL_SHARE = 0.25  # of the distance that the pointer is beyond the border, every SCROLL_MS
_BORDER_PX = 6  # inside the lane: a window without a frame may end there


class EdgeHandles(QObject):
    """The handles of in and out on a parent widget.

    moved: an edge moved, and this frame beside it should be shown. changing: the edges while one is dragged, after each
    move. committed: the edges when one is dropped or nudged. cancelled: a drag was taken back.
    """

    moved = Signal(int)
    changing = Signal(Segment)
    committed = Signal(Segment)
    cancelled = Signal()

    def __init__(self, parent: QWidget, lane: QWidget) -> None:
        """lane: takes the focus of a handle that leaves the view."""
        super().__init__(parent)
        self._lane = lane
        self._state: ScrubberState | None = None
        self._before_drag: tuple[Segment | None, int] | None = None  # yours and selected; None: nothing is dragged
        self._held: tuple[Edge, float, bool] | None = None  # the last call of `_drag`
        self._scrolling = QTimer(self, interval=SCROLL_MS)
        self._scrolling.timeout.connect(self._scroll)
        self._handles = {edge: EdgeHandle(edge, parent) for edge in Edge}
        for handle in self._handles.values():
            handle.dragged.connect(self._drag)
            handle.dropped.connect(self._drop)
            handle.cancelled.connect(self._cancel)
            handle.nudged.connect(self.nudge)

    def show_state(self, state: ScrubberState | None) -> None:
        self.end_drag()
        self._state = state

    @property
    def is_dragging(self) -> bool:
        return self._before_drag is not None

    def end_drag(self) -> None:
        """Let go of an edge that is being dragged, where it is."""
        for handle in self._handles.values():
            handle.let_go()

    def nudge(self, edge: Edge, frames: int) -> None:
        """Move an edge by single frames."""
        if self._state is not None:
            self._move(edge, frame_of(self._state.segment, edge) + frames)
            self.committed.emit(self._state.segment)

    def refresh(self, strips: Strips) -> None:
        """Put the handles on their edges; those outside the view are hidden, unless the pointer holds them."""
        for edge, handle in self._handles.items():
            is_in_view = self._state is not None and self._place(handle, edge, self._state, strips)
            if not (is_in_view or handle.is_held) and handle.hasFocus():
                self._lane.setFocus()  # Qt would choose any button of the window
            handle.setVisible(is_in_view or handle.is_held)

    def _place(self, handle: EdgeHandle, edge: Edge, state: ScrubberState, strips: Strips) -> bool:
        """Put a handle on its edge. Returns whether that is in view."""
        segment, view = state.segment, state.view
        start_x, end_x = view.x_of(segment.start_frame), view.x_of(segment.end_frame)
        x = start_x if edge is Edge.IN else end_x
        handle.place(x + LEFT_PX, (end_x - start_x) / 2, strips.film.top, strips.curve.bottom - strips.film.top)
        handle.setRange(0, len(state.moment.times))
        handle.setValue(frame_of(segment, edge))
        name = _name(edge, state)
        handle.setAccessibleName(name)
        how = tr("Drag to move; it snaps to shot changes (hold Alt to turn that off). Arrow keys move it by a frame.")
        handle.setToolTip(f"{name}\n{how}")
        return -1 <= x <= view.width_px + 1

    def _drag(self, edge: Edge, x: float, is_free: bool) -> None:
        state = self._state
        if state is None:
            return
        if self._before_drag is None:
            self._before_drag = state.yours, state.selected
        self._held = edge, x, is_free
        if not _beyond_px(x, state):
            self._scrolling.stop()
        elif not self._scrolling.isActive():
            self._scrolling.start()
        lane_x = min(max(x - LEFT_PX, 0.0), float(state.view.width_px))
        targets = (0, *state.shots, len(state.moment.times))
        boundary = state.view.boundary_at(lane_x) if is_free else state.view.snapped(lane_x, targets)
        self._handles[edge].is_snapped = boundary in targets and not is_free
        self._move(edge, boundary)
        self.changing.emit(state.segment)

    def _scroll(self) -> None:
        """Go on along the file while the pointer rests at the border."""
        if self._state is None or self._held is None:
            return
        edge, x, is_free = self._held
        self._state.view = self._state.view.panned(_beyond_px(x, self._state) * _SCROLL_SHARE)
        self._drag(edge, x, is_free)

    def _drop(self, edge: Edge) -> None:
        if self._state is not None and self._before_drag is not None:
            self._end_drag(edge)
            self.committed.emit(self._state.segment)

    def _cancel(self, edge: Edge) -> None:
        if self._state is not None and self._before_drag is not None:
            self._state.yours, self._state.selected = self._before_drag
            self._end_drag(edge)
            self.cancelled.emit()

    def _end_drag(self, edge: Edge) -> None:
        self._before_drag = self._held = None
        self._scrolling.stop()
        self._handles[edge].is_snapped = False
        self._handles[edge].update()

    def _move(self, edge: Edge, boundary: int) -> None:
        state = self._state
        if state is None:
            return
        frame = state.move_edge(edge, boundary)
        if self._before_drag is None:
            state.view = state.view.containing(frame_of(state.segment, edge))
        self.moved.emit(frame)


def _beyond_px(x: float, state: ScrubberState) -> float:
    """How far `x` of the parent is beyond the lane's border; negative: to the left of it."""
    lane_x = x - LEFT_PX
    return min(lane_x - _BORDER_PX, 0.0) + max(lane_x - (state.view.width_px - _BORDER_PX), 0.0)


def _name(edge: Edge, state: ScrubberState) -> str:
    """For screen readers: the edge, its position, and how far it can be believed if a step put it there."""
    position = state.label(frame_of(state.segment, edge))
    if state.selected == YOURS:
        text = tr("In point {position}") if edge is Edge.IN else tr("Out point {position}")
        return text.format(position=position)
    step, (start_word, end_word) = state.steps[state.selected], state.words(state.selected)
    if edge is Edge.IN:
        return believed(tr("In point {position}", position=position), start_word, step.start_confidence)
    return believed(tr("Out point {position}", position=position), end_word, step.end_confidence)
