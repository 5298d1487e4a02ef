"""The exports that this program wrote: a list that is still as it was written may be replaced by the same export.

They are kept in `exports.json` in the library's folder, the latest last: path, format, name and content of each. A list
that somebody edited since has another content, so it counts as somebody else's.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tr_desktop.files import write_verified

FILE_NAME = "exports.json"
_KEPT = 1000


class Export(NamedTuple):
    """What makes two exports the same: the format, and the name of the timeline (the project's, or the query)."""

    format_name: str
    name: str


def is_own(folder: Path, path: Path, export: Export) -> bool:
    """Whether the file at `path` is as `remember` saw it for the same export. folder: the library's."""
    entry = _entry(path, export)
    try:
        return {**entry, "sha256": _digest(path.read_bytes())} in _read(folder)
    except OSError:
        return False


def remember(folder: Path, path: Path, export: Export, content: bytes) -> None:
    """Note that `content` was written to `path`. Without the note, the next export to `path` has to ask: no more."""
    earlier = [entry for entry in _read(folder) if entry.get("path") != str(path)]
    entries = [*earlier, {**_entry(path, export), "sha256": _digest(content)}][-_KEPT:]
    with suppress(OSError):  # such as a library that can't be written
        write_verified(folder / FILE_NAME, json.dumps(entries, indent=0).encode())


def _entry(path: Path, export: Export) -> dict[str, str]:
    return {"path": str(path), "format": export.format_name, "name": export.name}


def _read(folder: Path) -> list[dict[str, str]]:
    try:
        entries = json.loads((folder / FILE_NAME).read_bytes())
    except (OSError, ValueError):
        return []
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
