"""The whole file in a strip, with the place of the moment and the part that the time lane shows."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.painting import Layer, faded, pen
from tr_desktop.app.look.translate import tr
from tr_desktop.app.scrubber.curve import paint_curve
from tr_desktop.app.scrubber.geometry import View
from tr_desktop.app.scrubber.state import ScrubberState


class Overview(QWidget):
    """centred: the time lane should have this frame in its middle. whole_wanted: it should show the whole file."""

    centred = Signal(int)
    whole_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._state: ScrubberState | None = None
        self._whole: View | None = None
        self._layer = Layer()
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(tr("The whole file"))

    def show_state(self, state: ScrubberState | None) -> None:
        self._state = state
        self._whole = View.whole(state.moment.times, self._read_px()) if state else None
        is_whole = state is None or state.moment.footage.is_whole
        text = tr("The whole file. Drag to move through it. Double-click to see all of it.")
        self.setToolTip(text if is_whole else f"{text}\n{tr('The hatched part is not read yet.')}")
        self.refresh()

    def _read_px(self) -> int:
        """The width of the part of the file that was read."""
        if self._state is None or self._state.moment.footage.is_whole:
            return self.width()
        read_s, whole_s = self._state.moment.times.duration_s, self._state.moment.media.duration_s
        return self.width() if whole_s is None or whole_s <= read_s else max(round(self.width() * read_s / whole_s), 1)

    def refresh(self) -> None:
        """Paint the curve again too; for anything else, `update` is enough."""
        self._layer.forget()
        self.update()

    def x_of(self, frame: int) -> float:
        return self._whole.x_of(frame) if self._whole else 0.0

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._whole is not None:
            self._whole = self._whole.resized(self._read_px())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._whole is not None:
            self.centred.emit(self._whole.frame_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.whole_wanted.emit()

    def changeEvent(self, event: QEvent) -> None:
        self._layer.forget()  # another theme
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            self._layer.draw(painter, self, self._paint_curve)
            if self._state is not None and self._whole is not None:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                self._paint_places(painter, self._state, self._whole)

    def _paint_curve(self, painter: QPainter) -> None:
        colours, state, whole = theme.colours(), self._state, self._whole
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.well))
        painter.drawRoundedRect(QRectF(self.rect()), 3, 3)
        if state is not None and whole is not None:
            paint_curve(painter, state, whole, QRectF(0, 3, whole.width_px, self.height() - 4))
            if whole.width_px < self.width():
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QBrush(QColor(colours.dim), Qt.BrushStyle.BDiagPattern))
                painter.drawRect(QRectF(whole.width_px, 0, self.width() - whole.width_px, self.height()))

    def _paint_places(self, painter: QPainter, state: ScrubberState, whole: View) -> None:
        """The segment, the playhead, and the part that the time lane shows."""
        colours, segment = theme.colours(), state.segment
        x = round(whole.x_of(state.playhead)) + 0.5
        painter.setPen(pen(colours.text, 1))
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        start, end = whole.x_of(segment.start_frame), whole.x_of(segment.end_frame)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.accent))
        painter.drawRect(QRectF(start, self.height() - 5, max(end - start, 3.0), 5))
        view = state.view
        if view.span < whole.span or whole.width_px < self.width():
            left, right = (float(tick * whole.width_px / whole.span) for tick in (view.start, view.start + view.span))
            middle, least = (left + right) / 2, 6.0
            window = QRectF(min(left, middle - least / 2), 0.5, max(right - left, least), self.height() - 1)
            painter.setPen(pen(faded(colours.text, 0.75), 1))
            painter.setBrush(faded(colours.text, 0.08))
            painter.drawRoundedRect(window, 2.5, 2.5)
