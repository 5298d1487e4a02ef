"""What an exporter is, and how one is found: by name or by the end of the file name.

Formats are found through the entry-point group `tr_desktop.exporters`: a package that adds an entry adds a format.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from exporters.timeline import Timeline
from tr_desktop.errors import ExportError

GROUP = "tr_desktop.exporters"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exporter:
    """One format.

    name: what `--format` takes; title: what a person reads; suffix: how its file names end, lower case, with the dot.
    render: a pure function from timeline to file content; text is written as UTF-8, line ends as given.
    fidelity: what the format keeps, by subject. one_rate: `render` takes only timelines whose clips share one rate.
    """

    name: str
    title: str
    suffix: str
    render: Callable[[Timeline], str | bytes]
    fidelity: Mapping[str, str]
    one_rate: bool = True


def formats() -> dict[str, Exporter]:
    """Every format that is installed, by name. One that fails to load is left out, with a warning in the log."""
    found: dict[str, Exporter] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            exporter = entry.load()
        except (ImportError, AttributeError) as error:
            _log.warning("The export format %s doesn't load: %s", entry.name, error)
            continue
        found.setdefault(exporter.name, exporter)
    return found


def find_format(out: Path, name: str | None = None) -> Exporter:
    """The exporter called `name`, or else the one with the longest suffix that `out` ends with. ExportError: none."""
    known = formats()
    if name is not None:
        if name not in known:
            raise ExportError(f"There is no export format {name!r}", remedy=f"Known formats: {', '.join(known)}")
        return known[name]
    fitting = [exporter for exporter in known.values() if out.name.lower().endswith(exporter.suffix)]
    if not fitting:
        endings = ", ".join(sorted(exporter.suffix for exporter in known.values()))
        raise ExportError(
            "The file name tells no export format", path=out, remedy=f"End it with one of {endings}, or name the format"
        )
    return max(fitting, key=lambda exporter: len(exporter.suffix))
