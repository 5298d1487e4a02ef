"""The project file: `.trproj`, versioned JSON that keeps keys which this version doesn't know.

A moment is kept as `find --json` prints it, with every refinement step. Export also needs its footage's entries in the
library, and nothing else. `files` keeps the identity of each file's content, by its path: files that were moved are
found again by it (`relink.py`). `marks` has the answers that were marked right or wrong, by query. Older projects have
neither.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tr_desktop.errors import ProjectError
from tr_desktop.files import write_verified
from tr_desktop.moment_json import FoundMoment, frame_number, text
from tr_desktop.moments import MAX_RATING, Segment
from tr_desktop.projects.decisions import Decision, MarkedAnswer, Marker
from tr_desktop.projects.relink import FileIdentity, Library, identities

SCHEMA = 1
SUFFIX = ".trproj"
_KEYS = ("schema", "files", "selects", "marks")
_MARK_KEYS = ("query", "media", "frame", "right")


@dataclass(frozen=True)
class Snapshot:
    """A project at one time: any thread can write it while editing continues. path: its file so far, or None.

    on_disk: by path, the content that this program read or wrote last. All snapshots of one project share it, and one
    is saved at a time. files: the identities of its files, by their paths.
    """

    decisions: tuple[Decision, ...]
    path: Path | None
    unknown: Mapping[str, Any]
    on_disk: dict[Path, bytes]
    files: Mapping[str, FileIdentity] = field(default_factory=dict)
    marks: tuple[MarkedAnswer, ...] = ()

    def identified(self, library: Library) -> Snapshot:
        """With the identities of its files that `library` knows, and without those of other files.

        A file that was replaced keeps the identity that it had when it was searched, until a decision is about its new
        content.
        """
        used: dict[str, set[str]] = {}
        for decision in self.decisions:
            used.setdefault(decision.found.media, set()).add(decision.found.content)
            for file in decision.found.files:
                used.setdefault(file, set())
        for mark in self.marks:
            used.setdefault(mark.media, set())
        known = identities(used, library)
        kept = {path: self.files[path] for path in used if path in self.files}
        new = {path: each for path, each in known.items() if path not in kept or each.digest in used[path]}
        return replace(self, files=kept | new)

    def content(self) -> bytes:
        """The file as it would be saved."""
        used = dict.fromkeys(file for decision in self.decisions for file in decision.found.files)
        used |= dict.fromkeys(mark.media for mark in self.marks)
        files = {path: self.files[path].to_json() for path in used if path in self.files}
        document = {
            **self.unknown,
            "schema": SCHEMA,
            **({"files": files} if files else {}),
            "selects": [_decision_as_json(each) for each in self.decisions],
            **({"marks": [_mark_as_json(each) for each in self.marks]} if self.marks else {}),
        }
        return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")

    def save(self, path: Path) -> None:
        """Write to `path`, whole or not at all. Raises ProjectError."""
        try:
            is_as_left = path not in self.on_disk or path.read_bytes() == self.on_disk[path]
        except FileNotFoundError:
            is_as_left = True
        except OSError as error:
            raise ProjectError(f"The project can't be read: {(error.strerror or '').lower()}", path=path) from error
        if not is_as_left:
            raise ProjectError(
                "Another program changed the project after it was opened",
                path=path,
                remedy="Save it under another name",
            )
        content = self.content()
        try:
            write_verified(path, content)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise ProjectError(
                f"The project can't be saved: {why}", path=path, remedy="Choose another place"
            ) from error
        self.on_disk[path] = content


def read(path: Path) -> bytes:
    """The file's content. Raises ProjectError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProjectError(f"The project can't be read: {(error.strerror or '').lower()}", path=path) from error


@dataclass(frozen=True)
class Parsed:
    """A project file's content. files: identities by path. unknown: keys that this version doesn't know."""

    decisions: tuple[Decision, ...]
    marks: tuple[MarkedAnswer, ...]
    files: dict[str, FileIdentity]
    unknown: dict[str, Any]


