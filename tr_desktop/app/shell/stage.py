"""The moment that is being looked at: its picture, its steps on the scrubber, and the editor's hands on its edges."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from tr_desktop.app.look.counter import Counting, label, length_label, place
from tr_desktop.app.look.icons import IconButton
from tr_desktop.app.look.widgets import panel
from tr_desktop.app.pictures.filmstrip import Thumbnails
from tr_desktop.app.player.player import Player
from tr_desktop.app.player.transport import StepsBar, Transport
from tr_desktop.app.scrubber.scrubber import Scrubber
from tr_desktop.app.scrubber.state import YOURS
from tr_desktop.app.work.session import Session
from tr_desktop.errors import UserError
from tr_desktop.evidence import Evidence
from tr_desktop.moments import Moment, Segment
from tr_desktop.projects.decisions import Decision, Key, key_of


class Stage(QObject):
    """Owns player, transport and scrubber and keeps them on one moment. changed: another moment, or none."""

    changed = Signal()
    failed = Signal(object)

    def __init__(self, session: Session, thumbnails: Thumbnails) -> None:
        super().__init__(session)
        self._session = session
        self.moment: Moment | None = None
        self._shown = Segment(0, 1)  # the edges that are written over the scrubber
        self.counting = session.settings.counting
        self.player = Player()
        self.transport = Transport()
        self.steps = StepsBar()
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
        self._session.project_changed.connect(self._refresh)
        self._session.evidence_ready.connect(self._show_evidence)
        bar = self.transport
        pressed: list[tuple[QPushButton | IconButton, Callable[[], object]]] = [
            (bar.back, lambda: self.go_by(-1)),
            (bar.on, lambda: self.go_by(1)),
            (bar.play, self.toggle_play),
            (bar.loop, self.play_moment),
            (bar.mark_in, self.mark_in),
            (bar.mark_out, self.mark_out),
            (bar.marker, self.toggle_marker),
            (bar.accept, self.accept),
            (self.steps.previous, lambda: self.walk_steps(-1)),
            (self.steps.next, lambda: self.walk_steps(1)),
            (self.steps.keep, self.keep_selected_step),
        ]
        for button, call in pressed:
            button.clicked.connect(lambda _=False, call=call: call())
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        bar.place.returnPressed.connect(self._go_typed)
        bar.place.editingFinished.connect(self._show_place)

    # What is on the stage

    @property
    def key(self) -> Key | None:
        return None if self.moment is None else key_of(self.moment)

    @property
    def decision(self) -> Decision:
        """What was decided about the moment so far. There has to be one."""
        return self._session.project.decision(self._here)

    @property
    def _here(self) -> Moment:
        assert self.moment is not None
        return self.moment

    def show(self, moment: Moment | None) -> None:
        """Put `moment` on the stage, at its in. The same moment with more steps is only brought up to date."""
        if moment is not None and self.key == key_of(moment):
            self._improve(moment)
            return
        before, self.moment = self.moment, moment
        if moment is None:
            self.player.close_media()
            self.scrubber.clear()
        else:
            self.scrubber.show_moment(moment)
            if before is None or before.media != moment.media:
                self.player.open(moment.footage)
            self.player.show_frame(self.decision.segment.start_frame)
            self._session.look_up_evidence(moment)
        self._refresh()
        self.changed.emit()

    def _improve(self, moment: Moment) -> None:
        known, now = len(self._here.refinement.steps), self.decision.segment
        self.moment = moment
        for step in moment.refinement.steps[known:]:
            self.scrubber.add_step(step)
            if step.step > moment.refinement.stop:  # it was looked at and not taken
                self.scrubber.select_step(moment.refinement.stop)
        if len(moment.refinement.steps) > known:
            if self.decision.segment != now and not self.player.is_playing():
                self.player.show_frame(self.decision.segment.start_frame)
            self._session.look_up_evidence(moment)
        self._refresh()

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
        moment = self.moment
        for widget in (*self.transport.buttons, self.transport.place, self.steps.previous, self.steps.next):
            widget.setEnabled(moment is not None)
        self.steps.setVisible(moment is not None)
        if moment is None:
            self.transport.place.clear()
            self.transport.accept.setText("Accept")
            return
        decision = self.decision
        kept = moment.refinement.steps[decision.kept_step].segment
        self.scrubber.set_kept(decision.kept_step)
        self.scrubber.set_segment(decision.segment if decision.segment != kept else None)
        self.scrubber.set_markers([marker.frame for marker in decision.markers])
        self._shown = decision.segment
        self._show_edges(decision.segment)
        self._show_step()
        self._show_place()
        self.steps.name.set_text(moment.media.path.name)
        self.transport.accept.setText("Accepted" if decision.is_accepted else "Accept")
        self.transport.accept.setEnabled(not decision.is_accepted)

    def _show_edges(self, segment: Segment) -> None:
        start, end = segment.start_frame, segment.end_frame
        length = length_label(self._here, start, end, self.counting)
        self.steps.edges.setText(f"{self._label(start)} – {self._label(end)}   {length}")

    def _show_step(self) -> None:
        steps, at = self._here.refinement.steps, self.scrubber.selected_step()
        decision = self.decision
        is_kept = at == decision.kept_step and decision.segment == steps[at].segment
        self.steps.keep.setEnabled(at != YOURS and not is_kept)
        if at == YOURS:
            self.steps.step.setText("Your edges")
            return
        step, last = steps[at], len(steps) - 1
        name = "Rough" if at == 0 else f"Step {at} of {last}"
        kept = ", kept" if is_kept else ""
        sure = f"in {round(100 * step.start_confidence)} %, out {round(100 * step.end_confidence)} % sure"
        self.steps.step.setText(f"{name}{kept}: {sure}")

    def _show_place(self) -> None:
        if self.moment is not None and not self.transport.place.hasFocus():
            self.transport.place.setText(self._label(self.player.frame()))

    # Playing and going

    def _frame_shown(self, _: int) -> None:
        # Where it goes, not where it was: pictures of the moment before may still arrive.
        self.scrubber.set_playhead(self.player.frame())
        self._show_place()

    def _playing_changed(self, is_playing: bool) -> None:
        self.transport.play.set_icon("pause" if is_playing else "play")

    def toggle_play(self) -> None:
        if self.player.is_playing():
            self.player.pause()
        else:
            self.player.play(1.0)

    def play_moment(self) -> None:
        """Exactly what would be exported, over and over."""
        self.player.play_range(self.decision.segment, True)

    def go(self, frame: int) -> None:
        if self.moment is not None:
            self.player.show_frame(min(max(frame, 0), len(self.moment.times) - 1))

    def go_by(self, frames: int) -> None:
        self.go(self.player.frame() + frames)

    def go_by_seconds(self, seconds: int) -> None:
        times = self._here.times
        self.go(times.frame_at(times.time_s(self.player.frame()) + seconds))

    def go_to_in(self) -> None:
        self.go(self.decision.segment.start_frame)

    def go_to_out(self) -> None:
        self.go(self.decision.segment.end_frame - 1)

    def type_place(self) -> None:
        self.transport.place.setFocus()
        self.transport.place.selectAll()

    def _go_typed(self) -> None:
        field = self.transport.place
        try:
            frame = place(field.text(), self._here, self.counting, self.player.frame())
        except UserError as error:
            self.failed.emit(error)
            return
        self.scrubber.setFocus()
        self.go(frame)

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
        self._session.project.keep_step(self._here, step)
        self._session.edited()

    # Edges, markers, decisions

    def _segment_changing(self, segment: Segment) -> None:
        moved_in = segment.start_frame != self._shown.start_frame
        self._shown = segment
        self.player.show_frame(segment.start_frame if moved_in else segment.end_frame - 1)
        self._show_edges(segment)

    def adjust(self, segment: Segment) -> None:
        self._session.project.adjust(self._here, segment)
        self._session.edited()

    @property
    def _handles(self) -> Segment:
        """The edges that the handles stand on: those of the step that is looked at, or the editor's own."""
        return self.scrubber.segment() or self.decision.segment

    def mark_in(self) -> None:
        frame, segment = self.player.frame(), self._handles
        self.adjust(Segment(frame, max(segment.end_frame, frame + 1)))

    def mark_out(self) -> None:
        """The frame that is shown is the last one in."""
        end, segment = self.player.frame() + 1, self._handles
        self.adjust(Segment(min(segment.start_frame, end - 1), end))

    def nudge(self, *, start: int = 0, end: int = 0) -> None:
        """Move an edge by frames, as far as there is room."""
        segment, last = self._handles, len(self._here.times)
        moved_start = min(max(segment.start_frame + start, 0), segment.end_frame - 1)
        moved_end = min(max(segment.end_frame + end, segment.start_frame + 1), last)
        self.adjust(Segment(moved_start, moved_end))
        self.go(moved_start if start else moved_end - 1)

    def clear_marks(self) -> None:
        self.adjust(self._here.refinement.steps[self.decision.kept_step].segment)

    def toggle_marker(self) -> None:
        self._session.project.add_marker(self._here, self.player.frame())
        self._session.edited()

    def next_marker(self) -> None:
        frames = [marker.frame for marker in self.decision.markers]
        if frames:
            self.go(next((frame for frame in frames if frame > self.player.frame()), frames[0]))

    def accept(self) -> None:
        self._session.project.accept(self._here)
        self._session.edited()

    def remove(self) -> None:
        self._session.project.remove(self.decision)
        self._session.edited()

    def move(self, by: int) -> None:
        if self.decision.is_accepted:
            self._session.project.move(self.decision, by)
            self._session.edited()

    def shut_down(self) -> None:
        self.player.shut_down()
