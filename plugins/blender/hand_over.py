# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Reading what TimeRefine handed over: `latest.json` of the outbox, or an export `*.handover.json`.

Frames count from the first of the file (0), ends are exclusive. Nothing here needs Blender.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

KIND = "timerefine hand-over"
SCHEMA = 1


class UnreadableError(Exception):
    """The file isn't a hand-over that this add-on can read; the message is for the user."""


@dataclass(frozen=True)
class Moment:
    """The cut is [in_frame, out_frame) of a file with `frames` frames; the moment in it begins at start_frame.

    id: the same in every hand-over, whatever the edges are. spellings: of the file's path, the usual one first.
    marks: the editor's own, as (frame, name).
    """

    id: str
    spellings: tuple[str, ...]
    rate: Fraction
    frames: int
    in_frame: int
    out_frame: int
    start_frame: int
    is_vfr: bool
    has_audio: bool
    name: str
    note: str
    marks: tuple[tuple[int, str], ...]

    @property
    def length(self) -> int:
        """Frames in the cut."""
        return self.out_frame - self.in_frame

    @property
    def cut(self) -> str:
        """The cut as text, to tell whether it changed since."""
        return f"{self.in_frame}-{self.out_frame}"

    @property
    def file_name(self) -> str:
        return Path(self.spellings[0]).name

    @property
    def media(self) -> str | None:
        """The path by which the file is there."""
        return next((path for path in self.spellings if Path(path).is_file()), None)


def read(path: Path) -> list[Moment]:
    """Raises UnreadableError."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise UnreadableError(
            f"Nothing was handed over: there is no {path}. In TimeRefine, choose Send to Blender"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableError(f"{path} can't be read: {error}") from error
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise UnreadableError(f"{path} isn't a hand-over of TimeRefine. Choose latest.json or a .handover.json")
    if document.get("schema") != SCHEMA:
        raise UnreadableError(f"{path} was written by another version of TimeRefine. Install its add-on again")
    try:
        return [_moment(entry) for entry in document["moments"]]
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise UnreadableError(f"{path} is damaged ({error!r}). Hand the moments over again") from error


def _moment(entry: dict[str, Any]) -> Moment:
    moment = Moment(
        id=str(entry["id"]),
        spellings=(str(entry["media"]), *map(str, entry["other_spellings"])),
        rate=Fraction(entry["rate"]),
        frames=_whole(entry["frames"]),
        in_frame=_whole(entry["in_frame"]),
        out_frame=_whole(entry["out_frame"]),
        start_frame=_whole(entry["start_frame"]),
        is_vfr=bool(entry["vfr"]),
        has_audio=bool(entry["has_audio"]),
        name=str(entry["name"]),
        note=str(entry["note"]),
        marks=tuple((_whole(mark["frame"]), str(mark["name"])) for mark in entry["markers"]),
    )
    if moment.rate <= 0 or not moment.in_frame < moment.out_frame:
        raise ValueError(f"moment {moment.id} has no frames")
    return moment


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} isn't a frame")
    return value
