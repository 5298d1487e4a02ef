"""The outbox: the latest hand-over, at a fixed place where plugins inside editors look for it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from fractions import Fraction
from itertools import chain, count
from pathlib import Path

from exporters import handover, xmeml
from exporters.hand_off import Relatives, lay_out
from exporters.target import Library
from exporters.write import ExportReport, export_errors, footage_notes
from tr_desktop.errors import ExportError
from tr_desktop.files import ReadBackError, replacing
from tr_desktop.moments import Moment

JSON_NAME, LUA_NAME, XML_NAME = "latest.json", "latest.lua", "latest.xml"
_HEAD_BYTES = 200  # the kind of file is among the first
_XML_KIND = "<!DOCTYPE xmeml>"


def send(
    moments: Sequence[Moment],
    folder: Path,
    *,
    name: str,
    handles_s: Fraction = Fraction(0),
    library: Library | None = None,
    relatives: Relatives | None = None,
) -> ExportReport:
    """Put `moments` into `folder`, in place of the hand-over there: as JSON, Lua and a sequence, all or none.

    The sequence is Final Cut Pro 7 XML, which Premiere's plugin imports.

    folder: made if it isn't there, and closed to other users. name, library, relatives, ExportError: as for `lay_out`;
    also if a file that isn't a hand-over is in the way, or writing fails.
    """
    timeline, laid = lay_out(moments, name=name, handles_s=handles_s, library=library, relatives=relatives)
    contents = {
        folder / JSON_NAME: handover.render_json(timeline).encode(),
        folder / LUA_NAME: handover.render_lua(timeline).encode(),
        folder / XML_NAME: xmeml.render(timeline).encode(),
    }
    with export_errors(folder):
        _make(folder)
        for path in contents:
            _check_ours(path)
        with ExitStack() as written:
            for path, content in contents.items():
                part = written.enter_context(replacing(path))
                part.write_bytes(content)
                if part.read_bytes() != content:
                    raise ReadBackError(errno.EIO, "What was written can't be read back the same", str(path))
    return ExportReport(tuple(contents), (*laid.notes, *footage_notes(timeline)))


def new_file(folder: Path, suffix: str, now: datetime) -> Path:
    """A free name in the outbox `folder` for another export. Raises ExportError if the folder can't be made."""
    with export_errors(folder):
        _make(folder)
    name = f"timerefine {now:%Y-%m-%d %H.%M.%S}"
    names = chain([name], (f"{name} {number}" for number in count(2)))
    return next(path for each in names if not os.path.lexists(path := folder / f"{each}{suffix}"))


def _make(folder: Path) -> None:
    """Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _check_ours(path: Path) -> None:
    """ExportError if something is at `path` that no hand-over wrote. Raises OSError."""
    try:
        is_file = stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if is_file:
        kind = _XML_KIND if path.name == XML_NAME else handover.KIND
        with path.open("rb") as there:
            if kind.encode() in there.read(_HEAD_BYTES):
                return
    raise ExportError(
        "Something that isn't a hand-over is in the way", path=path, remedy="Move it away, and send again"
    )
