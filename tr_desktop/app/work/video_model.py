"""The video language model that searches ask, if the user chose one. It stays running from search to search."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from tr_desktop.app.look.settings import Settings
from tr_desktop.app.look.translate import tr
from tr_desktop.errors import UserError
from tr_desktop.grounders.video_llm.joining import VideoGrounder
from tr_desktop.grounders.video_llm.packs import known_grounders, load_grounder


class VideoModel(QObject):
    """said: a sentence about the choice."""

    said = Signal(str)

    def __init__(self, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._settings = settings
        self._grounder: VideoGrounder | None = None

    def choose_next(self) -> None:
        """Go on to the next of the grounders that were added; after the last one comes none."""
        known = known_grounders()
        if not known:
            self.said.emit(tr("No video language model was added yet. Add one: tr-desktop models add FOLDER"))
            return
        names = ["", *known]
        at = names.index(self._settings.grounder) if self._settings.grounder in names else 0
        self._settings.grounder = names[(at + 1) % len(names)]
        name = self._settings.grounder
        self.said.emit(
            tr("Searches now ask the video language model {name} too", name=name)
            if name
            else tr("Searches no longer ask a video language model")
        )

    def for_search(self) -> VideoGrounder | None:
        """The grounder for the next search; None if none is chosen or it was removed."""
        name = self._settings.grounder
        if self._grounder is not None and self._grounder.pack.name != name:
            self.close()
        if self._grounder is None and name:
            try:
                self._grounder = VideoGrounder(load_grounder(name))
            except UserError as error:
                self.said.emit(str(error))
        return self._grounder

    def close(self) -> None:
        """End its process."""
        grounder, self._grounder = self._grounder, None
        if grounder is not None:
            grounder.close()
