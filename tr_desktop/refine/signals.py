"""The refiner's input: per-frame signals that every dual encoder can give, never its raw vectors.

Notable choices. Frames carry their real times and need not be evenly spaced: the same signals serve the coarse index
and the index with dense frames added around an edge. Vectors are centred on the file's mean, which removes each
encoder's own cone. Similarity is measured in standard deviations: those of the query's similarity to unrelated
pictures, and those of this file's curve. Values of the whole file are taken once from the index (`FileView`): a signal
keeps its meaning when frames are added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# Spans over which the frames before a frame are compared with those after it: in frames, in seconds.
SPANS_FRAMES = (1, 4)
SPANS_S = (2.0, 8.0)
SMOOTH_S = 2.0
NAMES = (
    "background_z",  # similarity against the query's similarity to unrelated pictures
    "file_z",  # similarity against this file's curve
    "smooth_z",  # the same, averaged over SMOOTH_S
    "below_peak",  # how far below the file's best frame
    "best_z",  # the file's best frame against unrelated pictures; the same for all frames
    "like_peak",  # picture like that of the best frame
    "steadiness",  # picture like those around it
    *(f"change_{n}_frames" for n in SPANS_FRAMES),  # picture changes here, comparing n frames before and after
    *(f"change_{s:g}_s" for s in SPANS_S),
    "outstanding_change",  # change_1_frames against those of the neighbourhood
    *(f"rise_{n}_frames" for n in SPANS_FRAMES),  # similarity rises here
    *(f"rise_{s:g}_s" for s in SPANS_S),
    "log_step_before",
    "log_step_after",
    "position",
    "log_duration",
)


@dataclass(frozen=True)
class FileView:
    """One query's view of a whole file.

    query: fp32 [D]. mean, peak: fp32 [D], the mean vector and the best frame's centred one. background_mean,
    background_std: of the query's similarity to unrelated pictures. curve_mean, curve_std, curve_max: of its similarity
    to this file's indexed frames. duration_s: of the file.
    """

    query: Floats
    mean: Floats
    peak: Floats
    background_mean: float
    background_std: float
    curve_mean: float
    curve_std: float
    curve_max: float
    duration_s: float


@dataclass(frozen=True)
class Signals:
    """The refiner's input for T frames.

    times_s: fp32 [T], increasing. channels: fp32 [T, len(NAMES)]. vectors: fp32 [T, D], centred and L2-normalised, by
    which the refiner measures how alike two moments of the file look.
    """

    times_s: Floats
    channels: Floats
    vectors: Floats


def view_file(
    vectors: npt.NDArray[np.floating], query: Floats, background: npt.NDArray[np.floating], duration_s: float
) -> FileView:
    """vectors: [T, D] of the indexed frames; query: [D]; background: [N, D] of unrelated pictures; all
    L2-normalised."""
    rows, unrelated = np.asarray(vectors, np.float32), np.asarray(background, np.float32) @ query
    curve, mean = rows @ query, rows.mean(axis=0)
    best = int(np.argmax(np.convolve(curve, (0.25, 0.5, 0.25), "same"))) if len(curve) > 2 else int(np.argmax(curve))
    return FileView(
        query=query.astype(np.float32),
        mean=mean,
        peak=_centred(rows[best : best + 1], mean)[0],
        background_mean=float(unrelated.mean()),
        background_std=max(float(unrelated.std()), 1e-3),
        curve_mean=float(curve.mean()),
        curve_std=max(float(curve.std()), 1e-3),
        curve_max=float(curve.max()),
        duration_s=float(duration_s),
    )


def signals(vectors: npt.NDArray[np.floating], times_s: npt.ArrayLike, view: FileView) -> Signals:
    """vectors: [T, D], L2-normalised, of frames shown at times_s [T], increasing."""
    rows = np.asarray(vectors, np.float32)
    times = np.asarray(times_s, np.float64)
    frames = len(rows)
    curve = (rows @ view.query - view.curve_mean) / view.curve_std
    centred = _centred(rows, view.mean)
    # In single precision: sums over a few seconds are differences of near neighbours, and the passes over memory count.
    sums = np.zeros((frames + 1, rows.shape[1]), np.float32)
    for frame in range(frames):  # np.cumsum along this axis takes four times as long
        np.add(sums[frame], centred[frame], out=sums[frame + 1])
    curve_sums = np.concatenate([[0.0], np.cumsum(curve, dtype=np.float64)])
    here = np.arange(frames)
    around = _span_s(times, SMOOTH_S / 2)

    def change(before: npt.NDArray[np.intp], after: npt.NDArray[np.intp]) -> Floats:
        left, right = sums[:-1] - sums[before], sums[after] - sums[:-1]
        unlike = 1 - _dots(left, right) / np.maximum(np.sqrt(_dots(left, left) * _dots(right, right)), 1e-9)
        return np.where(before < here, unlike, 1).astype(np.float32)

    def rise(before: npt.NDArray[np.intp], after: npt.NDArray[np.intp]) -> Floats:
        left = (curve_sums[here] - curve_sums[before]) / np.maximum(here - before, 1)
        right = (curve_sums[after] - curve_sums[here]) / (after - here)
        return np.where(before < here, right - left, 0).astype(np.float32)

    spans = [(np.maximum(here - n, 0), np.minimum(here + n, frames)) for n in SPANS_FRAMES]
    spans += [_before_after_s(times, span_s) for span_s in SPANS_S]
    changes = [change(*span) for span in spans]
    local = sums[around[1]] - sums[around[0]]
    step = np.diff(times, prepend=times[0] - (times[1] - times[0] if frames > 1 else 1.0))
    best_z = (view.curve_max - view.background_mean) / view.background_std
    columns = [
        (curve * view.curve_std + view.curve_mean - view.background_mean) / view.background_std / 2,
        curve,
        (curve_sums[around[1]] - curve_sums[around[0]]) / (around[1] - around[0]),
        curve - (view.curve_max - view.curve_mean) / view.curve_std,
        np.full(frames, best_z / 2),
        centred @ view.peak,
        _dots(local, centred) / np.maximum(np.sqrt(_dots(local, local)), 1e-9),
        *changes,
        _outstanding(changes[0]),
        *(rise(*span) for span in spans),
        np.log(np.maximum(step, 1e-3)),
        np.log(np.maximum(np.append(step[1:], step[-1]), 1e-3)),
        times / view.duration_s,
        np.full(frames, np.log(view.duration_s) / 4),
    ]
    channels = np.clip(np.stack(columns, axis=1), -6, 6).astype(np.float32)
    return Signals(times.astype(np.float32), channels, centred)


def _centred(rows: Floats, mean: Floats) -> Floats:
    moved = rows - mean
    return np.asarray(moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6), np.float32)


def _dots(a: Floats, b: Floats) -> Floats:
    """a, b: [T, D] → [T]."""
    return np.asarray(np.einsum("td,td->t", a, b), np.float32)


def _outstanding(change: Floats, reach: int = 4) -> Floats:
    """How far each frame's change stands above the median of its neighbourhood, `reach` frames either side."""
    padded = np.pad(change, reach, mode="reflect" if len(change) > reach else "edge")
    median = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), axis=1)
    return np.asarray(change - median, np.float32)


def _span_s(times: npt.NDArray[np.float64], reach_s: float) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First and one after last of the frames within `reach_s` of each."""
    return np.searchsorted(times, times - reach_s), np.searchsorted(times, times + reach_s, side="right")


def _before_after_s(times: npt.NDArray[np.float64], span_s: float) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First of the frames less than `span_s` before each, and one after the last less than `span_s` after it.

    At least one frame on each side, if there is one.
    """
    here = np.arange(len(times))
    before = np.minimum(np.searchsorted(times, times - span_s, side="right"), np.maximum(here - 1, 0))
    return before, np.searchsorted(times, times + span_s)
