"""The in or the out point as a handle: it can be dragged and nudged; screen readers see a slider."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.painting import KeyFocus, diamond, focus_ring, pen
from tr_desktop.app.scrubber.geometry import Edge

WIDTH_PX = 16  # of the area that takes the pointer; the line in its middle is thinner


class EdgeHandle(KeyFocus, QAbstractSlider):
    """One edge; the slider's value is its frame boundary.

    dragged: (edge, x in the parent, whether snapping is off). dropped: dragging has ended. cancelled: Escape while
    dragging. nudged: (edge, frames), by an arrow key.
    """

    dragged = Signal(Edge, float, bool)
    dropped = Signal(Edge)
    cancelled = Signal(Edge)
    nudged = Signal(Edge, int)

    def __init__(self, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self.edge = edge
        self.is_snapped = False
        self._line_x = WIDTH_PX / 2
        self._grip_x: float | None = None  # where the pointer took it, relative to its line
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setOrientation(Qt.Orientation.Horizontal)

    def place(self, x: float, inner_px: float, top: int, height: int) -> None:
        """Stand at `x` of the parent, and reach at most `inner_px` towards the other edge: handles never overlap."""
        inner = round(min(max(inner_px, 0), WIDTH_PX / 2))
        outer = WIDTH_PX - inner
        self._line_x = outer if self.edge is Edge.IN else inner
        self.setGeometry(round(x) - round(self._line_x), top, WIDTH_PX, height)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grip_x = event.position().x() - self._line_x

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip_x is not None:
            x = self.mapToParent(event.position()).x() - self._grip_x
            self.dragged.emit(self.edge, x, bool(event.modifiers() & Qt.KeyboardModifier.AltModifier))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.let_go()

    @property
    def is_held(self) -> bool:
        """Whether the pointer holds it."""
        return self._grip_x is not None

    def let_go(self) -> None:
        """Drop it where it is, if the pointer holds it."""
        if self._grip_x is not None:
            self._grip_x = None
            self.dropped.emit(self.edge)

    def event(self, event: QEvent) -> bool:
        # Elsewhere in the window the arrows step through frames; here they move the edge.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _frames(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if frames := _frames(event):
            self.nudged.emit(self.edge, frames)
        elif event.key() == Qt.Key.Key_Escape and self._grip_x is not None:
            self._grip_x = None
            self.cancelled.emit(self.edge)
        else:
            event.ignore()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # zooms

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            colour = QColor(theme.colours().accent)
            middle = self._line_x
            inward = 1 if self.edge is Edge.IN else -1
            painter.fillRect(QRectF(middle - 1, 0, 2, self.height()), colour)
            # A bracket that opens towards the moment, so that in and out differ in shape.
            painter.setPen(pen(colour, 2))
            for y in (1.0, self.height() - 1.0):
                painter.drawLine(QPointF(middle, y), QPointF(middle + 6 * inward, y))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            grip = QRectF(middle if inward > 0 else middle - 5, self.height() / 2 - 9, 5, 18)
            painter.drawRoundedRect(grip, 2, 2)
            if self.is_snapped:
                diamond(painter, QPointF(middle, 5), 4, QColor(theme.colours().text))
            if self.has_ring:
                focus_ring(painter, QRectF(self.rect()))


def _frames(event: QKeyEvent) -> int:
    """The frames that an arrow key nudges by: one, with Shift ten; 0 for other keys."""
    direction = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if modifiers not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
        return 0
    return direction * (10 if modifiers else 1)
