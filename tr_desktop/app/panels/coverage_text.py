"""How much can be searched, as text."""

from __future__ import annotations

from fractions import Fraction

from tr_desktop.app.look.counter import duration_label, plural
from tr_desktop.app.look.translate import tr
from tr_desktop.library.index.counts import Counts


def coverage_line(counts: Counts, searched_s: Fraction) -> str:
    """All of a library in one line. searched_s: the length of the searched footage, seconds."""
    first = plural(
        counts.footage,
        "{searched} of {count} file can be searched, {length}",
        "{searched} of {count} files can be searched, {length}",
        searched=counts.searchable,
        length=duration_label(float(searched_s)),
    )
    return ", ".join([first, *exceptions(counts)])


def exceptions(counts: Counts) -> list[str]:
    """The numbers of files that aren't simply searched."""
    facts = []
    if counts.partial:
        facts.append(tr("{count} partly read", count=counts.partial))
    if counts.coarse:
        facts.append(tr("{count} still being read", count=counts.coarse))
    if counts.waiting:
        facts.append(tr("{count} not indexed yet", count=counts.waiting))
    if counts.refused:
        facts.append(tr("{count} not searched", count=counts.refused))
    if counts.offline:
        facts.append(tr("{count} offline", count=counts.offline))
    return facts
