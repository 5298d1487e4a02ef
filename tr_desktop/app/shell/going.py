"""Playing, and going to places of the moment on the stage."""

from __future__ import annotations

from abc import abstractmethod

from PySide6.QtCore import QObject, Signal

from tr_desktop.app.look.counter import Counting, place
from tr_desktop.app.player.player import Player
from tr_desktop.app.player.transport import Transport
from tr_desktop.app.scrubber.scrubber import Scrubber
from tr_desktop.errors import UserError
from tr_desktop.moments import Moment
from tr_desktop.projects.decisions import Decision


class Going(QObject):
    """The part of the stage that moves its picture. failed: a place that was typed can't be read."""

    failed = Signal(UserError)
    moment: Moment | None
    player: Player
    scrubber: Scrubber
    transport: Transport
    counting: Counting

    @property
    @abstractmethod
    def decision(self) -> Decision:
        """The decision about the moment. There must be a moment."""

    @property
    def _here(self) -> Moment:
        assert self.moment is not None
        return self.moment

    def toggle_play(self) -> None:
        if self.player.is_playing():
            self.player.pause()
        else:
            self.player.play(1.0)

    def play_moment(self) -> None:
        """Loop exactly the frames that an export would contain."""
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
