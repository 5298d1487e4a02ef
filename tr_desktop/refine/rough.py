"""Rough segments: the windows of a similarity curve that stand out from the rest of the file.

A window's worth is the mean similarity inside minus the mean outside (the static score of TFVTG, Zheng et al., ECCV
2024), times a power of its length: the plain difference alone always prefers the single highest frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# Half-way between the plain difference (0) and the two-level least-squares fit of the curve (1/2).
LENGTH_POWER = 0.3
# A longer file is read only near its best windows and this many peaks, up to AROUND_S away, seconds.
READ_WHOLE_S = 600.0
PEAKS = 10
AROUND_S = 30.0
# Of two votes that overlap more than this (tIoU), the weaker is dropped.
MAX_OVERLAP = 0.5
# Windows of up to this many frames are tried at every length; longer ones at lengths 8 % apart.
EVERY_LENGTH_UP_TO = 64


def smooth(curve: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The curve [T] with each frame averaged 1-2-1 with its neighbours; the ends repeat themselves."""
    padded = np.pad(curve, 1, mode="edge")
    return ((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4).astype(np.float32)


def contrast(curve: npt.NDArray[np.float32], start: int, end: int) -> float:
    """Mean of `curve` [T] inside [start, end) minus the mean outside; 0 if nothing is outside."""
    outside = len(curve) - (end - start)
    if outside == 0:
        return 0.0
    inside = float(curve[start:end].sum())
    return inside / (end - start) - (float(curve.sum()) - inside) / outside


def rough_segments(curve: npt.NDArray[np.float32], limit: int) -> list[tuple[int, int]]:
    """At most `limit` non-overlapping windows [start, end) of `curve` [T], best first.

    The answer is the whole file if it is too short to have an outside, or its curve is flat.
    """
    frames, lengths = len(curve), np.array(_lengths(len(curve)), np.intp)
    if not len(lengths):
        return [(0, frames)]
    sums = np.concatenate([[0.0], np.cumsum(smooth(curve), dtype=np.float64)])
    counts = frames - lengths + 1  # windows of each length, one after another in `worth`
    firsts = np.concatenate([[0], np.cumsum(counts)])
    worth = np.empty(firsts[-1])
    for length, first, count in zip(lengths, firsts, counts, strict=False):
        inside = (sums[length:] - sums[:-length]) / length
        outside = (sums[-1] - inside * length) / max(frames - length, 1)
        worth[first : first + count] = (inside - outside) * (length * (frames - length) / frames) ** LENGTH_POWER
    found: list[tuple[int, int]] = []
    while len(found) < limit:
        best = int(np.argmax(worth))
        if worth[best] <= 0:
            break
        row = int(np.searchsorted(firsts, best, side="right")) - 1
        start = best - int(firsts[row])
        end = start + int(lengths[row])
        found.append((start, end))
        for length, first, count in zip(lengths, firsts, counts, strict=False):  # drop overlaps
            worth[first + max(start - length + 1, 0) : first + min(end, count)] = -np.inf
    return found or [(0, frames)]


def strongest_votes(
    votes: npt.NDArray[np.float32], first_s: float, last_s: float, limit: int
) -> npt.NDArray[np.float32]:
    """At most `limit` segments [M, 2] that frames vote for, strongest first and without repetition.

    votes: [T, 3] of chance, start_s, end_s. first_s, last_s: segments are clipped to these.
    """
    segments = votes[np.argsort(-votes[:, 0])][:, 1:]
    segments = np.clip(segments, first_s, max(last_s, first_s + 0.1))
    kept: list[npt.NDArray[np.floating]] = []
    while len(segments) and len(kept) < limit:
        best, segments = segments[0], segments[1:]
        kept.append(best)
        overlap = np.minimum(segments[:, 1], best[1]) - np.maximum(segments[:, 0], best[0])
        hull = np.maximum(segments[:, 1], best[1]) - np.minimum(segments[:, 0], best[0])
        segments = segments[overlap <= MAX_OVERLAP * hull]
    return np.stack(kept).astype(np.float32)


def worth_reading(
    curve: npt.NDArray[np.float32], windows: Sequence[tuple[int, int]], step_s: float
) -> npt.NDArray[np.intp]:
    """The frames that the refiner reads: all, or in a long file those near its best windows and near its highest peaks.

    curve: [T]. windows: [start, end) from `rough_segments`. step_s: between frames, seconds.
    """
    near = np.full(len(curve), len(curve) * step_s <= READ_WHOLE_S)
    around, apart, heights = round(AROUND_S / step_s), round(AROUND_S / 2 / step_s), smooth(curve)
    for _ in range(0 if near.all() else PEAKS):
        peak = int(np.argmax(heights))
        near[max(peak - around, 0) : peak + around] = True
        heights[max(peak - apart, 0) : peak + apart + 1] = -np.inf
    for start, end in windows:
        near[max(start - around, 0) : end + around] = True
    return np.flatnonzero(near)


def _lengths(frames: int) -> list[int]:
    lengths = list(range(1, min(EVERY_LENGTH_UP_TO, frames - 1) + 1))
    while lengths and (longer := int(lengths[-1] * 1.08) + 1) < frames:
        lengths.append(longer)
    return lengths
