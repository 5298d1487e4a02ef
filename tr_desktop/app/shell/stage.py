"""The current moment: its picture, its steps on the scrubber, and the edits to its edges."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from tr_desktop.app.look.counter import Counting, label
from tr_desktop.app.look.widgets import panel
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.app.player.player import Player
from tr_desktop.app.scrubber.scrubber import Scrubber
from tr_desktop.app.scrubber.state import YOURS
from tr_desktop.app.shell.going import Going
from tr_desktop.app.shell.stage_bars import StageBars
from tr_desktop.app.work.session import Session
from tr_desktop.errors import UserError
from tr_desktop.evidence import Evidence
from tr_desktop.moments import Moment, Segment
from tr_desktop.projects.decisions import Decision, Key, goes_on, key_of


class Stage(Going):
    """Owns the player, the scrubber and their bars, and keeps them on one moment. changed: another moment, or none."""

    changed = Signal()

    def __init__(self, session: Session, thumbnails: Thumbnails) -> None:
        super().__init__(session)
        self._searching, self._editing, self._settings = session.searching, session.editing, session.settings
        self.moment: Moment | None = None
        self._shown = Segment(0, 1)  # the edges that the bar over the scrubber shows
        self.counting = session.settings.counting
        self.player = Player()
        self.bars = StageBars()
        self.transport, self.steps = self.bars.transport, self.bars.steps
        self.scrubber = Scrubber()
        self.scrubber.set_label(self._label)
        self.scrubber.set_thumbnails(thumbnails)
        self.timeline = QWidget()
        column = panel(self.timeline)
        column.addWidget(self.steps)
        column.addWidget(self.scrubber, 1)
        self._connect()
        self._refresh()

    def _connect(self) -> None:
        self.player.frame_shown.connect(self._frame_shown)
        self.player.playing_changed.connect(self._playing_changed)
        self.player.failed.connect(lambda text: self.failed.emit(UserError(text)))
        self.scrubber.step_selected.connect(self._step_selected)
        self.scrubber.segment_changing.connect(self._segment_changing)
        self.scrubber.segment_committed.connect(self.adjust)
        self.scrubber.frame_requested.connect(self.go)
        self.scrubber.keep_step_requested.connect(self.keep_step)
        self.scrubber.marker_menu.coloured.connect(self._colour_marker)
        self.scrubber.marker_menu.removed.connect(self._toggle_marker)
        self._editing.changed.connect(self._refresh)
        self._searching.evidence_ready.connect(self._show_evidence)
        self.transport.place.returnPressed.connect(self._go_typed)
        self.transport.place.editingFinished.connect(self._show_place)

    # The moment on the stage

    @property
    def key(self) -> Key | None:
        return None if self.moment is None else key_of(self.moment)

    @property
    def decision(self) -> Decision:
        """The decision about the moment. There must be a moment."""
        return self._editing.project.decision(self._here)

    def show(self, moment: Moment | None) -> None:
        """Put `moment` on the stage, at its in. The same moment with more steps is updated in place."""
        if moment is not None and self.key == key_of(moment):
            self._improve(moment)
            self._refresh()
            return
        self.scrubber.end_drag()
        if moment is not None:
            moment = self._editing.known(moment)
        before, self.moment = self.moment, moment
        if moment is None:
            self.player.close_media()
            self.scrubber.clear()
        else:
            self._show_steps(moment)
            if before is None or before.media != moment.media:
                self.player.open(moment.footage)
            self.player.show_frame(self.decision.segment.start_frame)
            self._searching.look_up_evidence(moment)
        self._refresh()
        self.changed.emit()

    def _show_steps(self, moment: Moment) -> None:
        """Show all steps of a moment. The step that counts is selected."""
        refinement = replace(moment.refinement, stop=self.decision.kept_step)
        self.scrubber.show_moment(replace(moment, refinement=refinement))

    def _improve(self, moment: Moment) -> None:
        """Show the steps found since, and no fewer than the decision is about.

        Handles that stand on what counts stay there; handles on another step are left alone.
        """
        before, selected = self._here, self.scrubber.selected_step()
        is_deciding = selected == self.scrubber.deciding_step()
        if goes_on(before, moment):  # a search that is still under way has found fewer steps so far
            moment = replace(moment, refinement=before.refinement)
        self.moment = moment = self._editing.known(moment)
        new = moment.refinement.steps[len(before.refinement.steps) :]
        if not goes_on(moment, before):  # other steps
            self._show_steps(moment)
        elif new:
            for step in new:
                self.scrubber.add_step(step)
            self.scrubber.set_kept(self.decision.kept_step)
            self.scrubber.select_step(self.scrubber.deciding_step() if is_deciding else selected, and_go=False)
        else:
            return
        self._searching.look_up_evidence(moment)

    def _show_evidence(self, key: Key, evidence: Evidence) -> None:
        if key == self.key:
            self.scrubber.set_curve(evidence.curve, evidence.shot_frames, evidence.every_s)

    def set_counting(self, counting: Counting) -> None:
        self.counting = counting
        self.scrubber.set_label(self._label)
        self._refresh()

    def _label(self, frame: int) -> str:
        return "" if self.moment is None else label(self.moment, frame, self.counting)

    def _refresh(self) -> None:
        if self.moment is None:
            self.bars.clear()
            return
        self._improve(self.moment)
        moment, decision = self._here, self.decision
        kept = moment.refinement.steps[decision.kept_step].segment
        self.scrubber.set_kept(decision.kept_step)
        self.scrubber.set_segment(decision.segment if decision.segment != kept else None)
        self.scrubber.set_markers([marker.mark for marker in decision.markers])
        before, self._shown = self._shown, decision.segment
        self._follow_edges(before, decision.segment)
        self._show_edges(decision.segment)
        self._show_step()
        self._show_place()
        self.bars.show_decision(moment, decision)
        self.bars.show_verdict(self._editing.project.verdict(moment))

    def _follow_edges(self, before: Segment, now: Segment) -> None:
        """A picture that stands on an edge goes with it."""
        if self.player.is_playing():
            return
        if self.player.frame() == before.start_frame:
            self.go(now.start_frame)
        elif self.player.frame() == before.end_frame - 1:
            self.go(now.end_frame - 1)

    def _show_edges(self, segment: Segment) -> None:
        self.bars.show_edges(self._here, segment, self.counting)

    def _show_step(self) -> None:
        self.bars.show_step(self._here, self.scrubber.selected_step(), self.decision)

    def _show_place(self) -> None:
        if self.moment is not None and not self.transport.place.hasFocus():
            self.transport.place.setText(self._label(self.player.frame()))

    # Playing and going

    def _frame_shown(self, _: int) -> None:
        # The player's goal, not this frame: pictures of the previous moment may still arrive.
        self.scrubber.set_playhead(self.player.frame())
        self._show_place()

    def _playing_changed(self, is_playing: bool) -> None:
        self.transport.play.set_icon("pause" if is_playing else "play")

    # Steps

    def walk_steps(self, by: int) -> None:
        self.scrubber.walk(by)

    def _step_selected(self, step: int) -> None:
        if self.moment is None:
            return
        if step != YOURS and self.player.is_playing():
            self.player.play_range(self.moment.refinement.steps[step].segment, True)
        self._show_step()

    def keep_selected_step(self) -> None:
        if self.scrubber.selected_step() != YOURS:
            self.keep_step(self.scrubber.selected_step())

    def keep_step(self, step: int) -> None:
        self._editing.edit(lambda project: project.keep_step(self._here, step))

    # Edges, markers, decisions

    def _segment_changing(self, segment: Segment) -> None:
        if segment == self._shown:  # the pointer moved within a frame
            return
        moved_in = segment.start_frame != self._shown.start_frame
        self._shown = segment
        self.player.show_frame(segment.start_frame if moved_in else segment.end_frame - 1)
        self._show_edges(segment)

    def adjust(self, segment: Segment) -> None:
        self._editing.edit(lambda project: project.adjust(self._here, segment))

    @property
    def _handles(self) -> Segment:
        """The edges under the handles: those of the selected step, or the editor's own."""
        return self.scrubber.segment() or self.decision.segment

    def mark_in(self) -> None:
        frame, segment = self.player.frame(), self._handles
        self.adjust(Segment(frame, max(segment.end_frame, frame + 1)))

    def mark_out(self) -> None:
        """The frame on screen becomes the last one of the moment."""
        end, segment = self.player.frame() + 1, self._handles
        self.adjust(Segment(min(segment.start_frame, end - 1), end))

    def nudge(self, *, start: int = 0, end: int = 0) -> None:
        """Move an edge by frames, within the file."""
        segment, last = self._handles, len(self._here.times)
        moved_start = min(max(segment.start_frame + start, 0), segment.end_frame - 1)
        moved_end = min(max(segment.end_frame + end, segment.start_frame + 1), last)
        self.adjust(Segment(moved_start, moved_end))
        self.go(moved_start if start else moved_end - 1)

    def clear_marks(self) -> None:
        self.adjust(self._here.refinement.steps[self.decision.kept_step].segment)

    def toggle_marker(self) -> None:
        self._toggle_marker(self.player.frame())

    def _toggle_marker(self, frame: int) -> None:
        colour = self._settings.marker_colour
        self._editing.edit(lambda project: project.add_marker(self._here, frame, colour))

    def colour_marker(self, colour: str) -> None:
        """Colour the marker at the frame on screen, or add one of this colour."""
        self._colour_marker(self.player.frame(), colour)

    def _colour_marker(self, frame: int, colour: str) -> None:
        self._settings.marker_colour = colour  # of the next marker, too
        self._editing.edit(lambda project: project.colour_marker(self._here, frame, colour))

    def next_marker(self) -> None:
        frames = [marker.frame for marker in self.decision.markers]
        if frames:
            self.go(next((frame for frame in frames if frame > self.player.frame()), frames[0]))

    def rate(self, rating: int) -> None:
        self._editing.rate(self.decision, rating)

    def accept(self) -> None:
        example = self._searching.example_of(self._here.query)
        self._editing.edit(lambda project: project.accept(self._here, example))

    def remove(self) -> None:
        self._editing.edit(lambda project: project.remove(self.decision))

    def move(self, by: int) -> None:
        if self.decision.is_accepted:
            self._editing.edit(lambda project: project.move(self.decision, by))
