"""What the bars around the picture show of one moment."""

from __future__ import annotations

from PySide6.QtWidgets import QAbstractButton

from tr_desktop.app.look.counter import Counting, label, length_label
from tr_desktop.app.look.edge_words import edge_word
from tr_desktop.app.look.translate import tr
from tr_desktop.app.player.transport import StepsBar, Transport
from tr_desktop.app.scrubber.state import YOURS
from tr_desktop.confidence import edges
from tr_desktop.moments import Moment, Segment
from tr_desktop.projects.decisions import Decision


class StageBars:
    """Fills the bar under the picture (transport) and the one over the scrubber (steps)."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.steps = StepsBar()

    def buttons(self) -> dict[str, QAbstractButton]:
        """The buttons, by the names of their actions."""
        transport, steps = self.transport, self.steps
        return {
            "go.frame-back": transport.back,
            "go.frame-on": transport.on,
            "play.toggle": transport.play,
            "play.moment": transport.loop,
            "mark.in": transport.mark_in,
            "mark.out": transport.mark_out,
            "marker.toggle": transport.marker,
            "moment.more-like": steps.more_like,
            "moment.less-like": steps.less_like,
            "moment.accept": transport.accept,
            "step.previous": steps.previous,
            "step.next": steps.next,
            "step.keep": steps.keep,
        }

    def clear(self) -> None:
        self._enable(False)
        self.transport.place.clear()
        self.transport.accept.setText(tr("Accept"))
        self.show_verdict(None)

    def show_verdict(self, is_right: bool | None) -> None:
        """Whether the moment was marked right or wrong; None if it wasn't marked."""
        self.steps.more_like.setChecked(is_right is True)
        self.steps.less_like.setChecked(is_right is False)

    def show_decision(self, moment: Moment, decision: Decision) -> None:
        self._enable(True)
        self.steps.name.set_text(moment.media.path.name)
        self.transport.accept.setText(tr("Accepted") if decision.is_accepted else tr("Accept"))
        self.transport.accept.setEnabled(not decision.is_accepted)

    def _enable(self, has_moment: bool) -> None:
        for widget in (*self.transport.buttons, self.transport.place, self.steps.previous, self.steps.next):
            widget.setEnabled(has_moment)
        self.steps.setVisible(has_moment)

    def show_edges(self, moment: Moment, segment: Segment, counting: Counting) -> None:
        start, end = (label(moment, frame, counting) for frame in (segment.start_frame, segment.end_frame))
        length = length_label(moment, segment.start_frame, segment.end_frame, counting)
        self.steps.edges.setText(f"{start} – {end}   {length}")

    def show_step(self, moment: Moment, at: int, decision: Decision) -> None:
        """The step that is selected on the scrubber, at: its number, or YOURS for the editor's own edges."""
        steps = moment.refinement.steps
        is_kept = at == decision.kept_step and decision.segment == steps[at].segment
        self.steps.keep.setEnabled(at != YOURS and not is_kept)
        if at == YOURS:
            self.steps.step.setText(tr("Your edges"))
            return
        name = tr("Rough") if at == 0 else tr("Step {step} of {last}", step=at, last=len(steps) - 1)
        if is_kept:
            name = tr("{step}, kept", step=name)
        start, end = edges(moment, steps[at])
        words = [
            *([] if start is None else [tr("in {word}", word=edge_word(start))]),
            *([] if end is None else [tr("out {word}", word=edge_word(end))]),
        ]
        self.steps.step.setText(tr("{step}: {edges}", step=name, edges=", ".join(words)) if words else name)