def parse(content: bytes, path: Path) -> Parsed:
    """path: for error messages.

    Raises ProjectError if it isn't a project, is damaged, or written by a newer version.
    """
    try:
        document = json.loads(content.decode("utf-8", "surrogatepass"))
        version = document["schema"]
        if isinstance(version, int) and version > SCHEMA:
            raise ProjectError(
                f"The project was written by a newer version (format {version}; this one supports up to {SCHEMA})",
                path=path,
                remedy="Update TimeRefine Desktop",
            )
        decisions = tuple(_decision_from_json(entry) for entry in document["selects"])
        files = {name: FileIdentity.from_json(entry) for name, entry in document.get("files", {}).items()}
        decisions = tuple(_with_content(each, files.get(each.found.media)) for each in decisions)
        marks = tuple(_mark_from_json(entry) for entry in document.get("marks", []))
        unknown = {key: value for key, value in document.items() if key not in _KEYS}
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ProjectError(
            f"This isn't a TimeRefine Desktop project, or it is damaged ({error!r})",
            path=path,
            remedy="Open another file; nothing was changed in this one",
        ) from error
    return Parsed(decisions, marks, files, unknown)


def _with_content(decision: Decision, identity: FileIdentity | None) -> Decision:
    """Older projects know the content only by path."""
    if identity is None or decision.found.content:
        return decision
    return replace(decision, found=replace(decision.found, content=identity.digest))


def _decision_as_json(decision: Decision) -> dict[str, Any]:
    return {
        **decision.unknown,
        "query": decision.query,
        "moment": decision.found.to_json(),
        "start_frame": decision.segment.start_frame,
        "end_frame": decision.segment.end_frame,
        "kept_step": decision.kept_step,
        "accepted": decision.is_accepted,
        "name": decision.name,
        "note": decision.note,
        "rating": decision.rating,
        "markers": [
            {**marker.unknown, "frame": marker.frame, "name": marker.name, "colour": marker.colour}
            for marker in decision.markers
        ],
        **({"example": decision.example} if decision.example else {}),
    }


def _decision_from_json(entry: dict[str, Any]) -> Decision:
    taken = dict(entry)
    take: Callable[[str], Any] = taken.pop
    decision = Decision(
        query=text(take("query")),
        found=FoundMoment.from_json(take("moment")),
        segment=Segment(frame_number(take("start_frame")), frame_number(take("end_frame"))),
        kept_step=frame_number(take("kept_step")),
        is_accepted=take("accepted") is True,
        name=text(take("name")),
        note=text(take("note")),
        rating=_rating(taken.pop("rating", 0)),
        markers=tuple(_marker(marker) for marker in take("markers")),
        example=text(taken.pop("example", "")),
        unknown=taken,
    )
    if decision.kept_step >= len(decision.found.steps):
        raise IndexError(f"step {decision.kept_step} of {len(decision.found.steps)}")
    return decision


def _mark_as_json(mark: MarkedAnswer) -> dict[str, Any]:
    known = {"query": mark.query, "media": mark.media, "frame": mark.frame, "right": mark.is_right}
    return {**mark.unknown, **known}


def _mark_from_json(entry: dict[str, Any]) -> MarkedAnswer:
    unknown = {key: value for key, value in entry.items() if key not in _MARK_KEYS}
    is_right = entry["right"]
    if not isinstance(is_right, bool):
        raise TypeError(f"{is_right!r} isn't true or false")
    return MarkedAnswer(text(entry["query"]), text(entry["media"]), frame_number(entry["frame"]), is_right, unknown)


def _marker(entry: dict[str, Any]) -> Marker:
    unknown = {key: value for key, value in entry.items() if key not in ("frame", "name", "colour")}
    return Marker(frame_number(entry["frame"]), text(entry["name"]), text(entry.get("colour", "")), unknown)


def _rating(value: Any) -> int:
    """`value`, if it is a rating. Raises TypeError or ValueError."""
    if frame_number(value) > MAX_RATING:
        raise ValueError(f"a rating of {value}")
    return int(value)
