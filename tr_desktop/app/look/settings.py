"""The app's settings in `settings.ini`, in a folder that also has `keys.json` and the safety copies of projects."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QByteArray, QSettings

from tr_desktop.app.look.counter import Counting
from tr_desktop.app.look.theme import Theme
from tr_desktop.moments import MARKER_COLOURS

_MAX_QUERIES = 50
_E = TypeVar("_E", bound=Enum)


class Settings:
    """Settings in `folder`. A missing or invalid value is replaced by its default.

    changed: called after each change. It has to call `save` in another thread, since Qt flushes the file to the disk.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changed: Callable[[], object] = lambda: None
        file = self._open()
        self._values: dict[str, Any] = {key: file.value(key) for key in file.allKeys()}
        self._unsaved: dict[str, Any] = {}
        self._lock = threading.Lock()

    def save(self) -> None:
        """Write the changed values only: another window may have changed others."""
        with self._lock:
            unsaved, self._unsaved = self._unsaved, {}
        file = self._open()
        for key, value in unsaved.items():
            file.setValue(key, value)
        file.sync()

    def _open(self) -> QSettings:
        return QSettings(str(self.folder / "settings.ini"), QSettings.Format.IniFormat)

    def _set(self, key: str, value: Any) -> None:
        with self._lock:
            self._values[key] = self._unsaved[key] = value
        self.changed()

    @property
    def theme(self) -> Theme:
        return _one_of(Theme, self._values.get("theme"), Theme.DARK)

    @theme.setter
    def theme(self, theme: Theme) -> None:
        self._set("theme", theme.value)

    @property
    def counting(self) -> Counting:
        return _one_of(Counting, self._values.get("counting"), Counting.TIMECODE)

    @counting.setter
    def counting(self, counting: Counting) -> None:
        self._set("counting", counting.value)

    @property
    def reads_text(self) -> bool:
        """Whether text in pictures is read when footage is indexed."""
        return self._values.get("reads-text") not in ("false", False)  # a file has it as a word

    @reads_text.setter
    def reads_text(self, is_wanted: bool) -> None:
        self._set("reads-text", is_wanted)

    @property
    def serves(self) -> bool:
        """Whether plugins and scripts on this machine may search while the app is open."""
        return self._values.get("serves") in ("true", True)  # a file has it as a word

    @serves.setter
    def serves(self, is_wanted: bool) -> None:
        self._set("serves", is_wanted)

    @property
    def folders(self) -> list[Path]:
        """Files and folders that are searched."""
        return [Path(name) for name in self._texts("folders")]

    @folders.setter
    def folders(self, paths: list[Path]) -> None:
        self._set("folders", [str(path) for path in paths])

    @property
    def queries(self) -> list[str]:
        """Earlier queries, newest first."""
        return self._texts("queries")

    def remember_query(self, query: str) -> None:
        others = [each for each in self.queries if each != query]
        self._set("queries", [query, *others][:_MAX_QUERIES])

    @property
    def marker_colour(self) -> str:
        """The colour that was used last for a marker, or "" at first."""
        colour = self._values.get("marker-colour")
        return colour if colour in MARKER_COLOURS else ""

    @marker_colour.setter
    def marker_colour(self, colour: str) -> None:
        self._set("marker-colour", colour)

    @property
    def last_project(self) -> Path | None:
        """The file of the project that was open last."""
        name = self._values.get("project")
        return Path(name) if isinstance(name, str) and name else None

    @last_project.setter
    def last_project(self, path: Path) -> None:
        self._set("project", str(path))

    @property
    def wanted_pack(self) -> str:
        """The model pack that is used as soon as it has indexed all footage, or "" for none."""
        name = self._values.get("models/wanted")
        return name if isinstance(name, str) else ""

    @wanted_pack.setter
    def wanted_pack(self, name: str) -> None:
        self._set("models/wanted", name)

    @property
    def grounder(self) -> str:
        """The video language model that searches ask, or "" for none."""
        name = self._values.get("models/grounder")
        return name if isinstance(name, str) else ""

    @grounder.setter
    def grounder(self, name: str) -> None:
        self._set("models/grounder", name)

    def speed(self, pack: str, device: str) -> float:
        """Pictures a second of a model pack on this machine, or 0 if it wasn't measured. pack: its sha256."""
        try:
            return max(float(self._values.get(f"models/speed-{device}-{pack[:16]}", 0)), 0.0)
        except (TypeError, ValueError):
            return 0.0

    def remember_speed(self, pack: str, device: str, pictures_a_second: float) -> None:
        self._set(f"models/speed-{device}-{pack[:16]}", pictures_a_second)

    def last_folder(self, purpose: str) -> Path | None:
        """The folder that was chosen last for this purpose, if any."""
        name = self._values.get(f"folder/{purpose}")
        return Path(name) if isinstance(name, str) and name else None

    def remember_folder(self, purpose: str, folder: Path) -> None:
        self._set(f"folder/{purpose}", str(folder))

    def remembered(self, name: str) -> QByteArray:
        """The state of a window or splitter, empty at first."""
        state = self._values.get(f"state/{name}")
        return state if isinstance(state, QByteArray) else QByteArray()

    def remember(self, name: str, state: QByteArray) -> None:
        self._set(f"state/{name}", state)

    def _texts(self, name: str) -> list[str]:
        value = self._values.get(name)
        # One value is written as itself, not as a list of one.
        return (
            [value] if isinstance(value, str) and value else [str(v) for v in value] if isinstance(value, list) else []
        )


def _one_of(kind: type[_E], value: object, default: _E) -> _E:
    return kind(value) if value in [each.value for each in kind] else default
