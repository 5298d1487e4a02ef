"""One refinement step as a row: its name, its segment with how sure each edge is, its score, and "Keep"."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QToolButton, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.painting import KeyFocus, faded, focus_ring, lens, meter, pen, tick
from tr_desktop.app.scrubber.state import YOURS, ScrubberState, percent

LEFT_PX, RIGHT_PX = 84, 104  # the columns beside the lanes
SCORE_PX = 40
_METER_PX, _NUMBER_PX = 3, 30
_EDGE_PX = _METER_PX + _NUMBER_PX + 6  # both, and gaps


class StepRow(KeyFocus, QAbstractButton):
    """Row number `step` of what is shown. keep_requested: the editor wants this step."""

    keep_requested = Signal(int)

    def __init__(self, step: int, state: ScrubberState, parent: QWidget) -> None:
        super().__init__(parent)
        self.step, self.state = step, state
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._keep = QToolButton(self)
        self._keep.setText("Keep")
        self._keep.setFont(theme.font(theme.SMALL_PX))
        self._keep.setStyleSheet("padding: 0 8px; border: 1px solid palette(mid); border-radius: 4px;")
        self._keep.setToolTip("Keep this step: its in and out become the moment's")
        self._keep.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Return does it from the row
        self._keep.clicked.connect(lambda: self.keep_requested.emit(self.step))
        self._keep.hide()

    def refresh(self) -> None:
        """Follow what is shown: state, words, and whether "Keep" is offered."""
        self.setChecked(self.step == self.state.selected)
        sentence = self.state.sentence(self.step)
        if sentence != self.accessibleName():
            self.setAccessibleName(sentence)
            self.setToolTip(_tooltip(sentence))
        self._keep.setAccessibleName(f"Keep {self.state.name(self.step).lower()}")
        self._offer()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(LEFT_PX + RIGHT_PX + 200, 20)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._offer()
        super().enterEvent(event)

    def leaveEvent(self, event: object) -> None:
        self._offer()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._ask_to_keep()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._ask_to_keep()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._keep.setGeometry(self.width() - RIGHT_PX + SCORE_PX + 8, 2, RIGHT_PX - SCORE_PX - 14, self.height() - 4)

    def _ask_to_keep(self) -> None:
        if self._can_be_kept:
            self.keep_requested.emit(self.step)

    @property
    def _can_be_kept(self) -> bool:
        return self.step not in (YOURS, self.state.deciding)

    def _offer(self) -> None:
        self._keep.setVisible(self._can_be_kept and (self.isChecked() or self.underMouse()))

    def paintEvent(self, event: QPaintEvent) -> None:
        state, colours = self.state, theme.colours()
        share = state.shown_share(self.step)
        if share <= 0:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self.isChecked() or self.underMouse():
                ground = colours.accent_ground if self.isChecked() else colours.raised
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(ground))
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(0, 0.5, 0, -0.5), 3, 3)
            painter.setOpacity(share)
            is_kept = self.step == state.deciding
            self._paint_name(painter, is_kept)
            self._paint_bar(painter, is_kept)
            if self.step != YOURS:
                painter.setPen(QColor(colours.text if is_kept else colours.dim))
                painter.setFont(theme.figures_font(theme.SMALL_PX))
                place = QRectF(self.width() - RIGHT_PX, 0, SCORE_PX, self.height())
                painter.drawText(place, _RIGHT, percent(state.steps[self.step].score))
            if self.step == state.deciding:
                painter.setPen(QColor(colours.accent))
                painter.setFont(theme.font(theme.SMALL_PX, is_bold=True))
                painter.drawText(self._keep.geometry(), Qt.AlignmentFlag.AlignCenter, "Kept")
            if self.has_ring:
                painter.setOpacity(1)
                focus_ring(painter, QRectF(self.rect()))

    def _paint_name(self, painter: QPainter, is_kept: bool) -> None:
        state, colours = self.state, theme.colours()
        colour = QColor(colours.text if is_kept or self.isChecked() else colours.dim)
        middle = self.height() / 2
        if is_kept:
            tick(painter, QPointF(12, middle), QColor(colours.accent))
        painter.setPen(colour)
        painter.setFont(theme.font(theme.SMALL_PX, is_bold=is_kept))
        painter.drawText(QRectF(22, 0, LEFT_PX - 22, self.height()), _LEFT, state.name(self.step))
        if self.step != YOURS and state.steps[self.step].looked_closer:
            lens(painter, QPointF(LEFT_PX - 16, middle), colour)

    def _paint_bar(self, painter: QPainter, is_kept: bool) -> None:
        state = self.state
        painter.save()
        painter.setClipRect(QRectF(LEFT_PX, 0, state.view.width_px, self.height()))
        painter.translate(LEFT_PX, 0)
        height = max(self.height() - 6.0, 11.0)
        top = (self.height() - height) / 2
        start, end = state.drawn_x(self.step)
        bar = QRectF(start, top, max(end - start, 2.0), height)
        self._paint_guides(painter, bar)
        colour = theme.step_colour(len(state.steps) if self.step == YOURS else self.step)
        _paint_shape(painter, bar, colour, self._shape(is_kept))
        if self.step != YOURS:
            taken = state.steps[self.step]
            ink = QColor(theme.colours().on_accent if is_kept else theme.colours().text)
            room = QRectF(0, bar.top(), state.view.width_px, bar.height())
            _paint_edge(painter, bar, room, taken.start_confidence, colour, ink, is_in=True)
            _paint_edge(painter, bar, room, taken.end_confidence, colour, ink, is_in=False)
        if is_kept:
            segment = state.segment_of(self.step)
            times = state.moment.times
            length_s = times.time_s(segment.end_frame) - times.time_s(segment.start_frame)
            frames = segment.frames
            text = f"{float(length_s):.2f} s · {frames} {'frame' if frames == 1 else 'frames'}"
            painter.setFont(theme.font(theme.SMALL_PX, is_bold=True))
            # Between the numbers of edges that have no room outside of it.
            has_numbers, width = self.step != YOURS, state.view.width_px
            left = _EDGE_PX if has_numbers and bar.left() < _EDGE_PX else 4
            right = _EDGE_PX if has_numbers and bar.right() + _EDGE_PX > width else 4
            seen = bar.intersected(QRectF(0, top, width, height)).adjusted(left, 0, -right, 0)
            if painter.fontMetrics().horizontalAdvance(text) < seen.width():
                painter.setPen(QColor(theme.colours().on_accent))
                in_row = QRectF(seen.left(), 0, seen.width(), self.height())  # higher than the bar: nothing is cut
                painter.drawText(in_row, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()
        self._paint_arrows(painter, bar)

    def _paint_guides(self, painter: QPainter, bar: QRectF) -> None:
        """How the edges came here from the step before, and where those that count and the playhead are."""
        state, colours = self.state, theme.colours()
        row, gap = state.rows.index(self.step), 2 * bar.top()
        painter.setPen(pen(faded(colours.dim, 0.7), 1))
        # From row to row; each paints the part of the lines above and below it that is in it.
        for other, other_y, own_y in (
            (row - 1, bar.top() - gap, bar.top()),
            (row + 1, bar.bottom() + gap, bar.bottom()),
        ):
            if 0 <= other < len(state.rows) and state.shown_share(state.rows[other]) > 0:
                for there, here in zip(state.drawn_x(state.rows[other]), (bar.left(), bar.right()), strict=True):
                    painter.drawLine(QPointF(there, other_y), QPointF(here, own_y))
        segment = state.segment
        painter.setPen(pen(faded(colours.accent, 0.35), 1))
        for boundary in (segment.start_frame, segment.end_frame):
            x = round(state.view.x_of(boundary)) + 0.5
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.setPen(pen(faded(colours.text, 0.5), 1))
        x = round(state.view.x_of(state.playhead)) + 0.5
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))

    def _shape(self, is_kept: bool) -> str:
        if is_kept:
            return "kept"
        if self.step == 0:
            return "rough"
        return "closer" if self.step > 0 and self.state.steps[self.step].looked_closer else "step"

    def _paint_arrows(self, painter: QPainter, bar: QRectF) -> None:
        """Where a bar lies outside of the view, an arrow points to it."""
        width = self.state.view.width_px
        painter.setPen(QColor(theme.colours().dim))
        painter.setFont(theme.font(theme.SMALL_PX))
        if bar.right() < 0:
            painter.drawText(QRectF(LEFT_PX + 4, 0, 20, self.height()), _LEFT, "‹")
        elif bar.left() > width:
            painter.drawText(QRectF(LEFT_PX + width - 24, 0, 20, self.height()), _RIGHT, "›")


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _paint_shape(painter: QPainter, bar: QRectF, colour: QColor, shape: str) -> None:
    """Rough: hatched and dashed. A step: an outline. One that looked closer: a double outline. Kept: solid."""
    inner = bar.adjusted(0.5, 0.5, -0.5, -0.5)
    painter.setBrush(faded(colour, 0.16))
    if shape == "kept":
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.colours().accent))
        painter.drawRoundedRect(bar, 2, 2)
        return
    painter.setPen(pen(colour, 1, Qt.PenStyle.DashLine if shape == "rough" else Qt.PenStyle.SolidLine))
    painter.drawRoundedRect(inner, 2, 2)
    if shape == "rough":
        painter.setPen(Qt.PenStyle.NoPen)
        brush = painter.brush()
        brush.setColor(faded(colour, 0.55))
        brush.setStyle(Qt.BrushStyle.BDiagPattern)
        painter.setBrush(brush)
        painter.drawRect(inner)
    elif shape == "closer" and bar.width() > 8:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(faded(colour, 0.8), 1))
        painter.drawRect(inner.adjusted(2, 2, -2, -2))


def _paint_edge(
    painter: QPainter, bar: QRectF, room: QRectF, confidence: float, colour: QColor, ink: QColor, *, is_in: bool
) -> None:
    """A meter beside the edge, outside of the bar, and the number beside that; in the bar where there is no `room`.

    ink: for a number in the bar.
    """
    painter.setFont(theme.figures_font(theme.SMALL_PX - 1))
    is_outside = bar.left() - _EDGE_PX >= room.left() if is_in else bar.right() + _EDGE_PX <= room.right()
    goes_left = is_in == is_outside
    edge = bar.left() if is_in else bar.right()
    left = edge - _METER_PX - 3 if goes_left else edge + 3
    if not is_outside and (bar.width() < 2 * _EDGE_PX or not room.left() <= edge <= room.right()):
        return  # the tooltip has it
    meter(
        painter,
        QRectF(left, bar.top(), _METER_PX, bar.height()).adjusted(0, 1, 0, -1),
        confidence,
        colour if is_outside else ink,
    )
    painter.setPen(QColor(theme.colours().dim) if is_outside else ink)
    beside = left - _NUMBER_PX - 3 if goes_left else left + _METER_PX + 3
    place = QRectF(beside, bar.top() - 3, _NUMBER_PX, bar.height() + 6)
    painter.drawText(place, _RIGHT if goes_left else _LEFT, f"{round(100 * confidence)}%")


def _tooltip(sentence: str) -> str:
    title, _, rest = sentence.partition(": ")
    return "\n".join([title, *(part.strip() for part in rest.split(";"))])
