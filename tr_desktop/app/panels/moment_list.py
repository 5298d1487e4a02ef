"""The list of moments found. It draws only visible rows; the poster under the pointer plays through its moment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QEvent, QObject, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QListView, QWidget

from tr_desktop.app.look import icons, theme
from tr_desktop.app.look.counter import Counting, label, length_label, percent
from tr_desktop.app.look.translate import tr
from tr_desktop.app.panels.poster_list import NO_PARENT, Index, PosterDelegate, PosterList, RowShape, draw_elided
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.confidence import Level, level
from tr_desktop.moments import Judgement, Moment, Quote, Segment, TextKind
from tr_desktop.names import short_names
from tr_desktop.projects.decisions import Decision, Key, key_of

_SHAPE = RowShape(poster=QSize(118, 66), words_px=150, margin_px=5, radius_px=4, icon_px=20)

_BAR_FROM_PX = 90  # narrower, the score has no bar


class MomentModel(QAbstractListModel):
    """Moments, best first. New versions of the same moments keep the selection."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._moments: list[Moment] = []
        self._names: dict[Path, str] = {}
        self._judgements: Sequence[Judgement] = ()
        self.counting = Counting.TIMECODE

    def set_moments(self, moments: Sequence[Moment], judgements: Sequence[Judgement] = ()) -> None:
        self._judgements = judgements
        self._names = short_names(moment.media.path for moment in moments)
        keys = [key_of(moment) for moment in moments]
        if keys == [key_of(moment) for moment in self._moments]:
            self._moments = list(moments)
            if moments:
                self.dataChanged.emit(self.index(0), self.index(len(moments) - 1))
            return
        self.beginResetModel()
        self._moments = list(moments)
        self.endResetModel()

    def moment(self, row: int) -> Moment:
        return self._moments[row]

    def is_right(self, row: int) -> bool:
        """Whether the moment was marked right. Those marked wrong aren't in the list."""
        return any(each.is_right and each.is_about(self._moments[row]) for each in self._judgements)

    def name(self, row: int) -> str:
        """The file's name, with as many folders as tell it apart from the others in the list."""
        return self._names[self._moments[row].media.path]

    def row_of(self, key: Key) -> int:
        """The moment's row; -1 if it isn't in the list."""
        return next((row for row, moment in enumerate(self._moments) if key_of(moment) == key), -1)

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._moments)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        moment = self._moments[index.row()]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            segment = moment.segment
            start, end = (label(moment, frame, self.counting) for frame in (segment.start_frame, segment.end_frame))
            score = round(100 * moment.score)
            text = tr("{file}, {start} to {end}, score {score} percent, {level}")
            remarks = [*([tr("marked right")] if self.is_right(index.row()) else []), *_remarks(moment)]
            said = "".join(f", {each}" for each in remarks)
            file, word = self.name(index.row()), level_word(moment)
            return text.format(file=file, start=start, end=end, score=score, level=word) + said
        if role == Qt.ItemDataRole.ToolTipRole:
            said = "".join(f"\n{each}" for each in _remarks(moment))
            is_speech = moment.quote is not None and moment.quote.is_speech
            means = "" if is_speech else "\n" + score_text(moment)
            return f"{moment.media.path}{means}{said}"
        return None


