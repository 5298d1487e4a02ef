"""One refinement step as a row: its name, its segment with a word for each edge, and "Keep"."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QToolButton, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.counter import counted
from tr_desktop.app.look.painting import KeyFocus, faded, focus_ring, lens, pen, tick
from tr_desktop.app.look.translate import tr
from tr_desktop.app.scrubber.state import YOURS, ScrubberState
from tr_desktop.app.scrubber.step_bar import LEFT, RIGHT, Shape, edge_px, paint_edge, paint_shape, paint_unmoved
from tr_desktop.moments import StepSource

LEFT_PX, RIGHT_PX = 84, 64  # the columns beside the time lane


class StepRow(KeyFocus, QAbstractButton):
    """The row of step number `step`, or of YOURS. keep_requested: the editor wants this step to count."""

    keep_requested = Signal(int)

    def __init__(self, step: int, state: ScrubberState, parent: QWidget) -> None:
        super().__init__(parent)
        self.step, self.state = step, state
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._keep = QToolButton(self)
        self._keep.setText(tr("Keep"))
        self._keep.setFont(theme.font(theme.SMALL_PX))
        self._keep.setStyleSheet("padding: 0 8px; border: 1px solid palette(mid); border-radius: 4px;")
        self._keep.setToolTip(tr("Use this step’s in and out for the moment"))
        self._keep.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Return does it from the row
        self._keep.clicked.connect(lambda: self.keep_requested.emit(self.step))
        self._keep.hide()

    def refresh(self) -> None:
        """Follow the state: selection, texts, and whether "Keep" is offered."""
        self.setChecked(self.step == self.state.selected)
        heading, facts = self.state.facts(self.step)
        sentence = f"{heading}: {'; '.join(facts)}"
        if sentence != self.accessibleName():
            self.setAccessibleName(sentence)
            self.setToolTip("\n".join([heading, *facts]))
        self._keep.setAccessibleName(tr("Keep {step}", step=self.state.name(self.step).lower()))
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
        self._keep.setGeometry(self.width() - RIGHT_PX + 8, 2, RIGHT_PX - 14, self.height() - 4)

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
            if self.step == state.deciding:
                painter.setPen(QColor(colours.accent))
                painter.setFont(theme.font(theme.SMALL_PX, is_bold=True))
                painter.drawText(self._keep.geometry(), Qt.AlignmentFlag.AlignCenter, tr("Kept"))
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
        painter.drawText(QRectF(22, 0, LEFT_PX - 22, self.height()), LEFT, state.name(self.step))
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
        if state.moves_nothing(self.step) and not is_kept:
            paint_unmoved(painter, bar, self._seen(bar))
        else:
            self._paint_segment(painter, bar, is_kept)
        painter.restore()
        self._paint_arrows(painter, bar)

    def _paint_segment(self, painter: QPainter, bar: QRectF, is_kept: bool) -> None:
        """The bar, the words at its edges, and for the kept one its length."""
        state = self.state
        colour = theme.step_colour(len(state.steps) if self.step == YOURS else self.step)
        paint_shape(painter, bar, colour, self._shape(is_kept))
        ink = QColor(theme.colours().on_accent if is_kept else theme.colours().text)
        for word, is_in in zip(state.words(self.step), (True, False), strict=True):
            if word is not None:
                paint_edge(painter, bar, state.view.width_px, word, ink, is_in=is_in)
        if is_kept:
            self._paint_length(painter, bar)

    def _paint_length(self, painter: QPainter, bar: QRectF) -> None:
        """Write the length into the visible part of the bar, if it fits between the words of the edges."""
        state, segment, times = self.state, self.state.segment_of(self.step), self.state.moment.times
        seconds = float(times.time_s(segment.end_frame) - times.time_s(segment.start_frame))
        text = tr("{seconds:.2f} s · {frames}", seconds=seconds, frames=counted(segment.frames, "frame"))
        if state.moves_nothing(self.step):
            text = tr("{length} · no change", length=text)
        painter.setFont(theme.font(theme.SMALL_PX, is_bold=True))
        seen = self._seen(bar)
        left, right = (0 if word is None else edge_px(word) for word in state.words(self.step))
        # The words are inside the bar if there is no room outside.
        has_left, has_right = bar.left() < left, bar.right() + right > state.view.width_px
        seen.adjust(left if has_left else 4, 0, -(right if has_right else 4), 0)
        if painter.fontMetrics().horizontalAdvance(text) < seen.width():
            painter.setPen(QColor(theme.colours().on_accent))
            painter.drawText(seen, Qt.AlignmentFlag.AlignCenter, text)

    def _seen(self, bar: QRectF) -> QRectF:
        """The part of a bar that is in view, as high as the row: no letter in it is cut off."""
        left, right = max(bar.left(), 0.0), min(bar.right(), float(self.state.view.width_px))
        return QRectF(left, 0, max(right - left, 0.0), self.height())

    def _paint_guides(self, painter: QPainter, bar: QRectF) -> None:
        """Lines to the edges of the rows above and below, and across the row at the selected edges and playhead."""
        state, colours = self.state, theme.colours()
        row, gap = state.rows.index(self.step), 2 * bar.top()
        painter.setPen(pen(faded(colours.dim, 0.7), 1))
        # Each row paints the part of these lines that is inside it.
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

    def _shape(self, is_kept: bool) -> Shape:
        if is_kept:
            return Shape.KEPT
        if self.step == 0:
            return Shape.ROUGH
        by = StepSource.HAND if self.step == YOURS else self.state.steps[self.step].by
        return {StepSource.FRAMES: Shape.CLOSER, StepSource.MODEL: Shape.WRITTEN}.get(by, Shape.STEP)

    def _paint_arrows(self, painter: QPainter, bar: QRectF) -> None:
        """If the bar is outside the view, an arrow points to it."""
        width = self.state.view.width_px
        painter.setPen(QColor(theme.colours().dim))
        painter.setFont(theme.font(theme.SMALL_PX))
        if bar.right() < 0:
            painter.drawText(QRectF(LEFT_PX + 4, 0, 20, self.height()), LEFT, "‹")
        elif bar.left() > width:
            painter.drawText(QRectF(LEFT_PX + width - 24, 0, 20, self.height()), RIGHT, "›")
