"""Moving along the file: zooming, panning and fitting the view, by wheel, pinch and keys."""

from __future__ import annotations

from fractions import Fraction

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QNativeGestureEvent, QWheelEvent

from tr_desktop.app.scrubber.geometry import View
from tr_desktop.app.scrubber.state import ScrubberState
from tr_desktop.app.scrubber.step_row import LEFT_PX

ZOOM_STEP = 1.25
_ONE_TURN = 120  # of the wheel, by one notch
_KEYS: dict[int, float] = {Qt.Key.Key_Plus: ZOOM_STEP, Qt.Key.Key_Equal: ZOOM_STEP, Qt.Key.Key_Minus: 1 / ZOOM_STEP}


class Navigation(QObject):
    """Changes the state's view. changed: it did."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._state: ScrubberState | None = None

    def show_state(self, state: ScrubberState | None) -> None:
        self._state = state

    def zoom(self, factor: float) -> None:
        """Zoom in (more than 1) or out, around the playhead if it is in view, else around the middle."""
        if self._state is not None:
            view = self._state.view
            x = view.x_of(self._state.playhead)
            self._zoom_at(factor, x if 0 <= x <= view.width_px else view.width_px / 2)

    def fit_moment(self) -> None:
        """Show all steps, with some of the file around them."""
        if self._state is not None:
            self._set(self._state.fitted())

    def fit_file(self) -> None:
        if self._state is not None:
            self._set(View.whole(self._state.moment.times, self._state.view.width_px))

    def centre(self, frame: int) -> None:
        if self._state is not None:
            view = self._state.view
            self._set(view.panned(view.x_of(frame) - view.width_px / 2))

    def pan(self, px: float) -> None:
        """Show what is later by so many pixels; negative: earlier."""
        if self._state is not None:
            self._set(self._state.view.panned(px))

    def turn_wheel(self, event: QWheelEvent) -> None:
        """Pan by a sideways wheel or with Shift, else zoom around the pointer."""
        along, turn = event.angleDelta().x(), event.angleDelta().y()
        if not along and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            along = turn
        if along:
            self.pan(-along / 2)
        elif turn:
            self._zoom_at(ZOOM_STEP ** (turn / _ONE_TURN), event.position().x() - LEFT_PX)
        event.accept()

    def pinch(self, event: QNativeGestureEvent) -> bool:
        """Zoom if the gesture is a pinch on a touchpad. Returns whether it is."""
        if event.gestureType() != Qt.NativeGestureType.ZoomNativeGesture or event.value() <= -1:
            return False
        self._zoom_at(1 + event.value(), event.position().x() - LEFT_PX)
        return True

    def press(self, event: QKeyEvent) -> bool:
        """Zoom if `event` is one of the zoom keys. Returns whether it is."""
        factor = _KEYS.get(event.key())
        if factor is not None:
            self.zoom(factor)
        return factor is not None

    def _zoom_at(self, factor: float, x: float) -> None:
        if self._state is not None:
            view = self._state.view
            self._set(view.zoomed(Fraction(factor), min(max(x, 0.0), float(view.width_px))))

    def _set(self, view: View) -> None:
        if self._state is not None:
            self._state.view = view
            self.changed.emit()
