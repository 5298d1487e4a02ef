"""What the small decoder is shown: a window of a composed video as evenly spaced frames, and where its moment lies.

Frames carry what the refiner reads of them (`refine/signals.py`) and their vectors. A closer window has as many frames
as a whole video, so they are denser. Videos whose query holds exactly once are used, since an answer is one segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tr_desktop.refine.signals import FileView, signals, view_file
from tr_desktop.training.refiner.evaluate import Case, composed_cases
from tr_desktop.training.refiner.sources import Sources

FRAMES = 32
LENGTH_S = (10.0, 64.0)  # a grounder is asked about windows of at most 64 s
INDEX_FPS = 2.0
CLOSER = 2.5  # length of a closer window, in lengths of the answer that it is about
NOISE = 0.25  # standard deviation of the edges that closer windows for training are about, in lengths of the moment
BATCH = 100

Span = tuple[float, float]  # seconds


@dataclass(frozen=True)
class Windows:
    """Windows of videos, each with its query. frames: [B, FRAMES, D + C], vectors and signals; query:
    [B, D]; truth: [B, 2], the moment's edges as shares of the window; lengths_s: [B]."""

    frames: Tensor
    query: Tensor
    truth: Tensor
    lengths_s: Tensor

    def __len__(self) -> int:
        return len(self.truth)

    def __getitem__(self, which: Tensor) -> Windows:
        return Windows(self.frames[which], self.query[which], self.truth[which], self.lengths_s[which])


def joined(parts: Sequence[Windows]) -> Windows:
    """All windows of `parts` in one."""
    tensors = ((part.frames, part.query, part.truth, part.lengths_s) for part in parts)
    return Windows(*(torch.cat(each) for each in zip(*tensors, strict=True)))


def single_moments(sources: Sources, number: int, seed: int, takes: float) -> Iterator[Case]:
    """`number` composed videos whose query holds exactly once, the same for the same seed."""
    for part in count():
        for case in composed_cases(sources, BATCH, 1000 * seed + part, INDEX_FPS, LENGTH_S, takes):
            if len(case.windows_s) == 1:
                yield case
                number -= 1
                if not number:
                    return


def whole(case: Case) -> Span:
    """The window that shows all of the video."""
    return 0.0, case.duration_s


def closer(case: Case, answer_s: Span) -> Span:
    """A window of CLOSER times an answer around it, within the video. It is never so short that a frame would be shown
    twice."""
    shortest_s = FRAMES * float(np.diff(case.starts_s).max())
    length_s = min(max(CLOSER * (answer_s[1] - answer_s[0]), shortest_s), case.duration_s)
    start_s = min(max(sum(answer_s) / 2 - length_s / 2, 0.0), case.duration_s - length_s)
    return start_s, start_s + length_s


def noisy(case: Case, rng: np.random.Generator) -> Span:
    """The moment with noise on its edges: what a closer window in training is about."""
    start_s, end_s = case.windows_s[0]
    edges = np.clip(rng.normal((start_s, end_s), NOISE * (end_s - start_s)), 0, case.duration_s)
    return float(edges.min()), float(edges.max())


def shown(case: Case, spans_s: Sequence[Span], background: npt.NDArray[np.float32]) -> Windows:
    """These windows of the case's video. The signals of all of them are measured against the whole video."""
    start_s, end_s = case.windows_s[0]
    view = view_file(case.look(_frames(case, whole(case))), case.query_vector, background, case.duration_s)
    lengths = torch.tensor([end - start for start, end in spans_s])
    edges = [[(edge - start) / (end - start) for edge in (start_s, end_s)] for start, end in spans_s]
    return Windows(
        torch.stack([_inputs(case, span, view) for span in spans_s]),
        torch.from_numpy(case.query_vector).repeat(len(spans_s), 1),
        torch.tensor(edges).clamp(0, 1),
        lengths,
    )


def _frames(case: Case, span_s: Span) -> npt.NDArray[np.int64]:
    """The frames on screen in the middle of each of FRAMES equal parts of a window."""
    times_s = span_s[0] + (np.arange(FRAMES) + 0.5) / FRAMES * (span_s[1] - span_s[0])
    last = len(case.starts_s) - 2
    return np.clip(np.searchsorted(case.starts_s, times_s, side="right") - 1, 0, last).astype(np.int64)


def _inputs(case: Case, span_s: Span, view: FileView) -> Tensor:
    frames = _frames(case, span_s)
    length_s = span_s[1] - span_s[0]
    # Positions are places in the window: so one model can be asked about the video and about a part of it.
    of_window = replace(view, duration_s=length_s)
    read = signals(case.look(frames), case.starts_s[frames] - span_s[0], of_window)
    # Vectors of length 1 beside signals of about 1 in every number: a decoder learns from the signals first.
    return torch.from_numpy(np.concatenate([read.vectors, read.channels], 1))
