"""Tells errors of the drive or the network from damage in the file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from av.container import InputContainer

from tr_desktop.errors import DriveError


class DriveFile:
    """An open file for a demuxer: at the first error of the drive it ends, and `error` keeps the reason.

    An exception in the middle of FFmpeg would be dropped, or taken for damage in the file.
    """

    def __init__(self, file: io.FileIO | io.BufferedReader) -> None:
        self.error: OSError | None = None
        self.name = str(getattr(file, "name", ""))  # also a hint for what the file may be
        self._file = file

    def read(self, size: int) -> bytes:
        if self.error is None:
            try:
                return self._file.read(size) or b""
            except OSError as error:
                self.error = error
        return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, OverflowError):  # damage asks for a place outside any file; the drive fails while reading
            return -1

    def tell(self) -> int:
        return self._file.tell()

    def check(self, path: str | Path) -> None:
        """Raise DriveError if the drive failed so far."""
        if self.error is not None:
            raise drive_error(self.error, path) from self.error


def drive_error(error: OSError, path: str | Path) -> DriveError:
    """The same error with the reason that the coverage shows."""
    return DriveError(f"can't be read: {error.strerror or error}", path=path)


def check_drive(container: InputContainer) -> None:
    """Raise DriveError if the drive failed while `container` was read: what it gives from then on is cut off."""
    opened: Any = container.file
    if opened is not None and isinstance(opened.file, DriveFile):
        opened.file.check(container.name)
