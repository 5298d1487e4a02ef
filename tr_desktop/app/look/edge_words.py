"""How far an edge can be believed, as text."""

from __future__ import annotations

from tr_desktop.app.look.counter import percent
from tr_desktop.app.look.translate import tr
from tr_desktop.confidence import Edge


def edge_word(edge: Edge) -> str:
    words = {Edge.EXACT: tr("exact cut"), Edge.SOFT: tr("soft"), Edge.CHECK: tr("check")}
    return words[edge]


def believed(position: str, edge: Edge | None, confidence: float | None) -> str:
    """An edge's position with its word and its confidence in [0, 1], if it has a word."""
    if edge is None or confidence is None:
        return position
    return tr("{edge}: {word} (confidence {percent})", edge=position, word=edge_word(edge), percent=percent(confidence))
