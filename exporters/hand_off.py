"""From moments to clips or to a file for an editor. The command line and the app both call this."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from exporters.cfr import cfr_folder, make_cfr
from exporters.clips import WAYS, ClipProgress, export_clips, read_far_enough, with_handles
from exporters.formats import find_format
from exporters.ledger import Export
from exporters.originals import FindsOriginals, exchange
from exporters.parts import FindsNeighbours, events, with_segment
from exporters.sources import check_sources
from exporters.target import Guard, check_targets
from exporters.timeline import timeline_from_moments
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
    a constant rate first. relatives: finds the originals of proxies, to which the export then refers, and
    the files that handles run into. on_progress: called while clips are cut; an exception raised in it stops the work.
    Raises ExportError.
    """
    guard = guard or Guard()
    check_target(out, format_name, name=name, guard=guard)
    is_read = format_name in WAYS or (cfr and any(moment.media.is_vfr for moment in moments))
    sources = check_sources(_media_of(moments), guard.library, are_read=is_read)
    exchanged = exchange(moments, relatives, are_cut=format_name in WAYS)
    moments = exchanged.moments
    if format_name in WAYS:
        moments, handles_s = parts_to_cut(moments, handles_s, relatives)
        check_sources(_media_of(moments).keys() - _media_of(exchanged.moments), guard.library, are_read=True)
        made = export_clips(
            moments, out, preset_name=format_name, handles_s=handles_s, cfr=cfr, on_progress=on_progress
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
    handles = (clip.media for clip in timeline.clips if not clip.part)
    sources += check_sources(handles, guard.library, are_read=False)
    written = export_timeline(timeline, out, format_name, guard)
    return ExportReport(
        files=(*written.files, *made.files),
        notes=(*sources, *exchanged.notes, *made.notes, *written.notes),
        failures=made.failures,
        left_out=written.left_out,
    )


def _media_of(moments: Iterable[Moment]) -> dict[Media, None]:
    """Every file of `moments`, in their order."""
    return dict.fromkeys(part.footage.media for moment in moments for part in moment.parts)


def parts_to_cut(
    moments: Sequence[Moment], handles_s: Fraction, neighbours: FindsNeighbours | None
) -> tuple[Sequence[Moment], Fraction]:
    """(moments, handles) of which each is of one file: those that need several files become several, named as parts."""
    split = [events(moment, handles_s, neighbours) for moment in moments]
    if all(len(each) == 1 for each in split):
        return moments, handles_s
    cut = []
    for event in (event for each in split for event in each):
        moment = read_far_enough(event.moment, event.handles_s)
        if event.handles_s:
            moment = with_segment(moment, with_handles(moment, event.handles_s))
        if event.parts > 1 or not event.part:
            said = f"part {event.part} of {event.parts}" if event.part else "handle"
            name = f"{moment.remarks.name or moment.media.path.stem} {said}"
            moment = replace(moment, remarks=replace(moment.remarks, name=name))
        cut.append(moment)
    return cut, Fraction(0)
