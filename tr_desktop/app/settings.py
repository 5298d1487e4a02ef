"""What the app remembers of itself, in one folder: `settings.ini`, `keys.json`, and the safety copies of projects."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QByteArray, QSettings

from tr_desktop.app.counter import Counting
from tr_desktop.app.theme import Theme

_MOST_QUERIES = 50
_E = TypeVar("_E", bound=Enum)


class Settings:
    """Settings in `folder`. Everything has a default; what can't be understood is the default."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)

    @property
    def theme(self) -> Theme:
        return _one_of(Theme, self._file.value("theme"), Theme.DARK)

    @theme.setter
    def theme(self, theme: Theme) -> None:
        self._file.setValue("theme", theme.value)

    @property
    def counting(self) -> Counting:
        return _one_of(Counting, self._file.value("counting"), Counting.TIMECODE)

    @counting.setter
    def counting(self, counting: Counting) -> None:
        self._file.setValue("counting", counting.value)

    @property
    def folders(self) -> list[Path]:
        """Files and folders that are searched."""
        return [Path(name) for name in self._texts("folders")]

    @folders.setter
    def folders(self, paths: list[Path]) -> None:
        self._file.setValue("folders", [str(path) for path in paths])

    @property
    def queries(self) -> list[str]:
        """What was searched for, the latest first."""
        return self._texts("queries")

    def remember_query(self, query: str) -> None:
        others = [each for each in self.queries if each != query]
        self._file.setValue("queries", [query, *others][:_MOST_QUERIES])

    def remembered(self, name: str) -> QByteArray:
        """The state of a window or splitter, empty at first."""
        state = self._file.value(f"state/{name}")
        return state if isinstance(state, QByteArray) else QByteArray()

    def remember(self, name: str, state: QByteArray) -> None:
        self._file.setValue(f"state/{name}", state)

    def sync(self) -> None:
        self._file.sync()

    def _texts(self, name: str) -> list[str]:
        value = self._file.value(name)
        # One value is written as itself, not as a list of one.
        return (
            [value] if isinstance(value, str) and value else [str(v) for v in value] if isinstance(value, list) else []
        )


def _one_of(kind: type[_E], value: object, default: _E) -> _E:
    return kind(value) if value in [each.value for each in kind] else default
