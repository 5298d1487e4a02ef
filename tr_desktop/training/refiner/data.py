"""From composed videos to what the refiner trains on: timelines at three depths, each with noisy starts.

Depth 0 is the index; depth 1 adds the first look around both edges of a start, depth 2 also the second. Starts follow
TimeRefine's decreasing noise, scaled: seconds on the index, fractions of a second closer. Some starts are wrong on
purpose: the model learns to recognise them and to leave them alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tr_desktop.refine import looks
from tr_desktop.refine.signals import FileView, Signals, signals, view_file
from tr_desktop.training import defaults
from tr_desktop.training.metrics import temporal_iou
from tr_desktop.training.refiner.compose import TAKES, ComposedExample, Composer, Video
from tr_desktop.training.refiner.sources import Sources

Rng = np.random.Generator

INDEX_FPS = defaults.INDEX_FPS
# Standard deviations of the noise on the index, seconds (TimeRefine's), never more than this share of the moment.
SIGMAS_S = (5.0, 3.0, 1.0)
SIGMA_SHARE = 0.5
CLOSER_SIGMA_S = {1: 0.4, 2: 0.06}
WRONG_STARTS = 0.25
STARTS = 4  # segments refined at once in each timeline
INDEX_STEPS = 3
CLOSER_STEPS = 2
BACKGROUND = 512


@dataclass(frozen=True)
class TrainingTimeline:
    """The signals of one video for one query.

    windows_s: true windows [W, 2]. depth: 0 on the index, then the number of looks. centre_s: [2], the segment looked
    closer at, or None on the index. step_s: between indexed frames. frame_s: between frames of the footage.
    """

    signals: Signals
    windows_s: npt.NDArray[np.float32]
    depth: int
    step_s: float
    frame_s: float
    centre_s: npt.NDArray[np.float32] | None = None


def starts_s(video: Video) -> npt.NDArray[np.float64]:
    """When each frame starts to be shown, and the end: [frames + 1]."""
    return np.arange(video.frames + 1) / video.rate_fps


def read_signals(video: Video, frames: npt.NDArray[np.int64], view: FileView) -> Signals:
    """Signals at these frames."""
    return signals(video.vectors(frames), frames / video.rate_fps, view)


def file_view(example: ComposedExample, index: npt.NDArray[np.int64], background: npt.NDArray[np.float32]) -> FileView:
    """The example's query against its indexed frames `index` [T]."""
    return view_file(example.video.vectors(index), example.query_vector, background, example.video.duration_s)


def timelines(example: ComposedExample, background: npt.NDArray[np.float32], rng: Rng) -> list[TrainingTimeline]:
    """The example at each depth: the index, and closer around noisy (sometimes wrong) segments."""
    video, fps = example.video, float(rng.choice(INDEX_FPS))
    index = video.index_frames(fps)
    view = file_view(example, index, background)
    windows = np.array(example.windows_s, np.float32).reshape(-1, 2)
    made = [TrainingTimeline(read_signals(video, index, view), windows, 0, 1 / fps, 1 / video.rate_fps)]
    shown = starts_s(video)
    for depth, sigma in CLOSER_SIGMA_S.items():
        centre = _centre(windows, video, sigma, rng)
        frames = [index, *(looks.first_look(shown, float(edge), 1 / fps) for edge in centre)]
        if depth == 2:
            frames += [looks.second_look(shown, float(edge)) for edge in centre]
        seen = read_signals(video, np.unique(np.concatenate(frames)), view)
        made.append(TrainingTimeline(seen, windows, depth, 1 / fps, 1 / video.rate_fps, centre))
    return made


def _centre(windows: npt.NDArray[np.float32], video: Video, sigma: float, rng: Rng) -> npt.NDArray[np.float32]:
    """A true window, or for WRONG_STARTS something else that happens or is shown, with noise on its edges."""
    if len(windows) and rng.random() >= WRONG_STARTS:
        window = windows[int(rng.integers(len(windows)))].astype(np.float64)
    elif video.events and rng.random() < 0.7:
        event = video.events[int(rng.integers(len(video.events)))]
        window = np.array([event.start, event.end]) / video.rate_fps
    else:
        first = int(rng.integers(len(video.shots)))
        last = min(first + int(rng.integers(1, 3)), len(video.shots))
        window = video.starts[[first, last]] / video.rate_fps
    return _ordered(window + rng.normal(0, sigma, 2), video.duration_s)


