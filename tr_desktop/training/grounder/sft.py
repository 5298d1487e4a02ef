"""Supervised training: the model learns to write the answers of one format, and nothing else of the text.

For `refine`, TimeRefine's auxiliary head reads the last layer at every <OFFSET> and has to give the final segment, as
shares of the window. Its loss is a mean absolute error, weighted as published: 10, divided once more by the number of
targets. Noise is drawn anew in every epoch; the published data has it drawn once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import torch
from torch import Tensor

from tr_desktop.grounders.video_llm.answers import AnswerKind
from tr_desktop.training.grounder.data import Example, Look, asked
from tr_desktop.training.grounder.fitting import Fitting, cosine
from tr_desktop.training.grounder.policy import Policy, Scored
from tr_desktop.training.grounder.sequences import OFFSET, answer_text

_HEAD_WEIGHT = 10.0
_SAY_EVERY = 10


@dataclass(frozen=True)
class SftRecipe:
    """steps: of `batch` examples each, `rows` at a time. rate: the highest learning rate. redraws: draw the noise in
    answers anew each time. saves_memory: compute activations again going back. The rate and its schedule are
    TimeRefine's, whose batch is 128."""

    kind: AnswerKind
    steps: int
    batch: int = 32
    rows: int = 4
    rate: float = 1e-4
    seed: int = 0
    redraws: bool = True
    save_every: int = 50
    saves_memory: bool = False


def epoch_steps(examples: Sequence[Example], batch: int, epochs: float) -> int:
    """How many steps `epochs` are."""
    return max(round(epochs * len(examples) / batch), 1)


def train_sft(
    policy: Policy,
    examples: Sequence[Example],
    look: Look,
    recipe: SftRecipe,
    folder: Path,
    say: Callable[[str], None],
    traces: dict[str, str] | None = None,
) -> list[dict[str, float]]:
    """Train, and write the adapter to `folder`; the log. traces: the answer to learn of each example, by its name."""
    fitting = Fitting(
        policy,
        recipe.steps,
        recipe.rate,
        lambda step: cosine(step, recipe.steps),
        folder,
        recipe.seed,
        recipe.save_every,
        f"{replace(recipe, rows=0, saves_memory=False)} {look} {len(examples)}",
    )
    policy.train(saves_memory=recipe.saves_memory)
    for step, rng in fitting.run():
        batch = _batch(examples, step, recipe)
        loss, off = 0.0, 0.0
        for at in range(0, len(batch), recipe.rows):
            rows = batch[at : at + recipe.rows]
            prompts, answers, shares = [], [], []
            for example in rows:
                question, truth_s = asked(example, look, rng)
                length_s = float(question.length_s)
                noise = rng if recipe.redraws else Random(example.name)
                text = (traces or {}).get(example.name) or answer_text(recipe.kind, truth_s, length_s, noise)
                prompts.append(policy.prompt(question))
                answers.append(policy.ids_of(text))
                shares.append([edge_s / length_s for edge_s in truth_s])
            scored = policy.score(prompts, answers)
            share = len(rows) / len(batch)
            cross_entropy = -(scored.log_probabilities.sum(1) / scored.is_written.sum(1)).mean()
            total = cross_entropy
            if policy.head is not None:
                error, targets = _head_error(policy, scored, answers, torch.tensor(shares))
                total = total + _HEAD_WEIGHT / targets * error
                off += share * float(error.detach())
            (share * total).backward()  # type: ignore[no-untyped-call]
            loss += share * float(cross_entropy.detach())
        fitting.note(step, {"loss": loss} | ({"head": off} if policy.head is not None else {}))
        if (step + 1) % _SAY_EVERY == 0 or step + 1 == recipe.steps:
            recent = fitting.log[-_SAY_EVERY:]
            means = {name: sum(line[name] for line in recent) / len(recent) for name in recent[-1] if name != "step"}
            say(f"step {step + 1}/{recipe.steps} " + " ".join(f"{name} {mean:.3f}" for name, mean in means.items()))
    fitting.finish()
    return fitting.log


def _batch(examples: Sequence[Example], step: int, recipe: SftRecipe) -> list[Example]:
    """Examples in an order that is shuffled anew in each epoch."""
    first = step * recipe.batch
    chosen = []
    for number in range(first, first + recipe.batch):
        epoch, at = divmod(number, len(examples))
        order = list(range(len(examples)))
        Random(f"{recipe.seed} order {epoch}").shuffle(order)
        chosen.append(examples[order[at]])
    return chosen


def _head_error(policy: Policy, scored: Scored, answers: Sequence[Sequence[int]], shares: Tensor) -> tuple[Tensor, int]:
    """Mean absolute error of the head at each <OFFSET>, and the number of targets of one answer.

    shares: [B, 2] true start and end as shares of the window.
    """
    assert policy.head is not None
    marker, longest = policy.encoder.tokenizer.token_to_id(OFFSET), scored.is_written.shape[1]
    where = torch.tensor([[*(token == marker for token in a), *[False] * (longest - len(a))] for a in answers])
    said = policy.head(scored.hidden[where.to(policy.device)].float()).sigmoid()  # [N, 2]
    wanted = shares[:, None].expand(-1, longest, -1)[where].to(said)
    return (said - wanted).abs().mean(), 2 * int(where[0].sum())
