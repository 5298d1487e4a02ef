"""What an exporter is, and how other packages add theirs: with an entry point in the group `tr_desktop.exporters`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import entry_points

from exporters.timeline import Timeline
from tr_desktop.timecode import nominal_fps

GROUP = "tr_desktop.exporters"
_log = logging.getLogger(__name__)


def _nothing(timeline: Timeline) -> Iterable[str]:
    return ()


@dataclass(frozen=True)
class Exporter:
    """One format.

    name: the value of `--format`; title: its name in the app; suffix: the end of its file names, lower case, with the
    dot. render: a pure function from timeline to file content; text is written as UTF-8, with line ends as given.
    fidelity: what the format keeps, by subject. one_rate: `render` takes only timelines whose clips share one rate.
    notes: what the format can't hold of a timeline, as sentences for the editor. max_fps: the highest nominal rate that
    its labels can count, or None.
    """

    name: str
    title: str
    suffix: str
    render: Callable[[Timeline], str | bytes]
    fidelity: Mapping[str, str]
    one_rate: bool = True
    notes: Callable[[Timeline], Iterable[str]] = _nothing
    max_fps: int | None = None

    def holds(self, rate: Fraction) -> bool:
        """Whether the format has labels for footage of this rate."""
        return self.max_fps is None or nominal_fps(rate) <= self.max_fps


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
