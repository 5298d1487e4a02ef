"""The refiner: dense rough answers, then one shared block that moves both edges, step by step.

Notable choices:
- It reads signals that don't depend on the encoder (`refine/signals.py`) and compares a file's vectors only with each
  other, by products without weights: it works with any encoder of any width.
- Frames carry real times. A step reads the signals at times around both edges, inside and outside, interpolated between
  frames. Its `reach`, an input, sets the span it reads and how far it may move an edge. The same block thus works on a
  coarse index with a reach of seconds and on single frames with a reach of a fraction of a second.
- Steps chain through the segment alone (no hidden state), so refinement can stop, look closer and go on.
- The same weights read each edge from outside to inside; the end edge is the start edge mirrored.
- Each row of the answer rates its own segment: `quality` is the probability that its tIoU reaches 0.5, an edge's
  confidence the probability that it is within EDGE_TOLERANCE_S of the truth.
- The auxiliary head predicts the final truth from every step's state and exists in training only (TimeRefine, Wang et
  al., arXiv 2412.09601).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tr_desktop.limits import MAX_STEPS
from tr_desktop.refine.signals import NAMES

WIDTH = 64
STATE = 128
DILATIONS = (1, 2, 4, 8, 16, 32)
EDGE_POINTS = 17  # odd: one stands on the edge itself
INSIDE_POINTS = 8
OUTSIDE_POINTS = 4
EDGE_TOLERANCE_S = 0.5
SHORTEST_S = 0.02
SURE = 0.9
# Moves smaller than this share of the reach are not made: an edge that is nearly right stays.
STILL = 0.06


@dataclass(frozen=True)
class Steps:
    """The block's output for the segment it was given and for those that follow: K + 1 rows each.

    segments: [B, M, K + 1, 2] seconds. quality: [B, M, K + 1], edges: [B, M, K + 1, 2], both logits. bounds: [B, M, K +
    1, 2, 2] seconds inwards of each edge; the truth lies between them, beyond each with the probability 1 - SURE.
    final: [B, M, K + 1, 2], the truth that the auxiliary head predicts, as shares of the duration.
    """

    segments: Tensor
    quality: Tensor
    edges: Tensor
    bounds: Tensor
    final: Tensor


class Trunk(nn.Module):
    """Signals [B, T, C] to features [B, T, WIDTH]: residual dilated convolutions over frames."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs = nn.Linear(len(NAMES), WIDTH)
        self.convs = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 3, padding=d, dilation=d) for d in DILATIONS)
        self.mixes = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in DILATIONS)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in DILATIONS)

    def forward(self, channels: Tensor, mask: Tensor) -> Tensor:
        x = self.inputs(channels) * mask[..., None]
        for conv, mix, norm in zip(self.convs, self.mixes, self.norms, strict=True):
            local = functional.gelu(conv(x.transpose(1, 2)).transpose(1, 2))
            x = norm(x + mix(local)) * mask[..., None]
        features: Tensor = x
        return features


