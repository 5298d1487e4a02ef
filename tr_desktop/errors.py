"""Problems that users can fix, as opposed to bugs.

A `UserError` names the problem, the file and the remedy. The commands print it as sentences and exit with status 2. Any
other exception is a bug: the commands write its traceback to a file and exit with status 3.
"""

from __future__ import annotations

from pathlib import Path

from tr_desktop.names import printable


class UserError(Exception):
    """A problem that the user can fix.

    what: one sentence on the problem; path: the file concerned, if there is one; remedy: one sentence on what to do.
    """

    def __init__(self, what: str, *, path: str | Path | None = None, remedy: str = "") -> None:
        self.what, self.path, self.remedy = what, path, remedy
        super().__init__(what)

    def __str__(self) -> str:
        where = f" ({printable(str(self.path))})" if self.path is not None else ""
        return f"{self.what}{where}" + (f". {self.remedy}" if self.remedy else "")


class MediaError(UserError):
    """A media file that can't be read. `what` is the reason shown by `coverage.skipped`."""


class DriveError(MediaError):
    """The drive or the network failed, not the file: reading it again may work."""


class PackError(UserError):
    """A model pack that is missing, damaged or unsafe to load."""


class LibraryError(UserError):
    """A library that can't be opened, or that a newer version wrote."""


class ExportError(UserError):
    """A result that can't be written in the format asked for."""


class ProjectError(UserError):
    """A project file that can't be read or saved."""
