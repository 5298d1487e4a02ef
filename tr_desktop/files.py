"""Files that are written whole or not at all, and folders that one process at a time may write to.

Everything here raises OSError. Callers know what the file is for and say so in their own words.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

LOCK_NAME = "writer.lock"


class LockedError(OSError):
    """Another process, or another part of this one, is the folder's writer."""


class ReadBackError(OSError):
    """The disk returned other bytes than were written."""


@contextmanager
def replacing(path: Path, *, is_new: bool = False) -> Iterator[Path]:
    """Give a new path beside `path` to write a file to; when the block ends, flush that file and move it to `path`.

    After any exception `path` is as it was before, and nothing else is left. OSError: the folder is missing or can't be
    written, or the disk is full. is_new: nothing is at `path`; FileExistsError if something has come there meanwhile.
    """
    target = path.resolve()  # writes through a link instead of replacing it
    part = target.with_name(f".{secrets.token_hex(6)}{target.suffix[:16]}")
    try:
        yield part
        flush(part)
        if is_new:
            _place(part, target)
        else:
            if target.exists():
                shutil.copymode(target, part)
            part.replace(target)
        flush(target.parent)
    finally:
        part.unlink(missing_ok=True)


def _place(part: Path, target: Path) -> None:
    """Move `part` to `target`. FileExistsError if something is there: unlike a move, a hard link never replaces."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: take the name first
        target.touch(exist_ok=False)
        part.replace(target)


def write_verified(path: Path, content: bytes, *, is_new: bool = False) -> None:
    """Put `content` at `path`, whole or not at all, and read it back before it's moved there.

    OSError, is_new: as for `replacing`. ReadBackError: the bytes read back differ.
    """
    with replacing(path, is_new=is_new) as part:
        part.write_bytes(content)
        if part.read_bytes() != content:
            raise ReadBackError(errno.EIO, "What was written can't be read back the same", str(path))


def flush(path: Path) -> None:
    """Return once the disk holds a file's content, or a folder's list of names."""
    if path.is_dir():
        if os.name != "posix":  # Windows can't open a folder and keeps its names safe by itself
            return
        handle = os.open(path, os.O_RDONLY)
    else:
        handle = os.open(path, os.O_RDWR)  # Windows flushes only what is open for writing
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Be the one writer of `folder` while the block runs, among all processes that ask here.

    The lock is SQLite's own on an empty file: it works on every system and ends with the process, however that ends.
    LockedError: another writer holds it. OSError: the lock file can't be made.
    """
    try:
        lock = sqlite3.connect(folder / LOCK_NAME, timeout=0, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise OSError(errno.EACCES, f"The lock can't be opened: {error}", str(folder)) from error
    with closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:  # the rest says what kind of busy
                raise OSError(errno.EIO, f"The lock can't be taken: {error}", str(folder)) from error
            raise LockedError(errno.EAGAIN, "Another process is writing here", str(folder)) from error
        yield