class RefinerNet(nn.Module):
    """The whole model; about 0.25 M parameters.

    is_chained: steps continue from one another; otherwise every step starts from the rough segment (an ablation).
    samples_locally: otherwise a step reads attention-pooled features of the whole timeline (an ablation).
    is_shared: one block for all steps; otherwise each step has its own (an ablation).
    is_careful: an edge moves only as far as it is SURE not to end up farther from the truth: the block also predicts
    the bounds between which the truth lies, and no move goes beyond twice the nearer one; in training moves are made in
    full (an ablation).
    """

    def __init__(
        self,
        *,
        is_chained: bool = True,
        samples_locally: bool = True,
        is_shared: bool = True,
        is_careful: bool = False,
    ) -> None:
        super().__init__()
        self.is_chained, self.is_careful = is_chained, is_careful
        self.trunk = Trunk()
        self.dense = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, 3))
        copies = 1 if is_shared else MAX_STEPS + 1
        self.blocks = nn.ModuleList(RefineBlock(samples_locally) for _ in range(copies))

    def rough(self, features: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """Score logit [B, T] and segment [B, T, 2] in seconds that each frame votes for."""
        dense = self.dense(features)
        reach = 2 * torch.exp(dense[..., 1:].clamp(-5, 4))
        return dense[..., 0], torch.stack([times - reach[..., 0], times + reach[..., 1]], dim=-1)

    def refine(
        self, features: Tensor, vectors: Tensor, times: Tensor, lengths: Tensor, starts: Tensor, reach: Tensor
    ) -> Steps:
        """features: [B, T, WIDTH]; vectors: [B, T, D]; times: [B, T]; lengths: [B], frames without the padding;
        starts: [B, M, 2] seconds; reach: [B, M, K] seconds."""
        steps, segment, is_careful = reach.shape[2], starts, self.is_careful and not self.training
        rows: list[tuple[Tensor, ...]] = []
        for k in range(steps + 1):
            block = self.blocks[k % len(self.blocks)]
            given = segment.detach() if self.is_chained else starts  # each step learns from its own move only
            moved, *rated = block(features, vectors, times, lengths, given, reach[:, :, min(k, steps - 1)], is_careful)
            rows.append((segment, *rated))
            segment = moved
        return Steps(*(torch.stack(part, dim=2) for part in zip(*rows, strict=True)))


class RefineBlock(nn.Module):
    """One step: rate a segment and move its edges."""

    around: Tensor
    inside: Tensor
    outside: Tensor

    def __init__(self, samples_locally: bool = True) -> None:
        super().__init__()
        point = WIDTH + 3
        self.samples_locally = samples_locally
        self.point = nn.Linear(point, 16)
        self.edge = nn.Linear(16 * EDGE_POINTS, STATE)
        self.side = nn.Parameter(torch.zeros(2, STATE))
        self.context = nn.Linear(3 * point + 8, STATE)
        self.state = nn.Sequential(nn.LayerNorm(3 * STATE), nn.Linear(3 * STATE, STATE), nn.GELU())
        self.move = nn.Sequential(nn.Linear(2 * STATE, STATE), nn.GELU(), nn.Linear(STATE, 4))
        self.quality = nn.Linear(STATE, 1)
        self.auxiliary = nn.Linear(STATE, 2)
        if not samples_locally:
            self.ask = nn.Linear(8, WIDTH)
            self.keys = nn.Linear(WIDTH, WIDTH)
        around = torch.linspace(-1, 1, EDGE_POINTS)
        inside = (torch.arange(INSIDE_POINTS) + 0.5) / INSIDE_POINTS
        outside = (torch.arange(OUTSIDE_POINTS) + 1) / OUTSIDE_POINTS
        self.register_buffer("around", around, persistent=False)
        self.register_buffer("inside", inside, persistent=False)
        self.register_buffer("outside", outside, persistent=False)

    def forward(
        self,
        features: Tensor,
        vectors: Tensor,
        times: Tensor,
        lengths: Tensor,
        segment: Tensor,
        reach: Tensor,
        is_careful: bool,
    ) -> tuple[Tensor, ...]:
        start, end = segment[..., 0], segment[..., 1]  # [B, M]
        width = (end - start).clamp(min=SHORTEST_S)
        first, last = times[:, :1], torch.gather(times, 1, lengths[:, None] - 1)  # [B, 1]
        far = torch.maximum(width, reach)[..., None]
        at = torch.cat(
            [
                start[..., None] + reach[..., None] * self.around,
                end[..., None] - reach[..., None] * self.around,  # mirrored: from outside to inside
                start[..., None] + width[..., None] * self.inside,
                start[..., None] - far * self.outside,
                end[..., None] + far * self.outside,
            ],
            dim=-1,
        )  # [B, M, P]
        e, i = EDGE_POINTS, INSIDE_POINTS
        off = torch.relu(first[..., None] - at) + torch.relu(at - last[..., None])
        low, high, share = places(at, times, lengths)
        looks = _interpolate(vectors, low, high, share)  # [B, M, P, D]
        within, beyond = looks[:, :, 2 * e : 2 * e + i].mean(2), looks[:, :, 2 * e + i :].mean(2)  # [B, M, D]
        means = functional.normalize(torch.stack([within, beyond], -1), dim=2)  # [B, M, D, 2]
        points = torch.cat(
            [
                _interpolate(features, low, high, share),
                looks @ means,  # how alike the segment, and what lies outside; less where two shots are blended
                torch.tanh(off / reach[..., None])[..., None],
            ],
            dim=-1,
        )  # [B, M, P, WIDTH + 3]
        duration = (last + 1e-3).expand_as(width)
        scalars = torch.stack(
            [
                torch.log(width) / 4,
                torch.log(reach) / 4,
                torch.log(width / reach) / 4,
                torch.log(duration) / 4,
                start / duration,
                end / duration,
                torch.tanh(width / duration),
                torch.ones_like(width),
            ],
            dim=-1,
        )
        if not self.samples_locally:
            points = self._attended(points, features, scalars, lengths)
        parts = points[:, :, 2 * e : 2 * e + i], points[:, :, 2 * e + i : 2 * e + i + 4], points[:, :, 2 * e + i + 4 :]
        context = self.context(torch.cat([*(part.mean(2) for part in parts), scalars], -1))
        tokens = functional.gelu(self.point(points[:, :, : 2 * e])).reshape(*segment.shape, -1)  # [B, M, 2, 16·E]
        edges = functional.gelu(self.edge(tokens) + self.side)  # [B, M, 2, STATE]
        state = self.state(torch.cat([edges.flatten(2), functional.gelu(context)], -1))  # [B, M, STATE]
        both = self.move(torch.cat([edges, state[:, :, None].expand_as(edges)], -1))  # [B, M, 2, 4]
        apart = functional.softplus(both[..., 2:])
        share, low, high = (
            torch.tanh(both[..., 0] + beside) for beside in (torch.zeros(()), -apart[..., 0], apart[..., 1])
        )
        bounds = reach[..., None, None] * torch.stack([low, high], -1)
        if is_careful:
            share = torch.where(
                share > 0, torch.minimum(share, (2 * low).clamp(min=0)), torch.maximum(share, (2 * high).clamp(max=0))
            )
        inwards = reach[..., None] * _shrink(share)
        moved = torch.stack([start + inwards[..., 0], end - inwards[..., 1]], -1)
        moved = torch.maximum(torch.minimum(moved, last[..., None]), first[..., None])
        middle = moved.mean(-1, keepdim=True)
        half = ((moved[..., 1:] - moved[..., :1]) / 2).clamp(min=SHORTEST_S / 2)
        moved = torch.cat([middle - half, middle + half], -1)
        return moved, self.quality(state)[..., 0], both[..., 1], bounds, torch.sigmoid(self.auxiliary(state))

    def _attended(self, points: Tensor, features: Tensor, scalars: Tensor, lengths: Tensor) -> Tensor:
        """Every sampling point replaced by one attention-pooled reading of the timeline (the ablation)."""
        real = torch.arange(features.shape[1])[None] < lengths[:, None]
        logits = self.ask(scalars) @ self.keys(features).transpose(1, 2) / WIDTH**0.5  # [B, M, T]
        pooled = torch.softmax(logits.masked_fill(~real[:, None], -1e4), -1) @ features
        pooled = torch.cat([pooled, torch.zeros_like(points[:, :, 0, :3])], -1)
        return pooled[:, :, None].expand_as(points)


def places(at: Tensor, times: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The frames before and after each moment `at` [B, M, P] of `times` [B, T], as rows of [B · T], and the share of
    the later one. Moments outside the timeline fall on its first or last frame; frames from `lengths` [B] on are
    padding."""
    last = (lengths - 1)[:, None, None]
    before = (times[:, None, None] <= at[..., None]).to(times.dtype)
    low = (before @ torch.ones_like(times)[:, None, :, None]).squeeze(-1).to(torch.int64) - 1  # counts, fast in ONNX
    low = torch.minimum(low.clamp(min=0), last)
    high = torch.minimum(low + 1, last)
    row = (torch.arange(len(lengths)) * times.shape[1])[:, None, None]
    flat = times.flatten()
    then = flat[low + row]
    share = ((at - then) / (flat[high + row] - then).clamp(min=1e-4)).clamp(0, 1)
    return low + row, high + row, share[..., None]


def _interpolate(rows: Tensor, low: Tensor, high: Tensor, share: Tensor) -> Tensor:
    """rows [B, T, X] between the frames `low` and `high`: [B, M, P, X]."""
    flat = rows.flatten(0, 1)
    return (1 - share) * flat[low] + share * flat[high]


def _shrink(share: Tensor) -> Tensor:
    return share - share.clamp(-STILL, STILL)
