"""The figures of every step beside answers by guessing, with bootstrap intervals over whole videos."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tr_desktop.training import metrics
from tr_desktop.training.grounder_evaluation.asking import OF_MODEL, RIGHT, STAGES, Asked, Place
from tr_desktop.training.metrics import Convention

THRESHOLDS = (0.3, 0.5, 0.7)
CONVENTIONS = {"moment-detr": metrics.MOMENT_DETR, "vtimellm": metrics.VTIMELLM, "2d-tan": metrics.TAN_2D}
_RESAMPLES = 400
_HEADER = ("method", *(f"R1@{threshold}" for threshold in THRESHOLDS), "mIoU", "edge error p50 / p90", "no answer")


def table(asked: Sequence[Asked], round_s: float, convention: Convention) -> list[str]:
    """One Markdown row for each method. asked: queries that hold somewhere. A missing answer has a tIoU of 0, and is
    counted. Edge errors are those of hits (tIoU of at least 0.5), in seconds. round_s: edges are rounded to multiples
    of this; 0: not rounded."""
    share = metrics.best_constant([each.windows_s for each in asked], [each.duration_s for each in asked])
    guesses: dict[str, Callable[[float], Place]] = {
        "whole video": metrics.whole_video,
        "centre half": metrics.centre_half,
        "best constant for these videos": lambda duration_s: (share[0] * duration_s, share[1] * duration_s),
    }
    methods: dict[str, list[Place | None]] = {
        **{name: [guess(each.duration_s) for each in asked] for name, guess in guesses.items()},
        **{stage: [each.places[stage] for each in asked] for stage in STAGES},
    }
    lines = [f"| {' | '.join(_HEADER)} |", f"|{'---|' * len(_HEADER)}"]
    for name, places in methods.items():
        rounded = [None if place is None else _rounded(place, round_s) for place in places]
        cells = _cells(asked, rounded, convention)
        missing = f"{sum(place is None for place in places)} of {len(places)}" if name in OF_MODEL else ""
        lines.append(f"| {' | '.join([name, *cells, missing])} |")
    return lines


def _cells(asked: Sequence[Asked], places: Sequence[Place | None], convention: Convention) -> list[str]:
    iou = np.array([metrics.best_iou(place, each.windows_s) for place, each in zip(places, asked, strict=True)])
    groups = _by_video(asked, iou)
    cells = []
    for threshold in THRESHOLDS:
        share = metrics.recall_at_1(iou, (threshold,), convention)[threshold]
        hits = [convention.hits(group, threshold) for group in groups]
        cells.append(_with_interval(share, *metrics.bootstrap_interval(hits, resamples=_RESAMPLES)))
    rounded = [convention.round(group) for group in groups]
    mean = metrics.mean_iou(iou, convention)
    cells.append(_with_interval(mean, *metrics.bootstrap_interval(rounded, resamples=_RESAMPLES)))
    pairs = [
        (edge, true)
        for place, each, fit in zip(places, asked, iou, strict=True)
        if place is not None and fit >= RIGHT
        for edge, true in zip(place, _matched(place, each.windows_s), strict=True)
    ]
    error = metrics.edge_errors([edge for edge, _ in pairs], [true for _, true in pairs])
    return [*cells, f"{error.median:.2f} / {error.p90:.2f} s" if pairs else "–"]


def _by_video(asked: Sequence[Asked], values: metrics.Array) -> list[metrics.Array]:
    groups: dict[str, list[float]] = {}
    for each, value in zip(asked, values, strict=True):
        groups.setdefault(each.video, []).append(float(value))
    return [np.array(group) for group in groups.values()]


def _with_interval(percent: float, low: float, high: float) -> str:
    return f"{percent:.1f} [{100 * low:.0f}, {100 * high:.0f}]"


def _matched(place: Place, windows_s: Sequence[Place]) -> Place:
    return windows_s[int(np.argmax(metrics.temporal_iou(place, np.array(windows_s))))]


def _rounded(place: Place, round_s: float) -> Place:
    if not round_s:
        return place
    start_s, end_s = (round(edge_s / round_s) * round_s for edge_s in place)
    return start_s, end_s
