"""The safety copy of unsaved work, for the next start after a crash, a kill or a power cut.

Every running app has its own folder under one root and holds its lock, which ends with the process, however that ends.
A folder with a copy and without a held lock was left behind.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tr_desktop.errors import ProjectError
from tr_desktop.files import sole_writer, write_verified
from tr_desktop.projects.project import Project

_COPY, _FROM = "project.trproj", "from.json"


class Recovery:
    """The safety copy of one running app under `root`. Close it on a normal exit.

    Raises ProjectError if the folder can't be written or the disk is full; so does `keep`.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / secrets.token_hex(8)
        self._held = ExitStack()
        with _worded():
            self._folder.mkdir(parents=True)
            self._held.enter_context(sole_writer(self._folder))

    def keep(self, content: bytes, path: Path | None) -> None:
        """Keep a project's content, and the path of its file. May be called from any thread."""
        with _worded():
            write_verified(self._folder / _FROM, json.dumps(None if path is None else str(path)).encode())
            write_verified(self._folder / _COPY, content)

    def drop(self) -> None:
        """Delete the copy: nothing is unsaved."""
        (self._folder / _COPY).unlink(missing_ok=True)

    def close(self) -> None:
        self._held.close()
        shutil.rmtree(self._folder, ignore_errors=True)


@dataclass(frozen=True)
class LeftBehind:
    """Unsaved work of an app that closed unexpectedly. path: the project's file, or None."""

    folder: Path
    path: Path | None
    content: bytes

    def project(self) -> Project:
        """The work as it was, with everything unsaved. Raises ProjectError."""
        project = Project.parse(self.content, self.folder / _COPY)
        return project.as_unsaved_of(self.path)


@contextmanager
def left_behind(root: Path) -> Iterator[list[LeftBehind]]:
    """Work to recover, newest first. No other app is offered it while the block runs."""
    with ExitStack() as held:
        found = []
        for copy in sorted(root.glob(f"*/{_COPY}"), key=lambda path: -path.stat().st_mtime_ns):
            with suppress(OSError, ValueError):
                held.enter_context(sole_writer(copy.parent))
                saved_at = json.loads((copy.parent / _FROM).read_bytes())
                found.append(LeftBehind(copy.parent, Path(saved_at) if saved_at else None, copy.read_bytes()))
        yield found


@contextmanager
def _worded() -> Iterator[None]:
    """Turn an OSError of the block into a ProjectError."""
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ProjectError(f"Unsaved work can't be autosaved: {why}", remedy="Save often") from error


def discard(left: LeftBehind) -> None:
    shutil.rmtree(left.folder, ignore_errors=True)
