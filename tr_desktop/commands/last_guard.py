"""The end of a command that failed in a way nobody foresaw: a sentence on the screen, the traceback in a file."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from tr_desktop import paths
from tr_desktop.commands.options import BUG, NOBODY_READS, USER_ERROR

LOG_NAME = "errors.log"
_MAX_LOG_BYTES = 1 << 20


def nobody_reads() -> int:
    """The program that read the output has ended, as in `tr-desktop find … | head -1`. Returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        # Python would flush what is left at exit, and complain.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return NOBODY_READS


def unforeseen(error: Exception) -> int:
    """Say what happened, and keep the details. Returns the exit status: a disk's doing is the user's to fix."""
    with suppress(OSError):
        print(f"tr-desktop: {describe(error)}", file=sys.stderr)
    return USER_ERROR if isinstance(error, MemoryError | OSError) else BUG


def describe(error: Exception) -> str:
    """What happened and what to do, after the details were kept."""
    log = _keep(error)
    if isinstance(error, MemoryError):
        what = "there is not enough memory. Close other programs, or search fewer files at once"
    elif isinstance(error, OSError):
        place = f" ({error.filename})" if error.filename else ""
        remedy = "Allow this user to read and write it" if isinstance(error, PermissionError) else "Check the drive"
        what = f"{error.strerror or error}{place}. {remedy}, and try again"
    else:
        what = f"an error of this program: {type(error).__name__}: {error}"
    details = f". The details are in {log}" if log else ""
    request = "; please report it with that file" if log and not isinstance(error, MemoryError | OSError) else ""
    return f"{what}{details}{request}"


def _keep(error: Exception) -> Path | None:
    """Add the traceback to the log beside the settings; the log's path, or None if it can't be written."""
    log = paths.settings_folder() / LOG_NAME
    text = "".join(traceback.format_exception(error))
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        is_long = log.exists() and log.stat().st_size > _MAX_LOG_BYTES
        with log.open("w" if is_long else "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {' '.join(sys.argv)}\n{text}\n")
    except OSError:
        return None
    return log