def sample_starts(
    timeline: TrainingTimeline, count: int, sigmas_s: Sequence[float], rng: Rng
) -> npt.NDArray[np.float32]:
    """`count` noisy segments to refine, [count, 2] seconds."""
    duration = float(timeline.signals.times_s[-1]) + timeline.step_s
    made = []
    for number in range(count):
        if timeline.centre_s is not None:
            segment = timeline.centre_s + rng.normal(0, CLOSER_SIGMA_S[timeline.depth] / 3, 2)
        elif len(timeline.windows_s) and rng.random() >= WRONG_STARTS:
            window = timeline.windows_s[int(rng.integers(len(timeline.windows_s)))]
            sigma = min(sigmas_s[number % len(sigmas_s)], SIGMA_SHARE * float(window[1] - window[0]) + timeline.step_s)
            segment = window + rng.normal(0, sigma, 2)
        else:
            width = float(np.exp(rng.uniform(0, np.log(max(min(40.0, duration / 2), 1.5)))))
            start = rng.uniform(0, max(duration - width, 0.1))
            segment = np.array([start, start + width])
        made.append(_ordered(segment, duration))
    return np.stack(made)


def _ordered(segment: npt.NDArray[np.floating], duration: float) -> npt.NDArray[np.float32]:
    start, end = sorted(np.clip(segment, 0, duration).tolist())
    return np.array([start, max(end, start + 0.04)], np.float32)


def reach_s(timeline: TrainingTimeline, segments: npt.NDArray[np.float32], steps: int) -> npt.NDArray[np.float32]:
    """How far each step may move the edges at this depth: [M, steps] seconds."""
    if timeline.depth == 0:
        return looks.index_reach_s(segments, timeline.step_s, steps)
    first = looks.LOOK_REACH_S if timeline.depth == 1 else looks.FINE_REACH_FRAMES * timeline.frame_s
    return np.full((len(segments), steps), first, np.float32)


def matched(windows_s: npt.NDArray[np.float32], segments: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """For each segment [M, 2] the window [W, 2] it overlaps most; NaN if it overlaps none."""
    if not len(windows_s):
        return np.full_like(segments, np.nan)
    iou = temporal_iou(segments[:, None], windows_s[None])
    best = windows_s[iou.argmax(axis=1)]
    return np.where(iou.max(axis=1, keepdims=True) > 0, best, np.nan).astype(np.float32)


@dataclass(frozen=True)
class Batch:
    """Timelines padded to one length. channels: [B, T, C]; vectors: [B, T, D]; times: [B, T]; lengths: [B]."""

    timelines: Sequence[TrainingTimeline]
    channels: Tensor
    vectors: Tensor
    times: Tensor
    lengths: Tensor

    @property
    def mask(self) -> Tensor:
        return (torch.arange(self.times.shape[1]) < self.lengths[:, None]).float()


def collate(timelines: Sequence[TrainingTimeline]) -> Batch:
    """Timelines as one batch, padded at the end with times far away."""
    longest = max(len(t.signals.times_s) for t in timelines)
    width = timelines[0].signals.vectors.shape[1]
    channels = torch.zeros(len(timelines), longest, timelines[0].signals.channels.shape[1])
    vectors = torch.zeros(len(timelines), longest, width)
    times = torch.full((len(timelines), longest), 1e6)
    lengths = torch.tensor([len(t.signals.times_s) for t in timelines])
    for row, (timeline, length) in enumerate(zip(timelines, lengths.tolist(), strict=True)):
        channels[row, :length] = torch.from_numpy(timeline.signals.channels)
        vectors[row, :length] = torch.from_numpy(timeline.signals.vectors.astype(np.float32))
        times[row, :length] = torch.from_numpy(timeline.signals.times_s)
    return Batch(timelines, channels, vectors, times, lengths)


def compose_timelines(
    sources: Sources, examples: int, seed: int, duration_s: tuple[float, float], takes: float = TAKES
) -> list[list[TrainingTimeline]]:
    """`examples` composed videos at every depth, grouped by depth: [3][examples]. Vectors are kept in half
    precision."""
    composer, rng = Composer(sources, seed, duration_s, takes), np.random.default_rng(seed + 1)
    by_depth: list[list[TrainingTimeline]] = [[], [], []]
    for _ in range(examples):
        for timeline in timelines(composer.example(), sources.background, rng):
            half = timeline.signals.vectors.astype(np.float16)
            kept = Signals(timeline.signals.times_s, timeline.signals.channels, half)  # type: ignore[arg-type]
            by_depth[timeline.depth].append(
                TrainingTimeline(
                    kept, timeline.windows_s, timeline.depth, timeline.step_s, timeline.frame_s, timeline.centre_s
                )
            )
    return by_depth
