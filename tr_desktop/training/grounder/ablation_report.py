"""The ablation's tables, as Markdown: mean ± deviation over the seeds, intervals by drawing test videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tr_desktop.training import metrics
from tr_desktop.training.grounder.ablation import DIRECTLY, VARIANTS, Measured

THRESHOLDS = (0.5, 0.7, 0.9)
Runs = Mapping[str, Sequence[Measured]]  # name of a variant → its seeds


def report(runs: Runs, baselines: Mapping[str, Sequence[float]]) -> list[str]:
    """All tables. baselines: name → tIoU of each test video."""
    return [
        *["## Answers", "", *_answers(runs, baselines), ""],
        *["## A second, closer window", "", *_closer(runs), ""],
        *["## Step by step, mIoU", "", *_steps(runs), ""],
        *["## Loss with the video's frames, and how much it rises with another video's, nats a number pair", ""],
        *_losses(runs),
    ]


def _answers(runs: Runs, baselines: Mapping[str, Sequence[float]]) -> list[str]:
    recalls = [f"R1@{threshold:g}" for threshold in THRESHOLDS]
    columns = ["", "compute a step", "in all", "mIoU", *recalls, f"mIoU over {DIRECTLY}"]
    lines = _header(columns)
    for name, iou in baselines.items():
        figures = [f"{figure:.1f}" for figure in _figures(iou)]
        lines.append(_line([name, "", "", f"{figures[0]} {_interval(iou)}", *figures[1:], _over_direct(runs, iou)]))
    for name, seeds in runs.items():
        last = [measured.segments[-1] for measured in seeds]
        figures = _spread([_figures(iou) for iou in last])
        compute = VARIANTS[name].compute
        times = VARIANTS[name].steps(1000) / 1000 * compute
        mean = np.mean(last, axis=0)
        over = "" if name == DIRECTLY else _over_direct(runs, mean)
        first = [name, f"{compute:.2f}", f"{times:.2f}", f"{figures[0]} {_interval(mean)}"]
        lines.append(_line([*first, *figures[1:], over]))
    return lines


def _closer(runs: Runs) -> list[str]:
    recalls = [f"R1@{threshold:g}" for threshold in THRESHOLDS]
    lines = _header(["", "mIoU", *recalls, "gain in mIoU", "R1@0.7 gained", "videos better / worse"])
    for name, seeds in runs.items():
        figures = _spread([_figures(measured.closer) for measured in seeds])
        before, after = (np.mean(part, axis=0) for part in _both(seeds))
        gain = after - before
        recalled = [np.mean(np.array(part) >= 0.7, axis=0) for part in _both(seeds)]
        moved = f"{100 * np.mean(gain > 0.01):.0f} / {100 * np.mean(gain < -0.01):.0f} %"
        gains = [f"{100 * part.mean():+.1f} {_interval(part)}" for part in (gain, recalled[1] - recalled[0])]
        lines.append(_line([name, f"{figures[0]} {_interval(after)}", *figures[1:], *gains, moved]))
    return lines


def _both(seeds: Sequence[Measured]) -> tuple[list[list[float]], list[list[float]]]:
    return [measured.segments[-1] for measured in seeds], [measured.closer for measured in seeds]


def _steps(runs: Runs) -> list[str]:
    several = {name: seeds for name, seeds in runs.items() if len(seeds[0].segments) > 1}
    most = max((len(seeds[0].segments) for seeds in several.values()), default=0)
    each = [f"{part} {step + 1}" for step in range(most) for part in ("rough", "after offsets")]
    lines = _header(["", *each, "unreadable, %"])
    for name, seeds in several.items():
        rows = [
            [100 * float(np.mean(part)) for pair in zip(m.rough, m.segments, strict=True) for part in pair]
            + [100 * m.unreadable]
            for m in seeds
        ]
        lines.append(_line([name, *_spread(rows)]))
    return lines


def _losses(runs: Runs) -> list[str]:
    lines = _header(["", "number", "loss", "rise"])
    for name, seeds in runs.items():
        loss, strange = (np.array([getattr(m, part) for m in seeds]) for part in ("loss", "strange_loss"))
        spreads = zip(VARIANTS[name].form.numbers(), _spread(loss, 2), _spread(strange - loss, 2), strict=True)
        lines += [_line([name, *cells]) for cells in spreads]
    return lines


def _figures(iou: Sequence[float]) -> list[float]:
    """mIoU and recalls, percent."""
    values = np.array(iou)
    return [metrics.mean_iou(values), *metrics.recall_at_1(values, THRESHOLDS).values()]


def _over_direct(runs: Runs, iou: Sequence[float] | metrics.Array) -> str:
    """Mean difference from direct answers to the same videos, with its interval."""
    if DIRECTLY not in runs:
        return ""
    difference = np.asarray(iou) - np.mean([measured.segments[-1] for measured in runs[DIRECTLY]], axis=0)
    return f"{100 * difference.mean():+.1f} {_interval(difference)}"


def _interval(values: Sequence[float] | metrics.Array) -> str:
    low, high = metrics.bootstrap_interval([np.array([value]) for value in values])
    return f"[{100 * low:.1f}, {100 * high:.1f}]"


def _spread(rows: Sequence[Sequence[float]] | metrics.Array, digits: int = 1) -> list[str]:
    """Mean ± deviation of each column of rows [seeds][columns]."""
    spread = zip(np.mean(rows, axis=0), np.std(rows, axis=0), strict=True)
    return [f"{mean:.{digits}f} ± {deviation:.{digits}f}" for mean, deviation in spread]


def _header(columns: Sequence[str]) -> list[str]:
    return [_line(columns), "|" + "---|" * len(columns)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
