"""What an exporter is, and how other packages add theirs: with an entry point in the group `tr_desktop.exporters`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points

from exporters.timeline import Timeline

GROUP = "tr_desktop.exporters"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exporter:
    """One format.

    name: the value of `--format`; title: its name in the app; suffix: the end of its file names, lower case, with the
    dot. render: a pure function from timeline to file content; text is written as UTF-8, with line ends as given.
    fidelity: what the format keeps, by subject. one_rate: `render` takes only timelines whose clips share one rate.
    """

    name: str
    title: str
    suffix: str
    render: Callable[[Timeline], str | bytes]
    fidelity: Mapping[str, str]
    one_rate: bool = True


def added_formats() -> list[Exporter]:
    """The formats that other packages add, by entry name. One that fails to load is left out, with a log line."""
    added = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            exporter = entry.load()
        except (ImportError, AttributeError) as error:
            _log.warning("The export format %s doesn't load: %s", entry.name, error)
            continue
        if isinstance(exporter, Exporter):
            added.append(exporter)
        else:
            _log.warning("The export format %s is not an Exporter but %r", entry.name, exporter)
    return added
