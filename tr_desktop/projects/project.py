"""An editor's decisions, kept: which moments were accepted, where their edges were put, what they were called.

A project is a `.trproj` file: versioned JSON in which keys that this version doesn't know stay. What was found is kept
as `find --json` prints it, every refinement step included, so a project needs the footage's entry in the library and
nothing else to be exported. Decisions are immutable and every edit makes new ones: undoing goes back to those before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from tr_desktop.commands.report import SCHEMA as FOUND_SCHEMA
from tr_desktop.commands.report import moment_as_json, moments_from_json
from tr_desktop.errors import ProjectError
from tr_desktop.files import write_verified
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Moment, RefineStep, Segment

SCHEMA = 1
SUFFIX = ".trproj"
UNTITLED = "Untitled"


class Key(NamedTuple):
    """Which moment a decision is about: the query, the file, and the rough answer's frames, which never change."""

    query: str
    media: str
    start_frame: int
    end_frame: int


@dataclass(frozen=True)
class Marker:
    """A place to come back to. frame: counted from the file's first."""

    frame: int
    name: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Decision:
    """What the editor made of one moment.

    found: the moment as `report.moment_as_json` gives it. segment: what is exported. kept_step: the step whose edges it
    started from. is_accepted: whether it is one of the selects; otherwise it is only remembered how far one has come.
    """

    query: str
    found: Mapping[str, Any]
    segment: Segment
    kept_step: int
    is_accepted: bool = False
    name: str = ""
    note: str = ""
    markers: tuple[Marker, ...] = ()
    unknown: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> Key:
        rough = self.found["steps"][0]
        return Key(self.query, self.found["media"], rough["start_frame"], rough["end_frame"])

    @property
    def found_segment(self) -> Segment:
        """Where the search put the edges."""
        step = self.found["steps"][self.found["stop"]]
        return Segment(_frame(step["start_frame"]), _frame(step["end_frame"]))

    def found_moment(self, catalog: Catalog) -> Moment:
        """The moment as it was found. Raises UserError where the library lacks its file."""
        document = {"schema": FOUND_SCHEMA, "query": self.query, "moments": [self.found]}
        return moments_from_json(document, catalog)[0]

    def moment(self, catalog: Catalog) -> Moment:
        """The moment with the editor's edges as its kept answer. Raises UserError where the library lacks its file."""
        return as_decided(self.found_moment(catalog), self)


def key_of(moment: Moment) -> Key:
    rough = moment.refinement.steps[0].segment
    return Key(moment.query, str(moment.media.path), rough.start_frame, rough.end_frame)


def undecided(moment: Moment) -> Decision:
    """Where deciding starts: the moment as it was found."""
    return Decision(moment.query, moment_as_json(1, moment), moment.segment, moment.refinement.stop)


def _followed(decision: Decision, ended: Decision | None) -> Decision:
    """`decision` with the steps that `ended` found beyond its own, where its edges are still as they were found."""
    if ended is None:
        return decision
    steps, all_steps = decision.found["steps"], ended.found["steps"]
    is_earlier = len(steps) < len(all_steps) and all_steps[: len(steps)] == steps
    is_untouched = decision.kept_step == decision.found["stop"] and decision.segment == decision.found_segment
    if not (is_earlier and is_untouched):
        return decision
    return replace(decision, found=ended.found, kept_step=ended.kept_step, segment=ended.segment)


def as_decided(moment: Moment, decision: Decision) -> Moment:
    """What is exported: `moment` with the decision's step kept, and edges that an editor moved as one step more.

    An edge that a person put somewhere is certain. The name, where there is one, takes the place of the query.
    """
    refinement = replace(moment.refinement, stop=decision.kept_step)
    kept, segment = refinement.kept, decision.segment
    if segment != kept.segment:
        by_hand = RefineStep(
            step=len(refinement.steps),
            segment=segment,
            start_s=moment.times.time_s(segment.start_frame),
            end_s=moment.times.time_s(segment.end_frame),
            score=kept.score,
            start_confidence=kept.start_confidence if segment.start_frame == kept.segment.start_frame else 1.0,
            end_confidence=kept.end_confidence if segment.end_frame == kept.segment.end_frame else 1.0,
        )
        refinement = replace(refinement, steps=(*refinement.steps, by_hand), stop=by_hand.step)
    return replace(moment, refinement=refinement, query=decision.name or moment.query)


