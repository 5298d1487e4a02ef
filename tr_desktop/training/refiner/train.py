"""Training the refiner: losses and loop.

Losses: a dense head that votes for the moment (focal on the reached tIoU, L1 and gIoU on the ends); then for every
step, later ones weighing more, L1 and gIoU of the moved segment, the chance of being right, trust in each edge;
TimeRefine's auxiliary L1 to the final truth; TAR-TVG's progressive term (arXiv 2508.07683): each step at least as good
as the last.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tr_desktop.training.defaults import ITERATIONS
from tr_desktop.training.refiner.data import (
    CLOSER_STEPS,
    INDEX_STEPS,
    SIGMAS_S,
    STARTS,
    Batch,
    TrainingTimeline,
    collate,
    matched,
    reach_s,
    sample_starts,
)
from tr_desktop.training.refiner.model import EDGE_TOLERANCE_S, SURE, RefinerNet, Steps

LATER = 0.8  # weight of a step beside the next one's
DEPTH_SHARES = (0.6, 0.2, 0.2)
# The unit of errors at each depth, seconds; on the index half the moment's length if that is longer.
SCALES_S = (1.0, 0.4, 0.08)


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a training, and the parts that an ablation leaves out.

    iterations: of `batch` timelines each. rate: the highest learning rate. auxiliary, progressive: weights of these
    losses. sigmas_s: noise of the starts. is_chained and below: see `RefinerNet`.
    """

    iterations: int = ITERATIONS
    batch: int = 16
    rate: float = 1e-3
    seed: int = 0
    index_steps: int = INDEX_STEPS
    own_rough: float = 0.5  # share of starts that are the model's own rough answers
    auxiliary: float = 1.0
    progressive: float = 0.5
    sigmas_s: tuple[float, ...] = SIGMAS_S
    is_chained: bool = True
    samples_locally: bool = True
    is_shared: bool = True
    is_careful: bool = False


def train(
    by_depth: list[list[TrainingTimeline]], recipe: Recipe, log: Callable[[str], None] = lambda _: None
) -> RefinerNet:
    """by_depth: timelines of each depth, as `compose_timelines` makes them."""
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    model = RefinerNet(
        is_chained=recipe.is_chained,
        samples_locally=recipe.samples_locally,
        is_shared=recipe.is_shared,
        is_careful=recipe.is_careful,
    ).train()
    optimiser = torch.optim.AdamW(model.parameters(), recipe.rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda i: min((i + 1) / 100, 0.5 * (1 + math.cos(math.pi * min(i / recipe.iterations, 1))) + 1e-3)
    )
    # Timelines of similar length share a batch, so that little of it is padding.
    lengths = [np.array([len(t.signals.times_s) for t in part]) for part in by_depth]
    began, sums = time.monotonic(), dict[str, float]()
    for iteration in range(recipe.iterations):
        depth = int(rng.choice(3, p=DEPTH_SHARES))
        order = np.argsort(lengths[depth] + rng.uniform(0, 20, len(lengths[depth])))
        at = int(rng.integers(max(len(order) - recipe.batch, 1)))
        batch = collate([by_depth[depth][i] for i in order[at : at + recipe.batch]])
        losses = _losses(model, batch, depth, recipe, rng)
        optimiser.zero_grad(set_to_none=True)
        torch.stack([*losses.values()]).sum().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        for name, value in losses.items():
            key, now = f"{depth}.{name}", float(value.detach())
            sums[key] = 0.98 * sums.get(key, now) + 0.02 * now
        if (iteration + 1) % 100 == 0:
            parts = " ".join(f"{name} {value:.3f}" for name, value in sorted(sums.items()))
            log(f"{iteration + 1} {time.monotonic() - began:.0f} s {parts}")
    return model.eval()


def _losses(model: RefinerNet, batch: Batch, depth: int, recipe: Recipe, rng: np.random.Generator) -> dict[str, Tensor]:
    features = model.trunk(batch.channels, batch.mask)
    losses: dict[str, Tensor] = {}
    starts = np.stack([sample_starts(t, STARTS, recipe.sigmas_s, rng) for t in batch.timelines])  # [B, M, 2]
    if depth == 0:
        score, votes = model.rough(features, batch.times)
        losses |= _dense_losses(score, votes, batch)
        own = _own_rough(score, votes, batch)
        starts = np.where(rng.random((*starts.shape[:2], 1)) < recipe.own_rough, own, starts)
    steps = recipe.index_steps if depth == 0 else CLOSER_STEPS
    reach = np.stack([reach_s(t, s, steps) for t, s in zip(batch.timelines, starts, strict=True)])
    truth = np.stack([matched(t.windows_s, s) for t, s in zip(batch.timelines, starts, strict=True)])
    out = model.refine(
        features,
        batch.vectors,
        batch.times,
        batch.lengths,
        torch.from_numpy(starts).float(),
        torch.from_numpy(reach).float(),
    )
    # Edges that the steps can't reach are left out: the model could learn nothing from them.
    reachable = np.abs(starts - truth) <= reach.sum(-1)[..., None]  # [B, M, 2]; False where there is no truth
    return losses | _step_losses(out, torch.from_numpy(truth), torch.from_numpy(reachable), batch, depth, recipe)


