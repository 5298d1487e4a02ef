"""The sentence for each cause for which a library can't be opened, read or written."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from enum import Enum
from pathlib import Path

from tr_desktop.errors import LibraryError

_ELSEWHERE = "choose another folder with --library"
_FULL_BELOW_BYTES = 1 << 16  # SQLite needs a few pages even to lock


class Cause(Enum):
    """Why a library can't be used; the values are what to do about it."""

    FULL = "Free space on it; indexed footage is kept"
    BUSY = f"Wait until it is done, or {_ELSEWHERE}"
    NOT_WRITABLE = f"Make the folder writable, or {_ELSEWHERE}"
    DAMAGED = "See what is wrong with: tr-desktop library check; fix it with: tr-desktop library repair"
    OTHER = f"Check the drive that holds it, or {_ELSEWHERE}"


_BY_ERRNO = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), Cause.FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), Cause.NOT_WRITABLE),
}
_BY_SQLITE = {
    sqlite3.SQLITE_FULL: Cause.FULL,
    sqlite3.SQLITE_BUSY: Cause.BUSY,
    sqlite3.SQLITE_LOCKED: Cause.BUSY,
    **dict.fromkeys((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN), Cause.NOT_WRITABLE),
    # Rows that contradict each other are SQLITE_CONSTRAINT.
    **dict.fromkeys((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT), Cause.DAMAGED),
}


def cause_of(error: sqlite3.Error | OSError, folder: Path) -> Cause:
    """The cause of an error of the library in `folder`."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None and isinstance(error.__cause__, sqlite3.Error):
        code = getattr(error.__cause__, "sqlite_errorcode", None)
    if code is not None:
        lacks_a_table = code == sqlite3.SQLITE_ERROR and str(error).startswith("no such ")
        # The upper bytes of the number say more than is needed.
        cause = Cause.DAMAGED if lacks_a_table else _BY_SQLITE.get(code & 0xFF, Cause.OTHER)
    else:
        # SQLite's module raises some errors itself, such as for text that isn't UTF-8: only damage leads there.
        is_damage = isinstance(error, sqlite3.Error)
        cause = Cause.DAMAGED if is_damage else _BY_ERRNO.get(getattr(error, "errno", None) or 0, Cause.OTHER)
    # On a full disk, SQLite often reports an input/output error, or a file that can't be opened.
    return Cause.FULL if cause in (Cause.OTHER, Cause.NOT_WRITABLE) and _is_full(folder) else cause


def sentence(error: sqlite3.Error | OSError, folder: Path) -> str:
    """What is wrong, without a capital and a full stop."""
    plain = {
        Cause.FULL: "the disk that holds the library is full",
        Cause.BUSY: "another TimeRefine is writing to the library",
        Cause.NOT_WRITABLE: "the library can't be written",
        Cause.DAMAGED: "the library is damaged",
    }
    detail = getattr(error, "strerror", None) or str(error)
    cause = cause_of(error, folder)
    return f"{plain[cause]}: {detail}" if cause in plain else f"the library can't be used: {detail}"


def library_error(error: sqlite3.Error | OSError, path: Path, doing: str) -> LibraryError:
    """The LibraryError for `error`. path: the library's folder or file. doing: such as "opened"."""
    folder = path if path.is_dir() else path.parent
    what = f"The library can't be {doing}: {sentence(error, folder)}"
    return LibraryError(what, path=path, remedy=cause_of(error, folder).value)


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _FULL_BELOW_BYTES
    except OSError:
        return False
