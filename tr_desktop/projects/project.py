"""A project: the decisions of one edit, in the order of the selects, with undo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from tr_desktop.errors import ProjectError
from tr_desktop.moment_json import FootageOf
from tr_desktop.moments import MAX_RATING, Judgement, Moment, Segment
from tr_desktop.projects import file
from tr_desktop.projects.decisions import Decision, Key, MarkedAnswer, Marker, followed, key_of, known, undecided
from tr_desktop.projects.file import Snapshot
from tr_desktop.projects.relink import FileIdentity, Library, in_library, relinked

UNTITLED = "Untitled"


class Work(NamedTuple):
    """What edits change: decisions in the order of the selects, and answers that were marked right or wrong."""

    decisions: tuple[Decision, ...] = ()
    marks: tuple[MarkedAnswer, ...] = ()

    def followed(self, ended: Mapping[Key, Moment]) -> Work:
        return Work(tuple(followed(each, ended.get(each.key)) for each in self.decisions), self.marks)

    def relinked(self, paths: Mapping[str, Path]) -> Work:
        marks = (replace(each, media=str(paths.get(each.media, each.media))) for each in self.marks)
        return Work(relinked(self.decisions, paths), tuple(marks))


@dataclass(frozen=True)
class Edit:
    """One edit that can be undone. what: its name in the menu, such as 'Accept'."""

    what: str
    before: Work
    after: Work

    def changed(self, change: Callable[[Work], Work]) -> Edit:
        return Edit(self.what, change(self.before), change(self.after))


class Project:
    """The work in one project, and its history. decisions: in the order of the selects. marks: in the order made.

    path: its file, or None. files: the identities of its files, by their paths, as far as they are known.
    Change it through its methods: each is one edit that can be undone.
    """

    def __init__(
        self, decisions: tuple[Decision, ...] = (), *, marks: tuple[MarkedAnswer, ...] = (), path: Path | None = None
    ) -> None:
        self._work = Work(decisions, marks)
        self.path = path
        self.files: dict[str, FileIdentity] = {}
        self._unknown: dict[str, Any] = {}
        self._done: list[Edit] = []
        self._undone: list[Edit] = []
        self._saved: Work | None = self._work
        self._on_disk: dict[Path, bytes] = {}

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return self._work.decisions

    @property
    def marks(self) -> tuple[MarkedAnswer, ...]:
        return self._work.marks

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
        return self._work != self._saved

    def moments(self, footage_of: FootageOf) -> list[Moment]:
        """The selects, ready to be exported. Raises UserError if one of their files isn't known, or has changed."""
        return [decision.moment(footage_of) for decision in self.selects]

    def decision(self, moment: Moment) -> Decision:
        """The decision about a moment so far. One about other content of its file doesn't count."""
        key = key_of(moment)
        decided = (each for each in self.decisions if each.key == key and each.found.is_of(moment.footage))
        return next(decided, undecided(moment))

    # Edits

    def accept(self, moment: Moment, example: str = "", segment: Segment | None = None) -> None:
        """Make it a select. example: what was searched for, if that wasn't the query. segment: its edges, if others.

        Raises ValueError for frames that the file doesn't have.
        """
        decision = self.decision(moment)
        if segment is not None:
            decision = _with_edges(decision, moment, segment)
        self._put("Accept", replace(decision, is_accepted=True, example=example or decision.example))

    def adjust(self, moment: Moment, segment: Segment) -> None:
        """Set the edges. Raises ValueError for frames that the file doesn't have."""
        _check_frames(moment, segment)
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
        self._change_history(lambda work: work.followed(ended))
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
        self._edit("Move", decisions=(*order, *(each for each in self.decisions if not each.is_accepted)))

    def mark(self, moment: Moment, is_right: bool) -> None:
        """Mark an answer right or wrong; marking it the same way again takes the mark back."""
        segment = moment.segment
        made = MarkedAnswer(
            moment.query, str(moment.media.path), (segment.start_frame + segment.end_frame) // 2, is_right
        )
        is_marked = self.verdict(moment) is is_right
        others = tuple(each for each in self.marks if not _is_about(each, moment))
        what = "Remove mark" if is_marked else "More like this" if is_right else "Less like this"
        self._edit(what, marks=others if is_marked else (*others, made))

    def verdict(self, moment: Moment) -> bool | None:
        """Whether a moment was marked right or wrong; None if it wasn't marked."""
        return next((each.is_right for each in self.marks if _is_about(each, moment)), None)

    def judgements(self, query: str) -> tuple[Judgement, ...]:
        """The marks that count for a query."""
        return tuple(each.judgement for each in self.marks if each.query == query)

    def clear_marks(self, query: str | None = None) -> None:
        """Take back the marks of a query, or all."""
        self._edit("Clear marks", marks=tuple(each for each in self.marks if query not in (None, each.query)))

    def undo(self) -> str:
        """Take back the last edit; its name, or ""."""
        if not self._done:
            return ""
        edit = self._done.pop()
        self._undone.append(edit)
        self._work = edit.before
        return edit.what

    def redo(self) -> str:
        if not self._undone:
            return ""
        edit = self._undone.pop()
        self._done.append(edit)
        self._work = edit.after
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
        self._edit(what, decisions=changed if known else (*self.decisions, decision))

    def _edit(
        self,
        what: str,
        *,
        decisions: tuple[Decision, ...] | None = None,
        marks: tuple[MarkedAnswer, ...] | None = None,
    ) -> None:
        work = Work(self.decisions if decisions is None else decisions, self.marks if marks is None else marks)
        if work != self._work:
            self._done.append(Edit(what, self._work, work))
            self._undone.clear()
            self._work = work

    def _change_history(self, change: Callable[[Work], Work]) -> None:
        """Change the work as it is and as it was: no edit."""
        self._work = change(self._work)
        for edits in (self._done, self._undone):
            edits[:] = [each.changed(change) for each in edits]

    def moved_files(self, library: Library) -> dict[str, Path]:
        """New paths, by the old ones, of files that aren't at their path but have a copy that `library` knows."""
        return in_library(self.snapshot().identified(library).files, library)

    def relink(self, paths: Mapping[str, Path]) -> None:
        """Give files new paths, by the old ones, for the whole history: this is no edit, and isn't undone."""
        self.files.update({str(new): self.files[old] for old, new in paths.items() if old in self.files})
        self._change_history(lambda work: work.relinked(paths))

    # The file

    def snapshot(self) -> Snapshot:
        return Snapshot(self.decisions, self.path, self._unknown, self._on_disk, dict(self.files), self.marks)

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
        self.path, self._saved = path, Work(snapshot.decisions, snapshot.marks)

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
        parsed = file.parse(content, path)
        project = cls(parsed.decisions, marks=parsed.marks)
        project.files, project._unknown = parsed.files, parsed.unknown
        return project


def _with_edges(decision: Decision, moment: Moment, segment: Segment) -> Decision:
    """The decision with these edges, kept from the last step that has them. Raises ValueError."""
    _check_frames(moment, segment)
    steps = known(moment, decision).refinement.steps
    step = next((each.step for each in reversed(steps) if each.segment == segment), decision.kept_step)
    return replace(decision, kept_step=step, segment=segment)


def _check_frames(moment: Moment, segment: Segment) -> None:
    if segment.end_frame > len(moment.times):
        raise ValueError(f"frame {segment.end_frame} of a file of {len(moment.times)}")


def _is_about(mark: MarkedAnswer, moment: Moment) -> bool:
    return mark.query == moment.query and mark.judgement.is_about(moment)