def _dense_losses(score: Tensor, votes: Tensor, batch: Batch) -> dict[str, Tensor]:
    """score: [B, T]; votes: [B, T, 2]."""
    truth = torch.zeros_like(votes)
    inside = torch.zeros_like(score)
    for row, timeline in enumerate(batch.timelines):
        for start, end in timeline.windows_s.tolist():
            within = (batch.times[row] >= start) & (batch.times[row] < end)
            inside[row] += within
            truth[row] = torch.where(within[:, None], torch.tensor([start, end]), truth[row])
    inside = inside.clamp(max=1)
    iou = soft_iou(votes, truth)
    count = inside.sum().clamp(min=1)
    target = inside * iou.detach().clamp(0, 1)
    chance = torch.sigmoid(score)
    focal = (chance - target).abs().detach() ** 1.5 * functional.binary_cross_entropy_with_logits(
        score, target, reduction="none"
    )
    width = (truth[..., 1] - truth[..., 0]).clamp(min=1)
    error = ((votes - truth).abs().sum(-1) / width).clamp(max=5)
    return {
        "score": (focal * batch.mask).sum() / count,
        "votes": ((error + 1 - iou) * inside).sum() / count,
    }


def _own_rough(score: Tensor, votes: Tensor, batch: Batch) -> np.ndarray:
    """STARTS votes of the model itself: the best frame's, and others drawn by score. [B, M, 2]."""
    with torch.no_grad():
        noisy = score + 0.5 * torch.randn_like(score) * torch.tensor([0.0] + [1.0] * (len(score) - 1))[:, None]
        noisy = torch.where(batch.mask > 0, noisy, -1e4)
        best = noisy.topk(min(STARTS, score.shape[1]), dim=1).indices
        best = best[:, torch.arange(STARTS).clamp(max=best.shape[1] - 1)]
        last = torch.gather(batch.times, 1, batch.lengths[:, None] - 1)[..., None]
        chosen = torch.gather(votes, 1, best[..., None].expand(-1, -1, 2))
        return torch.minimum(chosen.clamp(min=0), last).numpy()


def _step_losses(
    out: Steps, truth: Tensor, reachable: Tensor, batch: Batch, depth: int, recipe: Recipe
) -> dict[str, Tensor]:
    """truth: [B, M, 2], NaN where a start has none. reachable: [B, M, 2]."""
    known = ~torch.isnan(truth[..., 0])  # [B, M]
    truth = torch.nan_to_num(truth)[:, :, None]  # [B, M, 1, 2]
    rows = out.segments.shape[2]
    count = known.sum().clamp(min=1)
    both = reachable.all(-1)[..., None]  # [B, M, 1]
    weight = LATER ** torch.arange(rows - 2, -1, -1).float()
    weight = weight / weight.sum()  # [K]
    iou = soft_iou(out.segments, truth)  # [B, M, K + 1]
    error = (out.segments - truth).abs()  # [B, M, K + 1, 2]
    width = (truth[..., 1] - truth[..., 0]) / 2
    scale = width.clamp(min=SCALES_S[0]) if depth == 0 else torch.full_like(width, SCALES_S[depth])
    step_error = functional.smooth_l1_loss(
        error / scale[..., None], torch.zeros_like(error), beta=0.05, reduction="none"
    )
    step_error = (step_error * reachable[:, :, None]).sum(-1)
    reached = (step_error + (1 - iou) * both)[:, :, 1:] @ weight
    drop = (torch.relu(iou[:, :, :-1].detach() - iou[:, :, 1:]) * both) @ weight
    right = ((iou.detach() >= 0.5) & known[..., None]).float()
    near = ((error.detach() <= EDGE_TOLERANCE_S) & known[..., None, None]).float()
    duration = torch.stack([t[n - 1] for t, n in zip(batch.times, batch.lengths, strict=True)])[:, None, None, None]
    final = (out.final - truth / duration).abs().sum(-1).mean(-1)
    losses = {
        "move": (reached * known).sum() / count,
        "quality": functional.binary_cross_entropy_with_logits(out.quality, right),
        "edges": functional.binary_cross_entropy_with_logits(out.edges, near),
    }
    if recipe.is_careful:
        losses["bounds"] = _bounds_loss(out, truth, reachable[:, :, None], scale[..., None])
    if recipe.progressive:
        losses["progressive"] = recipe.progressive * (drop * known).sum() / count
    if recipe.auxiliary:
        losses["auxiliary"] = recipe.auxiliary * (final * known).sum() / count
    return losses


def _bounds_loss(out: Steps, truth: Tensor, reachable: Tensor, scale: Tensor) -> Tensor:
    """Pinball loss of the bounds of each edge's truth, at SURE. truth: [B, M, 1, 2]; reachable: [B, M, 1, 2]; scale:
    [B, M, 1, 1] seconds."""
    inwards = (truth - out.segments.detach()) * torch.tensor([1.0, -1.0])  # [B, M, K + 1, 2]
    beyond = (inwards[..., None] - out.bounds) / scale[..., None]  # above 0: the truth lies farther in than the bound
    quantiles = torch.tensor([1 - SURE, SURE])
    loss = torch.maximum(quantiles * beyond, (quantiles - 1) * beyond).sum(-1) * reachable
    return loss.sum() / (reachable.sum() * out.segments.shape[2]).clamp(min=1)


def soft_iou(a: Tensor, b: Tensor) -> Tensor:
    """tIoU of segments [..., 2] that goes below 0 with the gap between disjoint ones; equals gIoU in one dimension."""
    overlap = torch.minimum(a[..., 1], b[..., 1]) - torch.maximum(a[..., 0], b[..., 0])
    hull = torch.maximum(a[..., 1], b[..., 1]) - torch.minimum(a[..., 0], b[..., 0])
    return overlap / hull.clamp(min=1e-4)
