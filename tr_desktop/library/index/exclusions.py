"""Files and folders that aren't the user's footage: hidden ones, the system's own, the trash, and what the user leaves
out."""

from __future__ import annotations

import fnmatch
import unicodedata
from collections.abc import Iterable
from pathlib import Path

_TRASH = {"$recycle.bin", "recycler", "#recycle", "@recycle", "recycle.bin", ".trash", ".trashes"}
_SYSTEM = {"@eadir", "#snapshot", "system volume information", "lost+found", "__macosx"}
_SYSTEM_FILES = {".ds_store", "desktop.ini", "thumbs.db", ".localized", ".apdisk"}
_IN_TRASH, _HIDDEN_FILE, _SYSTEM_FILE = "in the trash", "a hidden file", "a file of the system"
_TRASH_FOLDER, _HIDDEN_FOLDER, _SYSTEM_FOLDER = "a trash folder", "a hidden folder", "a folder of the system"
_MAC_NOTE = "a Mac's note on another file (AppleDouble)"
# Reasons for leaving a file out. Nobody misses such a file in a search.
NOT_THE_USERS = frozenset(
    {_IN_TRASH, _HIDDEN_FILE, _SYSTEM_FILE, _TRASH_FOLDER, _HIDDEN_FOLDER, _SYSTEM_FOLDER, _MAC_NOTE}
)


def folder_reason(name: str) -> str | None:
    """Why the folder `name`, found below a folder that the user named, isn't entered; None if it is."""
    lower = name.lower()
    if lower in _TRASH or lower.startswith(".trash"):
        return _TRASH_FOLDER
    if lower in _SYSTEM:
        return _SYSTEM_FOLDER
    return _HIDDEN_FOLDER if name.startswith(".") else None


def file_reason(name: str) -> str | None:
    """Why the file `name` is never footage; None if its content decides."""
    if name.startswith("._"):
        return _MAC_NOTE
    if name.lower() in _SYSTEM_FILES:
        return _SYSTEM_FILE
    return _IN_TRASH if name.startswith(".trashed-") else None


def hidden_reason(name: str) -> str | None:
    """Why the file `name`, found below a folder that the user named, is passed over like a hidden folder, or None."""
    return _HIDDEN_FILE if name.startswith(".") and file_reason(name) is None else None


class Exclusions:
    """Patterns of names that the user leaves out, such as 'Cache' or '*.tmp'; with a slash, of whole paths."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = [(pattern, _plain(pattern.rstrip("/"))) for pattern in patterns]

    def reason(self, path: Path) -> str | None:
        """Why the file or folder `path` is left out, or None."""
        return next(
            (
                f"left out: it matches {pattern}"
                for pattern, plain in self._patterns
                if fnmatch.fnmatchcase(_plain(str(path) if "/" in plain else path.name), plain)
            ),
            None,
        )

    def reason_above(self, path: Path, roots: Iterable[Path]) -> str | None:
        """As `reason`, also for the folders between `path` and the one of `roots` that holds it, by every rule."""
        above = set(roots)
        reason = self.reason(path) or (None if path in above else hidden_reason(path.name))
        for folder in path.parents if path not in above else ():
            if reason or folder in above:
                break
            reason = folder_reason(folder.name) or self.reason(folder)
        return reason


def _plain(text: str) -> str:
    """Names are compared without case and in one Unicode form."""
    return unicodedata.normalize("NFC", text).casefold()
