"""`tr-desktop app`: the window from the first to the last moment."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from platformdirs import user_config_path, user_data_path
from PySide6.QtWidgets import QApplication

from tr_desktop.app.look import theme
from tr_desktop.app.look.settings import Settings
from tr_desktop.app.shell.window import Window
from tr_desktop.app.work.session import Session
from tr_desktop.projects.file import SUFFIX

_SWITCH_S = 0.001
_log = logging.getLogger(__name__)


def run(
    paths: Sequence[Path],
    *,
    settings_folder: Path | None = None,
    library: Path | None = None,
    pack: str,
    device: str = "auto",
) -> int:
    """Open the window on `paths`, footage or a project, and return when it is closed.

    0, or 1 where a thread wouldn't end in time: then the process has to be ended without waiting for it.
    """
    # Painting takes and gives up the interpreter often; each time it waits so long for a worker that is in Python.
    sys.setswitchinterval(_SWITCH_S)
    app = QApplication.instance() or QApplication(["tr-desktop"])
    assert isinstance(app, QApplication)
    app.setApplicationName("TimeRefine")
    settings = Settings(settings_folder or user_config_path("TimeRefine", appauthor=False))
    theme.use(app, settings.theme)
    session = Session(settings, library or user_data_path("TimeRefine", appauthor=False), pack, device)
    window = Window(app, session)
    hook, sys.excepthook = sys.excepthook, _bug_hook(window, sys.excepthook)
    try:
        window.show()
        window.focus_search()
        _begin(window, paths)
        app.exec()
    finally:
        sys.excepthook = hook
    has_ended = window.has_ended
    window.deleteLater()
    session.deleteLater()
    return 0 if has_ended else 1


def _begin(window: Window, paths: Sequence[Path]) -> None:
    projects = [path for path in paths if path.suffix.lower() == SUFFIX]
    window.files.offer_left_behind()
    for path in projects[:1]:
        window.files.open(path)
    window.session.add([path for path in paths if path not in projects])
    window.session.open()


_Hook = Callable[[type[BaseException], BaseException, TracebackType | None], Any]


def _bug_hook(window: Window, before: _Hook) -> _Hook:
    """Say that there was a bug, and go on: what was decided is kept safe."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _log.error("A bug: %s", "".join(traceback.format_exception(kind, error, trace)))
        window.notice.say(
            f"Something went wrong in TimeRefine itself ({kind.__name__}: {error}). Your decisions are kept.",
            is_error=True,
        )
        before(kind, error, trace)

    return hook