@dataclass(frozen=True)
class Edit:
    """One thing that can be undone. what: for the menu, such as 'Accept'."""

    what: str
    before: tuple[Decision, ...]
    after: tuple[Decision, ...]


@dataclass(frozen=True)
class Snapshot:
    """A project as it stood, for any thread to write while editing goes on. path: where it was saved before, or None.

    on_disk: by path, what this program read or wrote last; shared by all snapshots of one project, of which one is
    saved at a time.
    """

    decisions: tuple[Decision, ...]
    path: Path | None
    unknown: Mapping[str, Any]
    on_disk: dict[Path, bytes]

    def content(self) -> bytes:
        """The file as it would be saved."""
        document = {**self.unknown, "schema": SCHEMA, "selects": [_as_json(each) for each in self.decisions]}
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
                "The project was changed by another program since it was opened",
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


class Project:
    """The decisions of one project, in the order of the selects, and how they came about.

    path: where it was saved, or None. Change it through its methods: each is one edit that can be undone.
    """

    def __init__(self, decisions: tuple[Decision, ...] = (), *, path: Path | None = None) -> None:
        self.decisions = decisions
        self.path = path
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
        """Whether there is something that saving would keep."""
        return self.decisions != self._saved

    def moments(self, catalog: Catalog) -> list[Moment]:
        """The selects, ready to be exported. Raises UserError where the library lacks one of their files."""
        return [decision.moment(catalog) for decision in self.selects]

    def decision(self, moment: Moment) -> Decision:
        """What was decided about a moment so far."""
        key = key_of(moment)
        return next((each for each in self.decisions if each.key == key), undecided(moment))

    # Edits

    def accept(self, moment: Moment) -> None:
        self._put("Accept", replace(self.decision(moment), is_accepted=True))

    def adjust(self, moment: Moment, segment: Segment) -> None:
        """Put the edges where the editor wants them. Raises ValueError for frames that the file doesn't have."""
        if segment.end_frame > len(moment.times):
            raise ValueError(f"frame {segment.end_frame} of a file of {len(moment.times)}")
        self._put("Adjust edges", replace(self.decision(moment), segment=segment))

    def keep_step(self, moment: Moment, step: int) -> None:
        """Start from another refinement step's edges."""
        # A search may have taken more steps since the decision was made.
        decision = replace(self.decision(moment), found=undecided(moment).found)
        segment = moment.refinement.steps[step].segment
        self._put(f"Keep step {step}", replace(decision, kept_step=step, segment=segment))

    def follow(self, moments: Iterable[Moment]) -> int:
        """Give the last edges of a search to what was decided before it had ended; how many moments that moved.

        Only where nobody touched the edges since: who accepts a moment early means the moment, not its rough edges.
        """
        before = self.decisions
        ended = {key_of(moment): undecided(moment) for moment in moments}
        followed = tuple(_followed(each, ended.get(each.key)) for each in self.decisions)
        self._edit("Refine edges", followed)
        return sum(one.segment != other.segment for one, other in zip(self.decisions, before, strict=True))

    def add_marker(self, moment: Moment, frame: int) -> None:
        """A marker at `frame`, or none where there was one."""
        decision = self.decision(moment)
        markers = tuple(marker for marker in decision.markers if marker.frame != frame)
        if markers == decision.markers:
            markers = tuple(sorted((*markers, Marker(frame)), key=lambda marker: marker.frame))
        what = "Add marker" if len(markers) > len(decision.markers) else "Remove marker"
        self._put(what, replace(decision, markers=markers))

    def describe(self, decision: Decision, *, name: str, note: str) -> None:
        self._put("Describe", replace(decision, name=name, note=note))

    def remove(self, decision: Decision) -> None:
        """Take a moment out of the selects; its edges are remembered."""
        self._put("Remove", replace(decision, is_accepted=False))

    def move(self, decision: Decision, by: int) -> None:
        """Another place in the order, among the selects."""
        order = list(self.selects)
        at = order.index(decision)
        order.insert(max(0, at + by), order.pop(at))
        self._edit("Move", (*order, *(each for each in self.decisions if not each.is_accepted)))

    def undo(self) -> str:
        """Take back the last edit; what it was, or nothing."""
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
        """What `undo` would take back, or nothing."""
        return self._done[-1].what if self._done else ""

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

    # The file

    def snapshot(self) -> Snapshot:
        return Snapshot(self.decisions, self.path, self._unknown, self._on_disk)

    def save(self, path: Path | None = None) -> None:
        """Write to `path`, or where it was saved before: whole or not at all. Raises ProjectError."""
        path = path or self.path
        if path is None:
            raise ProjectError("The project has no file yet", remedy="Choose a name for it")
        snapshot = self.snapshot()
        snapshot.save(path)
        self.saved(snapshot, path)

    def saved(self, snapshot: Snapshot, path: Path) -> None:
        """The snapshot was saved at `path`: what was edited since is what is unsaved."""
        self.path, self._saved = path, snapshot.decisions

    def as_unsaved_of(self, path: Path | None) -> Project:
        """The same work, none of it saved; `path` is where it was saved before."""
        self.path, self._saved = path, None
        return self

    @classmethod
    def load(cls, path: Path) -> Project:
        """Raises ProjectError where it can't be read, is no project, or a newer version wrote it."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ProjectError(f"The project can't be read: {(error.strerror or '').lower()}", path=path) from error
        project = cls.parse(content, path)
        project.path, project._on_disk[path] = path, content
        return project

    @classmethod
    def parse(cls, content: bytes, path: Path) -> Project:
        """A project from a file's content, path: for what is said when it is none. Raises ProjectError."""
        try:
            document = json.loads(content.decode("utf-8", "surrogatepass"))
            version = document["schema"]
            if isinstance(version, int) and version > SCHEMA:
                raise ProjectError(
                    f"The project was written by a newer version (format {version}, this one knows {SCHEMA})",
                    path=path,
                    remedy="Update TimeRefine Desktop",
                )
            decisions = tuple(_from_json(entry) for entry in document["selects"])
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
            raise ProjectError(
                f"This is no project of TimeRefine Desktop, or it is damaged ({error!r})",
                path=path,
                remedy="Open another file; nothing was changed in this one",
            ) from error
        project = cls(decisions)
        project._unknown = {key: value for key, value in document.items() if key not in ("schema", "selects")}
        return project


