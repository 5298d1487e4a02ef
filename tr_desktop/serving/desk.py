"""One library that other programs may ask: they get moments by id, and never name a path that is opened or written."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from exporters import handover, outbox
from exporters.clips import WAYS
from exporters.formats import formats
from exporters.hand_off import hand_off, lay_out
from exporters.target import Guard
from exporters.timeline import moment_id
from exporters.write import ExportReport
from tr_desktop.confidence import level
from tr_desktop.engine import Engine
from tr_desktop.errors import ExportError, UserError
from tr_desktop.evidence import Evidence
from tr_desktop.footage.fitted import Fitted
from tr_desktop.footage.jpeg import as_jpeg
from tr_desktop.footage.reader import FrameReader
from tr_desktop.grounding import Answer
from tr_desktop.library.filters import FootageFilter
from tr_desktop.library.index.coverage import Coverage
from tr_desktop.library.kept_files import KeptFiles
from tr_desktop.library.relatives import Relatives
from tr_desktop.limits import DEFAULT_STEPS, DEFAULT_TOP
from tr_desktop.moment_json import FoundMoment
from tr_desktop.moments import Moment
from tr_desktop.serving.turns import Turns

MAX_KEPT = 4096
"""Moments that are known by id: those found last."""
HANDOVER = handover.EXPORTER_JSON.name


class UnknownMomentError(UserError):
    """There is no moment of this id, or it was found too long ago."""


@dataclass(frozen=True)
class Pick:
    """A moment by its id, with the edges of one of its steps; step: None for those that it has."""

    id: str
    step: int | None = None


def moment_json(moment: Moment, rank: int = 1) -> dict[str, Any]:
    """The moment as `find --json` prints it, with its id, and what its score is called."""
    return {"id": moment_id(moment), "level": level(moment).value, **FoundMoment.of(rank, moment).to_json()}


def report_json(report: ExportReport) -> dict[str, list[str]]:
    """What an export tells its client: paths of the files, and notes."""
    return {"files": [str(path) for path in report.files], "notes": list(report.notes)}


class Desk:
    """Searches, pictures and exports for other programs. Every method may run in any thread.

    engine: the one in use now. folders: what is searched now. outbox_folder: the only folder that is written to.
    """

    def __init__(
        self, engine: Callable[[], Engine], folders: Callable[[], Sequence[Path]], outbox_folder: Path
    ) -> None:
        self._engine, self._folders, self._outbox = engine, folders, outbox_folder
        self._moments: OrderedDict[str, Moment] = OrderedDict()
        self._lock = threading.Lock()  # of the moments
        self._turns = Turns()  # one search at a time: each takes the whole processor
        self._writing = threading.Lock()  # of the outbox, where a free name has to stay free

    def find(
        self,
        query: str,
        *,
        top: int = DEFAULT_TOP,
        steps: int = DEFAULT_STEPS,
        footage_filter: FootageFilter | None = None,
        on_moments: Callable[[Sequence[Moment]], None] = lambda _: None,
        check: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Search what is indexed, after the searches that came before.

        on_moments: called with the best moments so far, which are known by id from then on. An error that it or `check`
        raises ends the search; `check` is called before it begins and now and then. Errors as for `grounding.find`.
        """

        def found(moments: Sequence[Moment]) -> None:
            self._keep(moments)
            on_moments(moments)

        with self._turns.turn(check):
            answer = self._engine().find(
                query,
                self._searchable(),
                top=top,
                steps=steps,
                footage_filter=footage_filter or FootageFilter(),
                read_new=False,
                on_moments=found,
                check=check,
            )
        self._keep(answer.moments)
        return answer

    def moment(self, pick: Pick) -> Moment:
        """Raises UnknownMomentError, and UserError if it has no such step."""
        with self._lock:
            moment = self._moments.get(pick.id)
        if moment is None:
            raise UnknownMomentError(f"There is no moment {pick.id!r}", remedy="Search again")
        if pick.step is None:
            return moment
        last = len(moment.refinement.steps) - 1
        if not 0 <= pick.step <= last:
            raise UserError(f"The moment has no step {pick.step}", remedy=f"Its steps are 0 to {last}")
        return replace(moment, refinement=replace(moment.refinement, stop=pick.step))

    def look_closer(self, name: str) -> Moment:
        """The moment with the steps that look at decoded frames; it is known by its id with them from then on.

        It stays as it is if the model pack has no such steps. Raises UnknownMomentError, and UserError as for
        `grounding.refine`.
        """
        moment = self.moment(Pick(name))
        engine = self._engine()
        if engine.looks_closer and not any(step.looked_closer for step in moment.refinement.steps):
            moment = engine.refine(moment)
            self._keep([moment])
        return moment

    def picture(self, name: str, frame: int, side_px: int) -> bytes:
        """A JPEG of exactly that frame of the moment's file, counted from 0. side_px: its longer side, at most.

        Raises UnknownMomentError, UserError for a frame outside the file, and MediaError.
        """
        footage = self.moment(Pick(name)).footage
        if not 0 <= frame < len(footage):
            raise UserError(f"The file has no frame {frame}", remedy=f"It has {len(footage)}, counted from 0")
        with FrameReader(footage) as reader:
            for number, picture in reader.frames_to(frame):
                if number == frame:
                    return as_jpeg(Fitted(footage.media, side_px)(picture))
        raise AssertionError("the reader ends with the frame asked for, or raises MediaError")

    def evidence(self, name: str) -> Evidence:
        """Raises UnknownMomentError, and UserError as for `evidence.evidence_for`."""
        moment = self.moment(Pick(name))
        *_, complete = self._engine().evidence(moment)
        return complete

    def coverage(self) -> Coverage:
        return self._engine().survey(self._folders()).coverage

    def hand_over(self, pick: Pick) -> dict[str, object]:
        """The moment alone as in the file of a hand-over. Errors as for `moment`, and ExportError."""
        moment = self.moment(pick)
        catalog = self._engine().catalog
        timeline, _ = lay_out([moment], name=moment.query, library=KeptFiles(catalog), relatives=Relatives(catalog))
        return handover.document(timeline)

    def export(
        self, moments: Sequence[Moment], format_name: str, *, name: str = "", handles_s: Fraction = Fraction(0)
    ) -> ExportReport:
        """Write the moments into the outbox: as the hand-over, or as a file with a name of ours.

        name: of the timeline; by default the query of the first moment.
        Raises ExportError: no moments, a format that isn't known or cuts clips, or as for `hand_off`.
        """
        name = name or (moments[0].query if moments else "")
        catalog = self._engine().catalog
        library, relatives = KeptFiles(catalog), Relatives(catalog)
        if format_name == HANDOVER:
            with self._writing:
                return outbox.send(
                    moments, self._outbox, name=name, handles_s=handles_s, library=library, relatives=relatives
                )
        if format_name not in formats():
            what = f"{format_name} cuts clips" if format_name in WAYS else f"There is no export format {format_name!r}"
            raise ExportError(what, remedy=f"Ask for one of {', '.join(formats())}")
        with self._writing:
            return hand_off(
                moments,
                outbox.new_file(self._outbox, formats()[format_name].suffix, datetime.now()),
                format_name,
                name=name,
                handles_s=handles_s,
                guard=Guard(library=library),
                relatives=relatives,
            )

    def _keep(self, moments: Sequence[Moment]) -> None:
        with self._lock:
            for moment in moments:
                name = moment_id(moment)
                self._moments[name] = moment
                self._moments.move_to_end(name)
            while len(self._moments) > MAX_KEPT:
                self._moments.popitem(last=False)

    def _searchable(self) -> list[Path]:
        folders = self._folders()
        return self._engine().survey(folders).present(folders)
