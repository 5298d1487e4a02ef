"""The steps as rows, from rough to final, the editor's own below; they appear one after another."""

from __future__ import annotations

from PySide6.QtCore import QRect, QVariantAnimation, Signal
from PySide6.QtWidgets import QWidget

from tr_desktop.app.look.translate import tr
from tr_desktop.app.scrubber.geometry import Strip
from tr_desktop.app.scrubber.state import ScrubberState
from tr_desktop.app.scrubber.step_row import LEFT_PX, StepRow

STEP_MS = 180


class StepStack(QWidget):
    """chosen: a row was clicked. keep_requested: this step should count."""

    chosen = Signal(int)
    keep_requested = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Refinement steps"))
        self._state: ScrubberState | None = None
        self._rows: list[StepRow] = []
        self._reveal = QVariantAnimation(self)
        self._reveal.valueChanged.connect(self._revealed)

    def show_state(self, state: ScrubberState | None) -> None:
        self._reveal.stop()
        self._state = state
        self._drop_rows()

    def refresh(self, strips: tuple[Strip, ...], width_px: int) -> None:
        """Bring the rows in line with the state. strips: their places in the parent."""
        wanted = self._state.rows if self._state is not None else []
        if self._state is not None and [row.step for row in self._rows] != wanted:
            self._make_rows(self._state)
        top = strips[0].top
        self.setGeometry(0, top, width_px, strips[-1].bottom - top)
        for strip, row in zip(strips, self._rows, strict=False):
            row.setGeometry(0, strip.top - top, self.width(), strip.height)
            row.refresh()

    def reveal(self, *, at_once: bool) -> None:
        """Draw the steps that aren't drawn yet; each moves to its place from the one before, unless `at_once`."""
        state = self._state
        if state is None:
            return
        self._reveal.stop()
        end = float(len(state.steps))
        if at_once or state.revealed >= end:
            self._revealed(end)
            return
        self._reveal.setStartValue(state.revealed)
        self._reveal.setEndValue(end)
        self._reveal.setDuration(round(STEP_MS * (end - state.revealed)))
        self._reveal.start()

    def update_columns(self, x: int, width_px: int) -> None:
        """Paint again what is at pixels [x, x + width_px) of the time lane."""
        for row in self._rows:
            row.update(QRect(x + LEFT_PX, 0, width_px, row.height()))

    def _revealed(self, steps: float) -> None:
        if self._state is not None:
            self._state.revealed = steps
            for row in self._rows:
                row.update()

    def _make_rows(self, state: ScrubberState) -> None:
        focused = next((row.step for row in self._rows if row.hasFocus()), None)
        self._drop_rows()
        for step in state.rows:
            row = StepRow(step, state, self)
            row.clicked.connect(lambda _=False, step=step: self.chosen.emit(step))
            row.keep_requested.connect(self.keep_requested)
            row.show()
            if step == focused:
                row.setFocus()
            self._rows.append(row)

    def _drop_rows(self) -> None:
        for row in self._rows:
            row.hide()
            row.deleteLater()
        self._rows = []
