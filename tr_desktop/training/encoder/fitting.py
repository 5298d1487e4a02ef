"""Fitting the towers: the contrastive loss and the training loop, resumable after each epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from tr_desktop.files import replacing
from tr_desktop.training.encoder.batches import BatchSampler
from tr_desktop.training.encoder.config import EncoderConfig
from tr_desktop.training.encoder.text import WIDTH
from tr_desktop.training.encoder.towers import Towers

MARGIN = 0.1
EXCHANGED_MARGIN = 0.05
TOO_ALIKE = 0.8  # a text so similar to a picture's own may fit the picture too
NAMES_EVERY = 8  # steps: the class names' vectors change slowly, and encoding them takes a third of a step


class Queue:
    """The vectors of the latest `limit` pictures and of their texts: negatives beyond those of the batch."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.images, self.texts = torch.zeros(0, WIDTH), torch.zeros(0, WIDTH)

    def push(self, images: Tensor, texts: Tensor) -> None:
        self.images = torch.cat([images.detach(), self.images])[: self.limit]
        self.texts = torch.cat([texts, self.texts])[: self.limit]


def contrastive(
    images: Tensor, texts: Tensor, sentences: Tensor, group: Tensor, others: Tensor, other_sentences: Tensor,
    queue: Queue, scale: Tensor, soft: float, hardest: float,
) -> Tensor:  # fmt: skip
    """Contrastive loss in both directions, with targets softened by the similarity of the sentence vectors.

    hardest: weight of a second term, a margin to the most similar wrong text and picture (VSE++, Faghri et al. 2018).

    images, texts: [B,384] in the joint space. sentences: MiniLM's vectors [B,384] of the texts. group: [B], frames of
    one clip share a number. others, other_sentences: [O,384], the same of further texts, as negatives of the images.
    """
    same = (group[:, None] == group[None]).float()
    alike = torch.maximum(sentences @ sentences.T, same)
    own = images @ texts.T
    to_text = scale * torch.cat([own, images @ others.T], 1)
    goal_text = functional.softmax(soft * torch.cat([alike, sentences @ other_sentences.T], 1), 1)
    to_image = scale * torch.cat([own.T, texts @ queue.images.T], 1)
    goal_image = functional.softmax(soft * torch.cat([alike, sentences @ queue.texts.T], 1), 1)
    wrong, right = own.masked_fill(alike > TOO_ALIKE, -1), own.diag()
    margins = sum(functional.relu(MARGIN + wrong.amax(way) - right).mean() for way in (0, 1))
    return (
        -(goal_text * functional.log_softmax(to_text, 1)).sum(1).mean()
        - (goal_image * functional.log_softmax(to_image, 1)).sum(1).mean()
        + hardest * scale.detach() * margins
    ) / 2


def margin_to_exchanged(images: Tensor, texts: Tensor, changed: Tensor) -> Tensor:
    """How far the pictures [B,384] are from being nearer to their texts than to these with one word exchanged."""
    if not len(images):
        return images.sum()
    return functional.relu(EXCHANGED_MARGIN + (images * changed).sum(1) - (images * texts).sum(1)).mean()


Features = Callable[[list[int]], Tensor]


def fit(
    config: EncoderConfig, towers: Towers, sampler: BatchSampler, features: Features, parameters: list[dict[str, Any]],
    epochs: int, checkpoint: Path, report: Callable[[], str],
) -> None:  # fmt: skip
    """Train with AdamW and a one-cycle learning rate, resuming from `checkpoint` if it exists.

    features: rows of the maps to pooled features [B,FEATURES]. parameters: the optimiser's groups, with `params` and
    `lr`. report: a line on the validation pictures, printed after each epoch.
    """
    texts, seed = sampler.texts, sampler.seed
    per_epoch = len(sampler.epoch(0, config.labelled)) // config.batch
    groups = [dict(some) for some in parameters]  # the optimiser and the schedule write into theirs
    optimiser = torch.optim.AdamW(groups, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [p["lr"] for p in parameters], total_steps=epochs * per_epoch + 1, pct_start=0.15
    )
    begin = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        towers.load(state["weights"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        begin = state["epoch"]
    queue = Queue(4 * config.batch)
    used = torch.tensor(sorted({t for rows in (texts.captions, texts.labels) for i in sampler.views for t in rows[i]}))
    for number in range(begin, epochs):
        rng = np.random.default_rng([seed, 1, number])
        torch.manual_seed(seed + number)
        towers.head.train()
        towers.adapter.train()
        order = sampler.epoch(number, config.labelled)
        for step in tqdm(range(per_epoch), desc=f"{checkpoint.stem} {number + 1}/{epochs}"):
            batch = order[step * config.batch : (step + 1) * config.batch]
            own = torch.tensor([t for _, _, t in batch])
            other = used[rng.integers(0, len(used), config.other_texts)]
            sentences, other_sentences = texts.sentences.vectors[own], texts.sentences.vectors[other]
            if step % NAMES_EVERY == 0:
                towers.encode_names()
            images = towers.head(features([row for _, row, _ in batch]))
            has_other = [n for n, (_, _, t) in enumerate(batch) if t in texts.exchanged]
            changed = torch.tensor([texts.exchanged[batch[n][2]] for n in has_other], dtype=torch.int64)
            joint = texts.sentences.encode(towers.adapter, torch.cat([own, other, changed]))
            own_joint, other_joint, changed_joint = joint.split([len(own), len(other), len(changed)])  # type: ignore[no-untyped-call]
            group = torch.from_numpy(sampler.group[[i for i, _, _ in batch]])
            scale = towers.scale.exp().clamp(max=60)
            loss = contrastive(
                images, own_joint, sentences, group, other_joint, other_sentences,
                queue, scale, config.soft, config.hardest if number else 0.0,
            )  # fmt: skip
            if number:
                margin = margin_to_exchanged(images[has_other], own_joint[has_other], changed_joint)
                loss = loss + config.exchanged * scale.detach() * margin
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_([p for some in parameters for p in some["params"]], 1.0)
            optimiser.step()
            schedule.step()
            queue.push(images, sentences)
        towers.encode_names()
        tqdm.write(f"loss {loss.item():.3f}, scale {towers.scale.exp().item():.1f}; {report()}")
        state = {"weights": towers.weights(), "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
        with replacing(checkpoint) as part:
            torch.save({**state, "epoch": number + 1}, part)


def mean(ends: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each weight over the runs that ended with `ends`."""
    return {name: torch.stack([end[name] for end in ends]).mean(0) for name in ends[0]}
