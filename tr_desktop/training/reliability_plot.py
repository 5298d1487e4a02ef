"""Reliability plots as SVG: the share of right answers at each confidence (Guo et al., ICML 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy.typing as npt

from tr_desktop.training.metrics import reliability

SIDE, EDGE, TITLE = 300, 40, 26


@dataclass(frozen=True)
class Panel:
    """One plot. confidence: [N] in [0, 1]; is_right: [N] bool; threshold: a confidence to mark, or None."""

    title: str
    confidence: npt.ArrayLike
    is_right: npt.ArrayLike
    threshold: float | None = None


def reliability_plot(panels: Sequence[Panel]) -> str:
    """The panels side by side: a dot for each tenth of the confidence, as large as the number of answers in it."""
    wide, high = SIDE + 2 * EDGE, SIDE + 2 * EDGE + TITLE
    squares = "\n".join(
        f'<g transform="translate({n * wide} {TITLE})">\n{_square(p)}</g>' for n, p in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide * len(panels)} {high}" '
        'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        f"{squares}\n</svg>\n"
    )


def _square(panel: Panel) -> str:
    ticks = "".join(
        f'<text x="{EDGE + v * SIDE}" y="{EDGE + SIDE + 16}" text-anchor="middle">{v}</text>'
        f'<text x="{EDGE - 6}" y="{EDGE + (1 - v) * SIDE + 4}" text-anchor="end">{v}</text>'
        for v in (0, 0.5, 1)
    )
    dots = "".join(
        f'<circle cx="{EDGE + some.confidence * SIDE:.1f}" cy="{EDGE + (1 - some.accuracy) * SIDE:.1f}" '
        f'r="{2 + some.count**0.5 / 4:.1f}" fill="#3b6ea8"/>\n'
        for some in reliability(panel.confidence, panel.is_right)
    )
    mark, axis = "", "confidence"
    if panel.threshold is not None:
        mark = f'<path d="M{EDGE + panel.threshold * SIDE:.1f} {EDGE}v{SIDE}" stroke="#c33"/>\n'
        axis += " (red: threshold)"
    return (
        f'<text x="{EDGE}" y="{EDGE - 26}" font-weight="bold">{panel.title}</text>\n'
        f'<text x="{EDGE}" y="{EDGE - 10}">share of right answers</text>\n'
        f'<rect x="{EDGE}" y="{EDGE}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>\n'
        f'<path d="M{EDGE} {EDGE + SIDE}L{EDGE + SIDE} {EDGE}" stroke="#999" stroke-dasharray="4"/>\n'
        f"{mark}{ticks}\n{dots}"
        f'<text x="{EDGE + SIDE / 2}" y="{EDGE + SIDE + 34}" text-anchor="middle">{axis}</text>\n'
    )
