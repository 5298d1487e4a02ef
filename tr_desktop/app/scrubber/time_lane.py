"""The part of the file in view: ruler, filmstrip, similarity and shot changes, with the playhead across."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractSlider, QToolTip, QWidget

from tr_desktop.app.look import theme
from tr_desktop.app.look.marks import COLOUR_NAMES, marker_colour
from tr_desktop.app.look.painting import KeyFocus, Layer, diamond, faded, focus_ring, pen
from tr_desktop.app.look.translate import tr
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.app.scrubber.curve import paint_curve, paint_shots
from tr_desktop.app.scrubber.film import tile_frames, tiles
from tr_desktop.app.scrubber.geometry import SNAP_PX, Strips, ruler
from tr_desktop.app.scrubber.marker_menu import MarkerMenu
from tr_desktop.app.scrubber.state import ScrubberState

_LABEL_GAP_PX = 26
_MAX_IMAGES = 300
_SINGLE_FRAME_PX = 14  # frames of this width are parted by lines


class TimeLane(KeyFocus, QAbstractSlider):
    """Its value is the playhead's frame. scrubbed: to this frame, by pointer or key. panned: by so many pixels."""

    scrubbed = Signal(int)
    panned = Signal(float)

    def __init__(self, parent: QWidget, marker_menu: MarkerMenu) -> None:
        super().__init__(parent)
        self._marker_menu = marker_menu
        self._state: ScrubberState | None = None
        self._strips: Strips | None = None
        self._thumbnails: Thumbnails | None = None
        self._images: dict[int, QImage] = {}  # of this file; stand-ins for those that aren't ready
        self._layer = Layer()
        self._pan_x: float | None = None
        self.is_scrubbed = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setMouseTracking(True)

    def show_state(self, state: ScrubberState | None) -> None:
        if state is None or self._state is None or state.moment.media != self._state.moment.media:
            self._images.clear()
        self._state = state
        self.refresh()

    def lay_out(self, strips: Strips) -> None:
        self._strips = strips
        self.refresh()

    def follow_playhead(self) -> None:
        """Bring value and name in line with the playhead."""
        if self._state is not None:
            self.setRange(0, len(self._state.moment.times) - 1)
            self.setValue(self._state.playhead)
            self.setAccessibleName(tr("Playhead {position}", position=self._state.label(self._state.playhead)))

    def refresh(self) -> None:
        """Paint all of it again; for the playhead alone, `update` is enough."""
        self._layer.forget()
        self.update()

    def set_thumbnails(self, thumbnails: Thumbnails) -> None:
        self._thumbnails = thumbnails
        thumbnails.ready.connect(self._thumbnail_ready)

    # Pointer and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pan_x = event.position().x()
        elif event.button() == Qt.MouseButton.LeftButton:
            self.is_scrubbed = True
            self._scrub(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pan_x is not None:
            self.panned.emit(self._pan_x - event.position().x())
            self._pan_x = event.position().x()
        elif self.is_scrubbed:
            self._scrub(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pan_x = None
        self.is_scrubbed = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        direction = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if self._state is None or not direction:
            event.ignore()
            return
        media, times = self._state.moment.media, self._state.moment.times
        frames = round(media.rate) if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        self.scrubbed.emit(min(max(self._state.playhead + direction * frames, 0), len(times) - 1))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of the marker under the pointer; by key, of the one at the playhead."""
        if self._state is None:
            return
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        x = self._state.view.x_of(self._state.playhead) if by_key else event.pos().x()
        marker = self._state.marker_near(x)
        if marker is not None:
            at = QPoint(round(self._state.view.x_of(marker.frame)), self.height() // 4)
            self._marker_menu.open_for(marker, self.mapToGlobal(at) if by_key else event.globalPos())

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # zooms

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._tooltip(event.pos().x()), self)
            return True
        return super().event(event)

    def _scrub(self, x: float) -> None:
        if self._state is not None:
            self.scrubbed.emit(self._state.view.frame_at(x))

    def _tooltip(self, x: float) -> str:
        state = self._state
        if state is None:
            return ""
        frame = state.view.frame_at(x)
        lines = [state.label(frame)]
        if state.curve is not None and len(state.curve):
            row = min(round(state.moment.times.time_s(frame) / state.every_s), len(state.curve) - 1)
            lines.append(tr("Similarity {level:.2f}", level=float(state.curve[row])))
        if any(abs(state.view.x_of(shot) - x) <= SNAP_PX for shot in state.shots):
            lines.append(tr("A shot begins here"))
        marker = state.marker_near(x)
        if marker is not None:
            lines.append(tr("Marker, {colour}", colour=tr(COLOUR_NAMES[marker.colour]).lower()))
        return "\n".join(lines)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            self._layer.draw(painter, self, self._paint_still)
            if self._state is not None and self._strips is not None:
                painter.translate(0, -self._strips.ruler.top)
                self._paint_playhead(painter, self._state, self._strips)
                painter.resetTransform()
            if self.has_ring:
                focus_ring(painter, QRectF(self.rect()))

    def _paint_still(self, painter: QPainter) -> None:
        """Paint everything but the playhead."""
        state = self._state
        strips = self._strips
        colours = theme.colours()
        if strips is None:
            return
        painter.translate(0, -strips.ruler.top)
        film = QRectF(0, strips.film.top, self.width(), strips.film.height)
        curve = QRectF(0, strips.curve.top, self.width(), strips.curve.height)
        painter.fillRect(film.united(curve), QColor(colours.well))
        if state is None:
            return
        self._paint_ruler(painter, state, strips)
        self._paint_film(painter, state, film)
        paint_curve(painter, state, state.view, curve)
        paint_shots(painter, state, curve)
        self._paint_segment(painter, state, strips)

    def _paint_ruler(self, painter: QPainter, state: ScrubberState, strips: Strips) -> None:
        colours = theme.colours()
        view = state.view
        painter.setFont(theme.figures_font(theme.SMALL_PX))
        metrics = painter.fontMetrics()
        widest = metrics.horizontalAdvance(state.label(len(state.moment.times)))
        bottom = strips.ruler.bottom
        for mark in ruler(view, state.moment.footage, widest + _LABEL_GAP_PX):
            x = round(view.x_of(mark.frame)) + 0.5
            painter.setPen(QColor(colours.line if not mark.is_labelled else colours.rough))
            painter.drawLine(QPointF(x, bottom - (8 if mark.is_labelled else 4)), QPointF(x, bottom - 1))
            if mark.is_labelled and x >= 0 and x + 4 + widest <= self.width():
                painter.setPen(QColor(colours.dim))
                painter.drawText(QPointF(x + 4, bottom - 6), state.label(mark.frame))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for marker in state.markers:
            diamond(painter, QPointF(view.x_of(marker.frame), bottom - 4), 4.5, marker_colour(marker.colour))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_film(self, painter: QPainter, state: ScrubberState, film: QRectF) -> None:
        media = state.moment.media
        view = state.view
        wide = round(min(max(film.height() * media.width / media.height, 24.0), 3 * film.height()))
        height_px = round(film.height() * self.devicePixelRatioF())
        reach = 2 * tile_frames(view, wide)
        splits = sorted({state.segment.start_frame, state.segment.end_frame, *state.shots})
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for tile in tiles(view, wide, splits):
            place = QRectF(tile.x, film.top(), tile.width_px, film.height())
            image = self._thumbnail(state, tile.frame, height_px, reach, splits)
            if image is not None and not image.isNull():
                share = tile.width_px / wide
                painter.drawImage(place, image, QRectF(0, 0, image.width() * share, image.height()))
            if tile.is_first:
                painter.fillRect(QRectF(tile.x, film.top(), 1, film.height()), faded(theme.colours().well, 0.7))
        if view.frame_px >= _SINGLE_FRAME_PX:
            painter.setPen(faded(theme.colours().text, 0.25))
            first, last = view.first_and_last()
            for frame in range(first, last + 1):
                x = round(view.x_of(frame)) + 0.5
                painter.drawLine(QPointF(x, film.bottom() - 5), QPointF(x, film.bottom()))

    def _thumbnail(
        self, state: ScrubberState, frame: int, height_px: int, reach: float, splits: Sequence[int]
    ) -> QImage | None:
        """The picture of a frame, or meanwhile one that is near it and between the same splits."""
        if self._thumbnails is None:
            return None
        path = state.moment.media.path
        image = self._thumbnails.image(path, frame, height_px)
        if image is None:
            self._thumbnails.request(state.moment.footage, frame, height_px)
            part = bisect.bisect_right(splits, frame)
            like = [known for known in self._images if bisect.bisect_right(splits, known) == part]
            near = min(like, key=lambda known: abs(known - frame), default=None)
            return self._images[near] if near is not None and abs(near - frame) <= reach else None
        if len(self._images) > _MAX_IMAGES:
            self._images.clear()
        if not image.isNull():
            self._images[frame] = image
        return image

    def _thumbnail_ready(self, path: Path, frame: int, image: QImage) -> None:
        if self._state is not None and path == self._state.moment.media.path:
            self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        self._layer.forget()  # another theme
        super().changeEvent(event)

    def _paint_segment(self, painter: QPainter, state: ScrubberState, strips: Strips) -> None:
        """Dim the file outside the segment, and mark the segment with a line below the ruler."""
        start, end = (state.view.x_of(f) for f in (state.segment.start_frame, state.segment.end_frame))
        top, height = strips.film.top, strips.curve.bottom - strips.film.top
        shade = faded(theme.colours().window, 0.62)
        painter.fillRect(QRectF(0, top, max(start, 0), height), shade)
        painter.fillRect(QRectF(max(end, 0), top, max(self.width() - max(end, 0), 0), height), shade)
        painter.fillRect(QRectF(start, top - 2, max(end - start, 1), 2), QColor(theme.colours().accent))

    def _paint_playhead(self, painter: QPainter, state: ScrubberState, strips: Strips) -> None:
        colour = QColor(theme.colours().text)
        x = round(state.view.x_of(state.playhead)) + 0.5
        painter.setPen(pen(colour, 1))
        painter.drawLine(QPointF(x, strips.ruler.top + 6), QPointF(x, strips.curve.bottom))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        head = [QPointF(-5, 2), QPointF(5, 2), QPointF(5, 7), QPointF(0, 12), QPointF(-5, 7)]
        painter.drawPolygon(QPolygonF([QPointF(x, strips.ruler.top) + point for point in head]))