def _as_json(decision: Decision) -> dict[str, Any]:
    return {
        **decision.unknown,
        "query": decision.query,
        "moment": dict(decision.found),
        "start_frame": decision.segment.start_frame,
        "end_frame": decision.segment.end_frame,
        "kept_step": decision.kept_step,
        "accepted": decision.is_accepted,
        "name": decision.name,
        "note": decision.note,
        "markers": [{**marker.unknown, "frame": marker.frame, "name": marker.name} for marker in decision.markers],
    }


def _from_json(entry: dict[str, Any]) -> Decision:
    taken = dict(entry)
    take: Callable[[str], Any] = taken.pop
    decision = Decision(
        query=_text(take("query")),
        found=take("moment"),
        segment=Segment(_frame(take("start_frame")), _frame(take("end_frame"))),
        kept_step=_frame(take("kept_step")),
        is_accepted=take("accepted") is True,
        name=_text(take("name")),
        note=_text(take("note")),
        markers=tuple(_marker(marker) for marker in take("markers")),
        unknown=taken,
    )
    decision.found["steps"][decision.kept_step], decision.found_segment  # what is looked at later is asked for now
    _text(decision.key.media), _frame(decision.key.start_frame), _frame(decision.key.end_frame)
    return decision


def _marker(entry: dict[str, Any]) -> Marker:
    unknown = {key: value for key, value in entry.items() if key not in ("frame", "name")}
    return Marker(_frame(entry["frame"]), _text(entry["name"]), unknown)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _frame(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} is no frame number")
    return value
