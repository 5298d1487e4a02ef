"""What the export panel says before an export: what a format keeps, and what frame rates lead to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from exporters import clips
from exporters.registry import Exporter
from exporters.write import planned_files
from tr_desktop.app.look.counter import plural
from tr_desktop.app.look.translate import tr
from tr_desktop.footage.clips.exact import cfr_rate
from tr_desktop.moments import Media


def what_it_keeps(format_name: str, known: Mapping[str, Exporter]) -> str:
    """Text about a format or a way of cutting clips; a format's is a table."""
    if format_name == clips.LOSSLESS:
        return tr(
            "One file per moment, copied without re-encoding. Footage with few keyframes (H.264, HEVC) can be split"
            " only there: a clip starts at the keyframe before its moment and ends at the one after it, often seconds"
            " longer on each side. For clips exact to the frame, choose another format. Each file is decoded again and"
            " compared with its source."
        )
    if format_name == clips.SMART:
        return tr(
            "One file per moment, exact to the frame. H.264 and HEVC pictures are copied from the first keyframe in the"
            " moment on; only the frames before it, and a few at the end, are re-encoded. Each picture is decoded again"
            " and compared with its source. Footage that can't be joined with encoded pictures is refused with the"
            " reason."
        )
    if format_name in clips.WAYS:
        return tr("One file per moment, exact to the frame. Each file is decoded again and compared with its source.")
    rows = "".join(
        f"<tr><td style='padding-right: 8px'>{escape(subject)}</td><td>{escape(what)}</td></tr>"
        for subject, what in known[format_name].fidelity.items()
    )
    return f"<table>{rows}</table>"


def why_constant(names: Sequence[str]) -> str:
    """Why a constant rate is offered for the files of these names."""
    return plural(
        len(names),
        "{name} has a variable frame rate. Editors place its frames exactly only after they are re-encoded"
        " at a constant one.",
        "{count} files have a variable frame rate. Editors place their frames exactly only after they are"
        " re-encoded at a constant one.",
        name=names[0],
    )


def several_files(exporter: Exporter | None, out: Path, footage: Iterable[Media], cfr: bool) -> str:
    """Names the files of an export to `out` if it writes one for each frame rate; otherwise "".

    exporter: None for clips. cfr: whether footage of variable rate is converted first.
    """
    if exporter is None:
        return ""
    rates = [cfr_rate(media) if cfr and media.is_vfr else media.rate for media in footage]
    files = planned_files(exporter, out, rates)
    if len(files) == 1:
        return ""
    return tr(
        "The selects have several frame rates, and this format holds one per file. The export writes {count} files:"
        " {names}.",
        count=len(files),
        names=", ".join(path.name for path in files),
    )
