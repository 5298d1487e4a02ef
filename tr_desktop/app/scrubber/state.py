"""What the scrubber shows, apart from how: its parts read it when they paint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from tr_desktop.app.scrubber.geometry import View
from tr_desktop.moments import Moment, RefineStep, Segment

YOURS = -1
"""The number of the editor's own in and out among the steps; they stand below the last one."""


@dataclass
class ScrubberState:
    """One moment on the timeline of its file.

    view: what the lanes show; it is as wide as they are. selected: the step that the handles stand on, or YOURS.
    kept: the step that counts. yours: the editor's own edges, where there are any. revealed: how many steps are drawn,
    the last of them in part. curve: similarity of row k at k * `every_s`. shots: first frames of shots, sorted.
    label: the text of a frame, or of the file's end.
    """

    moment: Moment
    steps: tuple[RefineStep, ...]
    view: View
    selected: int
    kept: int
    label: Callable[[int], str]
    yours: Segment | None = None
    playhead: int = 0
    revealed: float = 0.0
    curve: npt.NDArray[np.float32] | None = None
    every_s: Fraction = Fraction(1, 2)
    shots: tuple[int, ...] = ()
    markers: tuple[int, ...] = field(default=())

    @property
    def rows(self) -> list[int]:
        """The steps' numbers from top to bottom."""
        return [*range(len(self.steps)), *([YOURS] if self.yours is not None else [])]

    @property
    def segment(self) -> Segment:
        """What the handles stand on."""
        return self.segment_of(self.selected)

    def segment_of(self, step: int) -> Segment:
        if step == YOURS:
            return self.yours or self.steps[self.kept].segment
        return self.steps[step].segment

    @property
    def deciding(self) -> int:
        """The row that counts: the editor's own edges before any step."""
        return YOURS if self.yours is not None else self.kept

    def drawn_x(self, step: int) -> tuple[float, float]:
        """Where the edges of a step are drawn: on their way from those of the step before while it is revealed."""
        segment = self.segment_of(step)
        start, end = self.view.x_of(segment.start_frame), self.view.x_of(segment.end_frame)
        share = self.shown_share(step)
        if step <= 0 or share >= 1:
            return start, end
        before = self.steps[step - 1].segment
        from_start, from_end = self.view.x_of(before.start_frame), self.view.x_of(before.end_frame)
        return from_start + (start - from_start) * share, from_end + (end - from_end) * share

    def shown_share(self, step: int) -> float:
        """0: not yet revealed; 1: in its place."""
        share = 1.0 if step == YOURS else min(max(self.revealed - step, 0.0), 1.0)
        return share * share * (3 - 2 * share)

    def name(self, step: int) -> str:
        return "Yours" if step == YOURS else f"Step {step}" if step else "Rough"

    def sentence(self, step: int) -> str:
        """All there is to know of a step, in words; for tooltips and screen readers."""
        segment = self.segment_of(step)
        edges = f"in {self.label(segment.start_frame)}, out {self.label(segment.end_frame)}"
        if step == YOURS:
            return f"Your own edges: {edges}"
        taken = self.steps[step]
        how = ", looked closer" if taken.looked_closer else ""
        kept = ", kept" if step == self.kept else ""
        return (
            f"{self.name(step)}{how}{kept}: in {self.label(segment.start_frame)}, {percent(taken.start_confidence)}"
            f" sure; out {self.label(segment.end_frame)}, {percent(taken.end_confidence)} sure;"
            f" score {percent(taken.score)}"
        )


def percent(share: float) -> str:
    return f"{round(100 * share)} %"