class MomentDelegate(PosterDelegate):
    """Draws a moment: poster, file, in and out, score."""

    def __init__(self, thumbnails: Thumbnails, model: MomentModel, view: QListView) -> None:
        super().__init__(thumbnails, view, _SHAPE)
        self._model = model
        self.hover: tuple[int, float] | None = None  # row, and how far through the moment, in [0, 1]
        self.decisions: dict[Key, Decision] = {}
        self._posters: dict[Key, QImage] = {}  # the last of each moment, shown until its next one is ready

    def picture(self, row: int) -> QImage | None:
        moment = self._model.moment(row)
        share = self._hover_share(row)
        frame = frame_through(self._segment(moment), 0.5 if share is None else share)
        image = self.thumbnail(moment.footage, frame)
        if image is None:
            return self._posters.get(key_of(moment))
        if share is None:
            self._posters[key_of(moment)] = image
        return image

    def path(self, row: int) -> str:
        return str(self._model.moment(row).media.path)

    def paint_over(self, painter: QPainter, row: int, box: QRect) -> None:
        """Mark how far through the moment the picture is, or else where in its file the moment lies."""
        moment = self._model.moment(row)
        share = self._hover_share(row)
        colours = theme.colours()
        if share is not None:
            x = box.left() + share * box.width()
            painter.fillRect(QRectF(x - 1, box.top(), 2, box.height()), QColor(colours.accent))
            return
        segment = self._segment(moment)
        frames = max(len(moment.times), 1)
        left = box.left() + box.width() * segment.start_frame / frames
        wide = max(box.width() * segment.frames / frames, 3.0)
        colour = QColor(colours.accent if moment.confident else colours.rough)
        painter.fillRect(QRectF(box.left(), box.bottom() - 2, box.width(), 3), QColor(0, 0, 0, 150))
        painter.fillRect(QRectF(left, box.bottom() - 2, wide, 3), colour)

    def _hover_share(self, row: int) -> float | None:
        return self.hover[1] if self.hover is not None and self.hover[0] == row else None

    def _segment(self, moment: Moment) -> Segment:
        """The segment that would be exported."""
        decision = self.decisions.get(key_of(moment))
        return moment.segment if decision is None else decision.segment

    def paint_words(self, painter: QPainter, row: int, box: QRect) -> None:
        moment = self._model.moment(row)
        line = box.height() // 3
        decision = self.decisions.get(key_of(moment))
        is_accepted = decision is not None and decision.is_accepted
        top, middle, low = (QRect(box.left(), box.top() + at * line, box.width(), line) for at in range(3))
        if is_accepted:
            place = QRectF(box.right() - 14, box.top() + (line - 14) / 2, 14, 14)
            icons.paint(painter, "check", place, theme.colours().good)
            top.setWidth(top.width() - 18)
        if self._model.is_right(row):
            place = QRectF(top.right() - 14, top.top() + (line - 14) / 2, 14, 14)
            icons.paint(painter, "more-like", place, theme.colours().accent)
            top.setWidth(top.width() - 18)
        self._paint_name(painter, row, top)
        self._paint_edges(painter, moment, middle)
        length_px = self._paint_length(painter, moment, low)
        low.setWidth(low.width() - length_px - 4)
        if moment.quote is None or moment.quote.kind is TextKind.NAME:
            self._paint_score(painter, moment, low)
        else:
            self._paint_quote(painter, moment.quote, low)

    def _paint_name(self, painter: QPainter, row: int, box: QRect) -> None:
        painter.setFont(theme.font(is_bold=True))
        painter.setPen(QColor(theme.colours().text))
        draw_elided(painter, box, self._model.name(row), Qt.TextElideMode.ElideMiddle)

    def _paint_edges(self, painter: QPainter, moment: Moment, box: QRect) -> None:
        segment = self._segment(moment)
        counting = self._model.counting
        painter.setFont(theme.figures_font(theme.FONT_PX - 1))
        painter.setPen(QColor(theme.colours().dim))
        start, end = (label(moment, frame, counting) for frame in (segment.start_frame, segment.end_frame))
        edges = f"{start} – {end}"
        if painter.fontMetrics().horizontalAdvance(edges) > box.width():
            edges = start  # whole; the length is below
        draw_elided(painter, box, edges)

    def _paint_length(self, painter: QPainter, moment: Moment, box: QRect) -> int:
        """Paint the length at the right, in the edges' font; its width in pixels."""
        segment = self._segment(moment)
        length = length_label(moment, segment.start_frame, segment.end_frame, self._model.counting)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, length)
        return painter.fontMetrics().horizontalAdvance(length)

    def _paint_score(self, painter: QPainter, moment: Moment, box: QRect) -> None:
        c = theme.colours()
        colour = QColor(c.good if moment.confident else c.rough)
        y = box.center().y() + 1
        wide = 46.0 if box.width() > _BAR_FROM_PX else 0.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(c.line))
        if wide:
            painter.drawRoundedRect(QRectF(box.left(), y - 2, wide, 4), 2, 2)
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(box.left(), y - 2, max(wide * moment.score, 4.0), 4), 2, 2)
        painter.setFont(theme.figures_font(theme.SMALL_PX))
        painter.setPen(QPen(QColor(c.text if moment.confident else c.dim)))
        words = [level_word(moment), percent(moment.score), *_goes_on(moment), *_coarse(moment)]
        left = int(wide) + 7 if wide else 0
        draw_elided(painter, box.adjusted(left, 0, 0, 0), "  ".join(words))

    def _paint_quote(self, painter: QPainter, quote: Quote, box: QRect) -> None:
        """Paint the words found. They say more about the moment than their score, which only counts them."""
        painter.setFont(theme.font(theme.SMALL_PX))
        painter.setPen(QColor(theme.colours().text))
        draw_elided(painter, box, tr("“{words}”", words=quote.text))


