"""From moments to clips or to a file for an editor. The command line and the app both call this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from exporters.cfr import cfr_folder, make_cfr
from exporters.clips import WAYS, ClipProgress, export_clips
from exporters.formats import find_format
from exporters.ledger import Export
from exporters.originals import FindsOriginals, exchange
from exporters.parts import FindsNeighbours, events
from exporters.sources import check_sources
from exporters.target import Guard, check_targets
from exporters.timeline import timeline_from_moments
from exporters.write import ExportReport, export_timeline
from tr_desktop.errors import ExportError
from tr_desktop.moments import Moment


class Relatives(FindsOriginals, FindsNeighbours, Protocol):
    """Finds the files that belong with one that was searched."""


def check_format(out: Path, format_name: str | None) -> None:
    """ExportError if there is no such format or, without a name, if `out` has no known suffix."""
    if format_name not in WAYS:
        find_format(out, format_name)


def check_target(out: Path, format_name: str | None, *, name: str, guard: Guard) -> None:
    """ExportError as for `check_format`, or if a file that an export may not replace is in the way.

    name: the timeline's.
    """
    if format_name not in WAYS:
        check_targets([out], Export(find_format(out, format_name).name, name), (), guard)
    elif guard.overwrite:
        raise ExportError("Clips never replace a file", remedy="Leave out --overwrite")


def hand_off(
    moments: Sequence[Moment],
    out: Path,
    format_name: str | None = None,
    *,
    name: str,
    handles_s: Fraction = Fraction(0),
    start_tc: str = "01:00:00:00",
    cfr: bool = False,
    guard: Guard | None = None,
    relatives: Relatives | None = None,
    on_progress: ClipProgress | None = None,
) -> ExportReport:
    """Write `moments` to `out`: a folder of clips if format_name is one of `clips.WAYS`, otherwise a file.

    name: the timeline's. guard: protects existing files. cfr: convert the used parts of variable-frame-rate footage to
    a constant rate first. relatives: finds the originals of proxies, to which the export then refers, and the files
    that handles run into. on_progress: called while clips are cut; an exception raised in it stops the work.
    ExportError: a file is in the way, has changed or is missing, or nothing could be exported. The report names the
    moments that failed.
    """
    guard = guard or Guard()
    check_target(out, format_name, name=name, guard=guard)
    is_read = format_name in WAYS or (cfr and any(moment.media.is_vfr for moment in moments))
    searched = (part.footage.media for moment in moments for part in moment.parts)
    sources = check_sources(searched, guard.library, are_read=is_read)
    exchanged = exchange(moments, relatives, are_cut=format_name in WAYS)
    moments = exchanged.moments
    if format_name in WAYS:
        handles = (event for moment in moments for event in events(moment, handles_s, relatives) if not event.part)
        check_sources((event.moment.media for event in handles), guard.library, are_read=True)
        made = export_clips(
            moments,
            out,
            preset_name=format_name,
            handles_s=handles_s,
            cfr=cfr,
            neighbours=relatives,
            on_progress=on_progress,
        )
        return replace(made, notes=(*exchanged.notes, *made.notes))
    made = ExportReport((), ())
    if cfr:
        moments, made = make_cfr(moments, cfr_folder(out), handles_s=handles_s, on_progress=on_progress)
    timeline = timeline_from_moments(
        moments,
        name=name,
        handles_s=handles_s,
        start_tc=start_tc,
        proxies=exchanged.proxies,
        neighbours=relatives,
    )
    sources += check_sources((clip.media for clip in timeline.clips if not clip.part), guard.library, are_read=False)
    written = export_timeline(timeline, out, format_name, guard)
    return ExportReport(
        files=(*written.files, *made.files),
        notes=(*sources, *exchanged.notes, *made.notes, *written.notes),
        failures=made.failures,
        left_out=written.left_out,
    )
