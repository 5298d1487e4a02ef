"""All export formats, and how one is found: by its name or by how the file name ends."""

from __future__ import annotations

import logging
from pathlib import Path

from exporters import (
    ale,
    captions,
    edl,
    edl_markers,
    fcpxml,
    fcpxml_selects,
    handover,
    mlt,
    otio,
    table,
    xmeml,
    xmeml_selects,
)
from exporters.registry import Exporter, added_formats
from tr_desktop.errors import ExportError

BUILT_IN = (
    edl.EXPORTER,
    edl.EXPORTER_32,
    edl.EXPORTER_ASCII,
    edl_markers.EXPORTER,
    xmeml.EXPORTER,
    xmeml_selects.EXPORTER,
    fcpxml.EXPORTER,
    fcpxml_selects.EXPORTER,
    otio.EXPORTER,
    otio.EXPORTER_ZIP,
    ale.EXPORTER,
    mlt.EXPORTER,
    table.EXPORTER_CSV,
    table.EXPORTER_TSV,
    table.EXPORTER_JSON,
    handover.EXPORTER_JSON,
    handover.EXPORTER_LUA,
    captions.EXPORTER_SRT,
    captions.EXPORTER_CHAPTERS,
)
"""Cut lists and timelines first, then tables, then texts."""

_log = logging.getLogger(__name__)


def formats() -> dict[str, Exporter]:
    """Every format by name: the built-in ones, then those that other packages add under names of their own."""
    known = {exporter.name: exporter for exporter in BUILT_IN}
    for exporter in added_formats():
        if known.setdefault(exporter.name, exporter) is not exporter:
            _log.warning("An added export format is left out: there is already one called %s", exporter.name)
    return known


def find_format(out: Path, name: str | None = None) -> Exporter:
    """The format called `name`, or else the one with the longest suffix that `out` ends with.

    ExportError: there is no such format, or `out` has no known suffix.
    """
    known = formats()
    if name is not None:
        if name not in known:
            raise ExportError(f"There is no export format {name!r}", remedy=f"Known formats: {', '.join(known)}")
        return known[name]
    fitting = [exporter for exporter in known.values() if out.name.lower().endswith(exporter.suffix)]
    if not fitting:
        suffixes = ", ".join(sorted(exporter.suffix for exporter in known.values()))
        raise ExportError(
            "Can't tell the export format from the file name",
            path=out,
            remedy=f"End it with one of {suffixes}, or name the format",
        )
    return max(fitting, key=lambda exporter: len(exporter.suffix))