def score_text(moment: Moment) -> str:
    """The meaning of a moment's score. Translated here; `confidence.SCORE_MEANS` has the same words for exports."""
    text = tr("{percent}: the chance that this moment is right among all that was searched")
    return text.format(percent=percent(moment.score))


def level_word(moment: Moment) -> str:
    """How far a moment can be believed, in one word."""
    words = {Level.STRONG: tr("strong"), Level.LIKELY: tr("likely"), Level.GUESS: tr("guess")}
    return words[level(moment)]


def _remarks(moment: Moment) -> list[str]:
    return [*([] if moment.quote is None else [quoted(moment.quote)]), *_goes_on(moment), *_coarse(moment)]


def _goes_on(moment: Moment) -> list[str]:
    """The last file of a moment over several files, as a line."""
    *_, last = moment.parts
    return [tr("goes on in {file}", file=last.footage.media.path.name)] if len(moment.parts) > 1 else []


def _coarse(moment: Moment) -> list[str]:
    """A line for a moment found in keyframes, whose file is still being read."""
    return [tr("coarse: still being read")] if moment.is_coarse else []


def quoted(quote: Quote) -> str:
    """What was found, and how the footage has it."""
    if quote.kind is TextKind.SCREEN:
        return tr("in the picture: “{words}”", words=quote.text)
    if quote.kind is TextKind.NAME:
        return tr("in the file's name: {name}", name=quote.text)
    return tr("said: “{words}”", words=quote.text)


def frame_through(segment: Segment, share: float) -> int:
    """The frame at `share` of a segment, in [0, 1]; one of 25, so that hovering again needs no decoding."""
    frames = segment.frames
    return segment.start_frame + min(int(frames * round(share * 24) / 24), frames - 1)


class MomentList(PosterList):
    """The results. The pointer over a poster plays through its moment."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(tr("Results"), thumbnails, parent)
        self.moments = MomentModel(self)
        self.setModel(self.moments)
        self.delegate = MomentDelegate(thumbnails, self.moments, self)
        self.setItemDelegate(self.delegate)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._set_hover(None)

    def _hover(self, at: QPointF) -> None:
        index = self.indexAt(at.toPoint())
        if not index.isValid():
            self._set_hover(None)
            return
        box = self.delegate.poster_rect(self.visualRect(index))
        inside = box.left() <= at.x() <= box.right()
        self._set_hover((index.row(), (at.x() - box.left()) / box.width()) if inside else None)

    def _set_hover(self, hover: tuple[int, float] | None) -> None:
        if hover != self.delegate.hover:
            self.delegate.hover = hover
            self.repaint_rows()
