"""The scrubber's state, without widgets: what it shows, and how editing and moving along the file change that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from tr_desktop.app.look.edge_words import believed
from tr_desktop.app.look.translate import tr
from tr_desktop.app.scrubber.geometry import SNAP_PX, Edge, View, with_edge
from tr_desktop.confidence import Edges, edges
from tr_desktop.moments import Mark, Moment, Refinement, RefineStep, Segment, StepSource

YOURS = -1
"""The number of the row with the editor's own in and out; it is below the last step."""
MOMENT_SHARE = Fraction(3, 5)
"""The share of the width that the steps take together when the moment is fitted."""


@dataclass
class ScrubberState:
    """One moment of a file, as the scrubber shows it; its parts read it when they paint.

    view: the part of the file that the time lane shows, as wide as the lane. selected: the step whose edges the handles
    stand on, or YOURS. kept: the step that counts. yours: the editor's own edges, if there are any. revealed: the
    number of steps drawn, the last one in part. curve: fp32 [T], the similarity at k * `every_s`. shots: the first
    frames of shots, sorted. label: the text of a frame, or of the file's end.
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
    markers: tuple[Mark, ...] = ()

    @classmethod
    def of(cls, moment: Moment, width_px: int, label: Callable[[int], str] | None) -> ScrubberState:
        """A moment as it was found, in a view of the whole file. label: None writes source timecode."""
        refinement = moment.refinement
        return cls(
            moment=moment,
            steps=refinement.steps,
            view=View.whole(moment.times, width_px),
            selected=refinement.stop,
            kept=refinement.stop,
            label=label or (lambda frame: str(moment.footage.timecode_at(frame))),
            playhead=refinement.kept.segment.start_frame,
            revealed=1.0,
        )

    @property
    def rows(self) -> list[int]:
        """The numbers of the rows from top to bottom."""
        return [*range(len(self.steps)), *([YOURS] if self.yours is not None else [])]

    @property
    def segment(self) -> Segment:
        """The edges that the handles stand on."""
        return self.segment_of(self.selected)

    def segment_of(self, step: int) -> Segment:
        if step == YOURS:
            return self.yours or self.steps[self.kept].segment
        return self.steps[step].segment

    def moves_nothing(self, step: int) -> bool:
        """Whether a step leaves both edges where the step before it put them."""
        return step > 0 and self.steps[step].segment == self.steps[step - 1].segment

    @property
    def deciding(self) -> int:
        """The row that counts: the editor's own edges if there are any, else the kept step."""
        return YOURS if self.yours is not None else self.kept

    def drawn_x(self, step: int) -> tuple[float, float]:
        """The x of a step's in and out; while it is revealed they move there from those of the step before."""
        segment = self.segment_of(step)
        start, end = self.view.x_of(segment.start_frame), self.view.x_of(segment.end_frame)
        share = self.shown_share(step)
        if step <= 0 or share >= 1:
            return start, end
        before = self.steps[step - 1].segment
        from_start, from_end = self.view.x_of(before.start_frame), self.view.x_of(before.end_frame)
        return from_start + (start - from_start) * share, from_end + (end - from_end) * share

    def shown_share(self, step: int) -> float:
        """How far a step is revealed, in [0, 1]."""
        share = 1.0 if step == YOURS else min(max(self.revealed - step, 0.0), 1.0)
        return share * share * (3 - 2 * share)

    def marker_near(self, x: float) -> Mark | None:
        """The marker within SNAP_PX of a pixel; of several, the nearest."""
        near = [marker for marker in self.markers if abs(self.view.x_of(marker.frame) - x) <= SNAP_PX]
        return min(near, key=lambda marker: abs(self.view.x_of(marker.frame) - x), default=None)

    # Changes

    def add_step(self, step: RefineStep) -> None:
        """Append a step, which becomes the kept and the selected one."""
        self.steps = (*self.steps, step)
        last = len(self.steps) - 1
        self.moment = replace(self.moment, refinement=Refinement(self.steps, last))
        self.kept = last
        self.selected = last

    def set_curve(
        self, curve: npt.NDArray[np.float32] | None, shot_frames: Sequence[int], every_s: Fraction | None
    ) -> None:
        """Set the similarity, fp32 [T] at k * `every_s`, and the first frames of shots.

        every_s: None spreads the curve evenly over the file.
        """
        self.curve = curve
        self.shots = tuple(sorted(shot_frames))
        if curve is not None and len(curve):
            self.every_s = every_s or self.moment.times.duration_s / len(curve)

    def select(self, step: int) -> None:
        """Put the handles on a row; bring its edges into view if they are outside."""
        self.selected = step
        segment = self.segment
        if self.view.x_of(segment.end_frame) < 0 or self.view.x_of(segment.start_frame) > self.view.width_px:
            self.view = self.view.around(segment, MOMENT_SHARE)

    def set_yours(self, segment: Segment | None) -> None:
        """Set the editor's own edges; None, or the kept step's edges: there are none.

        The selection moves to new edges, and back from removed ones; other rows stay selected.
        """
        had_them = self.yours is not None
        self.yours = None if segment == self.steps[self.kept].segment else segment
        if self.yours is not None and not had_them:
            self.selected = YOURS
        elif self.yours is None and self.selected == YOURS:
            self.selected = self.kept

    def move_edge(self, edge: Edge, boundary: int) -> int:
        """Move an edge of the selected row by hand: the result is YOURS. Returns the frame beside the edge, inside."""
        segment = with_edge(self.segment, edge, boundary, len(self.moment.times))
        self.yours = segment
        self.selected = YOURS
        return segment.start_frame if edge is Edge.IN else segment.end_frame - 1

    def fitted(self) -> View:
        """The view of all rows, with some of the file around them."""
        segments = [self.segment_of(step) for step in self.rows]
        hull = Segment(min(each.start_frame for each in segments), max(each.end_frame for each in segments))
        return self.view.around(hull, MOMENT_SHARE)

    # Texts

    def words(self, step: int) -> Edges:
        """How far a row's in and out can be believed; the editor's own edges have no words."""
        return (None, None) if step == YOURS else edges(self.moment, self.steps[step])

    def name(self, step: int) -> str:
        if step == YOURS:
            return tr("Yours")
        return tr("Step {number}", number=step) if step else tr("Rough")

    def facts(self, step: int) -> tuple[str, list[str]]:
        """The heading of a row, and all that is known of it, for tooltips and screen readers."""
        segment = self.segment_of(step)
        start, end = self.label(segment.start_frame), self.label(segment.end_frame)
        if step == YOURS:
            return tr("Your own edges"), [tr("in {start}, out {end}", start=start, end=end)]
        taken = self.steps[step]
        heading = [self.name(step)]
        if taken.looked_closer:
            heading.append(tr("looked closer"))
        if taken.by is StepSource.MODEL:
            heading.append(tr("video language model"))
        if step == self.kept:
            heading.append(tr("kept"))
        if self.moves_nothing(step):
            heading.append(tr("no change"))
        start_word, end_word = self.words(step)
        said = [f"“{taken.said}”"] if taken.said else []
        return ", ".join(heading), [
            *said,
            believed(tr("in {position}", position=start), start_word, taken.start_confidence),
            believed(tr("out {position}", position=end), end_word, taken.end_confidence),
        ]
