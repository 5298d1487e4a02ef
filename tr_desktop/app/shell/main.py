"""`tr-desktop app`: opens the window and runs it until it is closed."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from PySide6.QtWidgets import QApplication

from tr_desktop.app.look import theme
from tr_desktop.app.look.settings import Settings
from tr_desktop.app.look.translate import tr
from tr_desktop.app.shell.interrupts import interrupts_close
from tr_desktop.app.shell.window import Window
from tr_desktop.app.work.session import Session
from tr_desktop.paths import library_folder
from tr_desktop.paths import settings_folder as default_settings_folder

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

    Returns 0, or 1 if a thread didn't end in time: the caller must then end the process without waiting for it.
    """
    # Painting releases the interpreter often; to get it back from a busy Python thread takes up to this long each time.
    sys.setswitchinterval(_SWITCH_S)
    app = QApplication.instance() or QApplication(["tr-desktop"])
    assert isinstance(app, QApplication)
    app.setApplicationName("TimeRefine")
    settings = Settings(settings_folder or default_settings_folder())
    theme.use(app, settings.theme)
    session = Session(settings, library or library_folder(), pack, device)
    window = Window(app, session)
    hook, sys.excepthook = sys.excepthook, _bug_hook(window, sys.excepthook)
    try:
        window.show()
        window.focus_search()
        _begin(window, paths)
        with interrupts_close(window):
            app.exec()
    finally:
        sys.excepthook = hook
    has_ended = window.has_ended
    window.deleteLater()
    session.deleteLater()
    return 0 if has_ended else 1


def _begin(window: Window, paths: Sequence[Path]) -> None:
    if not paths:
        window.last_project.offer()
    window.files.offer_left_behind()
    window.adding.open_paths(paths)
    window.session.open()


_Hook = Callable[[type[BaseException], BaseException, TracebackType | None], Any]


def _bug_hook(window: Window, before: _Hook) -> _Hook:
    """Report a bug and go on: edits are autosaved."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _log.error("A bug: %s", "".join(traceback.format_exception(kind, error, trace)))
        window.notice.say(
            tr("TimeRefine has a bug ({kind}: {error}). Your edits are kept.", kind=kind.__name__, error=error),
            is_error=True,
        )
        before(kind, error, trace)

    return hook
