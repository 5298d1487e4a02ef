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
from exporters.target import Guard, Library, check_targets
from exporters.timeline import Timeline, timeline_from_moments
from exporters.write import ExportReport, export_timeline
from tr_desktop.errors import ExportError
from tr_desktop.moments import Media, Moment


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
    if format_name in WAYS:
        return _cut(
            moments,
            out,
            format_name,
            handles_s=handles_s,
            cfr=cfr,
            library=guard.library,
            relatives=relatives,
            on_progress=on_progress,
        )
    timeline, made = lay_out(
        moments,
        name=name,
        handles_s=handles_s,
        start_tc=start_tc,
        converted=cfr_folder(out) if cfr else None,
        library=guard.library,
        relatives=relatives,
        on_progress=on_progress,
    )
    written = export_timeline(timeline, out, format_name, guard)
    return ExportReport(
        files=(*written.files, *made.files),
        notes=(*made.notes, *written.notes),
        failures=made.failures,
        left_out=written.left_out,
    )


def lay_out(
    moments: Sequence[Moment],
    *,
    name: str,
    handles_s: Fraction = Fraction(0),
    start_tc: str = "01:00:00:00",
    converted: Path | None = None,
    library: Library | None = None,
    relatives: Relatives | None = None,
    on_progress: ClipProgress | None = None,
) -> tuple[Timeline, ExportReport]:
    """The timeline of `moments`, and a report on their files: converted ones, notes and failures.

    converted: the folder for footage of variable rate at a constant one, or None to leave it as it is. library: knows
    what was searched. relatives, on_progress, ExportError: as for `hand_off`.
    """
    is_read = converted is not None and any(moment.media.is_vfr for moment in moments)
    sources = check_sources(_searched(moments), library, are_read=is_read)
    exchanged = exchange(moments, relatives, are_cut=False)
    laid: Sequence[Moment] = exchanged.moments
    made = ExportReport((), ())
    if converted is not None:
        laid, made = make_cfr(laid, converted, handles_s=handles_s, on_progress=on_progress)
    timeline = timeline_from_moments(
        laid,
        name=name,
        handles_s=handles_s,
        start_tc=start_tc,
        proxies=exchanged.proxies,
        neighbours=relatives,
        searched=moments,
    )
    sources += check_sources((clip.media for clip in timeline.clips if not clip.part), library, are_read=False)
    return timeline, replace(made, notes=(*sources, *exchanged.notes, *made.notes))


def _cut(
    moments: Sequence[Moment],
    out: Path,
    way: str,
    *,
    handles_s: Fraction,
    cfr: bool,
    library: Library | None,
    relatives: Relatives | None,
    on_progress: ClipProgress | None,
) -> ExportReport:
    check_sources(_searched(moments), library, are_read=True)
    exchanged = exchange(moments, relatives, are_cut=True)
    handles = (event for moment in exchanged.moments for event in events(moment, handles_s, relatives))
    check_sources((event.moment.media for event in handles if not event.part), library, are_read=True)
    made = export_clips(
        exchanged.moments,
        out,
        preset_name=way,
        handles_s=handles_s,
        cfr=cfr,
        neighbours=relatives,
        on_progress=on_progress,
    )
    return replace(made, notes=(*exchanged.notes, *made.notes))


def _searched(moments: Sequence[Moment]) -> list[Media]:
    return [part.footage.media for moment in moments for part in moment.parts]
