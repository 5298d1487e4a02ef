"""A project: the decisions of one edit, in the order of the selects, with undo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tr_desktop.errors import ProjectError
from tr_desktop.moment_json import FootageOf
from tr_desktop.moments import MAX_RATING, Moment, Segment
from tr_desktop.projects import file
from tr_desktop.projects.decisions import Decision, Key, Marker, followed, key_of, known, undecided
from tr_desktop.projects.file import Snapshot
from tr_desktop.projects.relink import FileIdentity, Library, in_library, relinked

UNTITLED = "Untitled"


@dataclass(frozen=True)
class Edit:
    """One edit that can be undone. what: its name in the menu, such as 'Accept'."""

    what: str
    before: tuple[Decision, ...]
    after: tuple[Decision, ...]


class Project:
    """The decisions of one project, in the order of the selects, and their history.

    path: its file, or None. files: the identities of its files, by their paths, as far as they are known.
    Change it through its methods: each is one edit that can be undone.
    """

    def __init__(self, decisions: tuple[Decision, ...] = (), *, path: Path | None = None) -> None:
        self.decisions = decisions
        self.path = path
        self.files: dict[str, FileIdentity] = {}
        self._unknown: dict[str, Any] = {}
        self._done: list[Edit] = []
        self._undone: list[Edit] = []
        self._saved: tuple[Decision, ...] | None = decisions
        self._on_disk: dict[Path, bytes] = {}

    @property
    def name(self) -> str:
        return self.path.stem if self.path else UNTITLED

    @property
    def selects(self) -> tuple[Decision, ...]:
        """The accepted moments, in the order in which they are exported."""
        return tuple(decision for decision in self.decisions if decision.is_accepted)

    @property
    def is_changed(self) -> bool:
        """Whether there are changes to save."""
        return self.decisions != self._saved

    def moments(self, footage_of: FootageOf) -> list[Moment]:
        """The selects, ready to be exported. Raises UserError if one of their files isn't known, or has changed."""
        return [decision.moment(footage_of) for decision in self.selects]

    def decision(self, moment: Moment) -> Decision:
        """The decision about a moment so far. One about other content of its file doesn't count."""
        key = key_of(moment)
        decided = (each for each in self.decisions if each.key == key and each.found.is_of(moment.footage))
        return next(decided, undecided(moment))

    # Edits

    def accept(self, moment: Moment, example: str = "") -> None:
        """Make it a select. example: what was searched for, if that wasn't the query."""
        decision = self.decision(moment)
        self._put("Accept", replace(decision, is_accepted=True, example=example or decision.example))

    def adjust(self, moment: Moment, segment: Segment) -> None:
        """Set the edges. Raises ValueError for frames that the file doesn't have."""
        if segment.end_frame > len(moment.times):
            raise ValueError(f"frame {segment.end_frame} of a file of {len(moment.times)}")
        self._put("Adjust edges", replace(self.decision(moment), segment=segment))

    def keep_step(self, moment: Moment, step: int) -> None:
        """Start from another refinement step's edges."""
        # A search may have taken more steps since the decision was made, or fewer so far.
        moment = known(moment, self.decision(moment))
        decision = replace(self.decision(moment), found=undecided(moment).found)
        segment = moment.refinement.steps[step].segment
        self._put(f"Keep step {step}", replace(decision, kept_step=step, segment=segment))

    def follow(self, moments: Iterable[Moment]) -> int:
        """Give later steps to decisions made before these were found; the number of moments whose edges moved.

        Edges that were edited stay. Users who accept a moment early mean the moment, not its rough edges: so this is no
        edit, and undoing an edit doesn't bring the rough edges back.
        """
        before = self.decisions
        ended = {key_of(moment): moment for moment in moments}
        self.decisions = _all_followed(before, ended)
        for edits in (self._done, self._undone):
            edits[:] = [
                Edit(each.what, _all_followed(each.before, ended), _all_followed(each.after, ended)) for each in edits
            ]
        return sum(one.segment != other.segment for one, other in zip(self.decisions, before, strict=True))

    def add_marker(self, moment: Moment, frame: int, colour: str = "") -> None:
        """Add a marker at `frame`, or remove the one there. colour: of the added one."""
        decision = self.decision(moment)
        markers = tuple(marker for marker in decision.markers if marker.frame != frame)
        if markers == decision.markers:
            markers = tuple(sorted((*markers, Marker(frame, colour=colour)), key=lambda marker: marker.frame))
        what = "Add marker" if len(markers) > len(decision.markers) else "Remove marker"
        self._put(what, replace(decision, markers=markers))

    def colour_marker(self, moment: Moment, frame: int, colour: str) -> None:
        """Give the marker at `frame` a colour, one of `MARKER_COLOURS`; without one, add it."""
        decision = self.decision(moment)
        if all(marker.frame != frame for marker in decision.markers):
            self.add_marker(moment, frame, colour)
            return
        coloured = (replace(each, colour=colour) if each.frame == frame else each for each in decision.markers)
        self._put("Colour marker", replace(decision, markers=tuple(coloured)))

    def describe(self, decision: Decision, *, name: str, note: str, rating: int | None = None) -> None:
        """Set name, note and rating. rating: 1 to `MAX_RATING`, 0 for none; None leaves it. Raises ValueError."""
        rating = decision.rating if rating is None else rating
        if not 0 <= rating <= MAX_RATING:
            raise ValueError(f"a rating of {rating}")
        what = "Describe" if rating == decision.rating else "Rate"
        self._put(what, replace(decision, name=name, note=note, rating=rating))

    def remove(self, decision: Decision) -> None:
        """Take a moment out of the selects; its edges are remembered."""
        self._put("Remove", replace(decision, is_accepted=False))

    def move(self, decision: Decision, by: int) -> None:
        """Move a select `by` places in the order."""
        order = list(self.selects)
        at = order.index(decision)
        order.insert(max(0, at + by), order.pop(at))
        self._edit("Move", (*order, *(each for each in self.decisions if not each.is_accepted)))

    def undo(self) -> str:
        """Take back the last edit; its name, or ""."""
        if not self._done:
            return ""
        edit = self._done.pop()
        self._undone.append(edit)
        self.decisions = edit.before
        return edit.what

    def redo(self) -> str:
        if not self._undone:
            return ""
        edit = self._undone.pop()
        self._done.append(edit)
        self.decisions = edit.after
        return edit.what

    @property
    def undoes(self) -> str:
        """The edit that `undo` would take back, or ""."""
        return self._done[-1].what if self._done else ""

    @property
    def depth(self) -> int:
        """How many edits can be undone."""
        return len(self._done)

    @property
    def redoes(self) -> str:
        return self._undone[-1].what if self._undone else ""

    def _put(self, what: str, decision: Decision) -> None:
        known = any(each.key == decision.key for each in self.decisions)
        changed = tuple(decision if each.key == decision.key else each for each in self.decisions)
        self._edit(what, changed if known else (*self.decisions, decision))

    def _edit(self, what: str, decisions: tuple[Decision, ...]) -> None:
        if decisions != self.decisions:
            self._done.append(Edit(what, self.decisions, decisions))
            self._undone.clear()
            self.decisions = decisions

    def moved_files(self, library: Library) -> dict[str, Path]:
        """New paths, by the old ones, of files that aren't at their path but have a copy that `library` knows."""
        return in_library(self.snapshot().identified(library).files, library)

    def relink(self, paths: Mapping[str, Path]) -> None:
        """Give files new paths, by the old ones, for the whole history: this is no edit, and isn't undone."""
        self.files.update({str(new): self.files[old] for old, new in paths.items() if old in self.files})
        self.decisions = relinked(self.decisions, paths)
        for edits in (self._done, self._undone):
            edits[:] = [Edit(e.what, relinked(e.before, paths), relinked(e.after, paths)) for e in edits]

    # The file

    def snapshot(self) -> Snapshot:
        return Snapshot(self.decisions, self.path, self._unknown, self._on_disk, dict(self.files))

    def save(self, path: Path | None = None) -> None:
        """Write to `path`, or to its file so far: whole or not at all. Raises ProjectError."""
        path = path or self.path
        if path is None:
            raise ProjectError("The project has no file yet", remedy="Choose a name for it")
        snapshot = self.snapshot()
        snapshot.save(path)
        self.saved(snapshot, path)

    def saved(self, snapshot: Snapshot, path: Path) -> None:
        """Note that the snapshot was saved at `path`: only later edits are unsaved."""
        self.files.update(snapshot.files)
        self.path, self._saved = path, snapshot.decisions

    def as_unsaved_of(self, path: Path | None) -> Project:
        """The same work, none of it saved. path: its file so far, or None."""
        self.path, self._saved = path, None
        return self

    @classmethod
    def load(cls, path: Path) -> Project:
        """Raises ProjectError if it can't be read, isn't a project, or a newer version wrote it."""
        content = file.read(path)
        project = cls.parse(content, path)
        project.path, project._on_disk[path] = path, content
        return project

    @classmethod
    def parse(cls, content: bytes, path: Path) -> Project:
        """A project from a file's content. path: for error messages. Raises ProjectError."""
        decisions, files, unknown = file.parse(content, path)
        project = cls(decisions)
        project.files, project._unknown = files, unknown
        return project


def _all_followed(decisions: tuple[Decision, ...], ended: Mapping[Key, Moment]) -> tuple[Decision, ...]:
    return tuple(followed(each, ended.get(each.key)) for each in decisions)
