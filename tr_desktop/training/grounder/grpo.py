"""Reinforcement learning from rewards that are computed: GRPO (Shao et al., arXiv 2402.03300).

A question is answered several times; an answer that earns more than the others of its group becomes likelier, one that
earns less unlikelier. One step for each drawing, so that the policy is always the one that drew: no clipping, no
reference model, no old probabilities. The pictures are shown to drawing and to scoring; a loop of our own, since the
usual one shows videos to drawing alone and trains blind without a word.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from tr_desktop.training.grounder.data import Example, Look, asked
from tr_desktop.training.grounder.fitting import Fitting
from tr_desktop.training.grounder.measure import Figures, has_gone_blind, measure
from tr_desktop.training.grounder.policy import Policy
from tr_desktop.training.grounder.rewards import reward

_LEAST_SPREAD = 1e-4
_RECALL = "R1@0.7"
_BEST = "best"


@dataclass(frozen=True)
class GrpoRecipe:
    """steps: of `queries` questions each, answered `generations` times by up to `longest` tokens; `rows` answers are
    scored at a time. rate: of learning, constant. answer_reward: of ANSWER_REWARDS. measure_every: steps between two
    measurements. Temperature 1, rewards in units of their group's spread, weight 1 each, as in Time-R1's published
    settings; the learning rate is ours, for LoRA."""

    steps: int
    queries: int = 8
    generations: int = 8
    longest: int = 200
    rows: int = 4
    rate: float = 1e-5
    answer_reward: str = "soft_iou"
    seed: int = 0
    measure_every: int = 20
    save_every: int = 10
    saves_memory: bool = False


def advantages(rewards: Sequence[float]) -> list[float]:
    """How much better than its group each answer is, in the group's standard deviations; 0 if all earn the same."""
    values = torch.tensor(rewards, dtype=torch.float64)
    spread = float(values.std())
    if spread < _LEAST_SPREAD:
        return [0.0] * len(rewards)
    return [float(each) for each in (values - values.mean()) / (spread + _LEAST_SPREAD)]


def train_grpo(
    policy: Policy,
    training: Sequence[Example],
    held: Sequence[Example],
    look: Look,
    recipe: GrpoRecipe,
    folder: Path,
    constant: Figures,
    say: Callable[[str], None],
) -> list[dict[str, float]]:
    """Train, and write the adapter to `folder`; the log. held: examples to measure with. constant: what an answer that
    needs no model reaches on them.

    It stops early if R1@0.7 falls while the reward rises. Then the adapter with the best R1@0.7 is written.
    """
    fitting = Fitting(
        policy,
        recipe.steps,
        recipe.rate,
        lambda step: 1.0,
        folder,
        recipe.seed,
        recipe.save_every,
        f"{replace(recipe, rows=0, saves_memory=False)} {look} {len(training)}",
    )
    policy.train(drops=False, saves_memory=recipe.saves_memory)
    for step, rng in fitting.run():
        earned: dict[str, list[float]] = {}
        stuck, tokens, loss = 0, 0, 0.0
        for _ in range(recipe.queries):
            question, truth_s = asked(training[rng.randrange(len(training))], look, rng)
            prompt = policy.prompt(question)
            answers = policy.sample(prompt, recipe.generations, recipe.longest)
            texts = [policy.text_of(answer) for answer in answers]
            parts = [reward(text, truth_s, float(question.length_s), recipe.answer_reward) for text in texts]
            for part in parts:
                for name, value in part.items():
                    earned.setdefault(name, []).append(value)
            better = advantages([sum(part.values()) for part in parts])
            stuck += not any(better)
            tokens += sum(map(len, answers))
            if any(better):
                for at in range(0, len(answers), recipe.rows):
                    some = answers[at : at + recipe.rows]
                    scored = policy.score([prompt] * len(some), some, as_sampled=True)
                    part_loss = policy_loss(
                        scored.log_probabilities, scored.is_written, better[at : at + recipe.rows]
                    ) / (recipe.queries * recipe.generations)
                    part_loss.backward()  # type: ignore[no-untyped-call]
                    loss += float(part_loss.detach())
        means = {name: sum(values) / len(values) for name, values in earned.items()}
        figures = {"reward": sum(means.values()), **means, "stuck": stuck / recipe.queries}
        figures["tokens"] = tokens / (recipe.queries * recipe.generations)
        if step % recipe.measure_every == 0:
            now = measure(policy, held, look, recipe.longest)
            say(f"after {step} steps: {now}")
            say(f"  a constant answer, which needs no model: {constant}")
            if now.recall[-1] >= max((line[_RECALL] for line in fitting.log if _RECALL in line), default=0):
                policy.save(folder / _BEST)
            recent = [line["reward"] for line in fitting.log[-recipe.measure_every :]] or [figures["reward"]]
            figures |= {_RECALL: now.recall[-1], "mIoU": now.miou, "recent": sum(recent) / len(recent)}
        fitting.note(step, figures)
        say(f"step {step + 1}/{recipe.steps} " + " ".join(f"{name} {value:.2f}" for name, value in figures.items()))
        measured = [(line["recent"], line[_RECALL]) for line in fitting.log if _RECALL in line]
        if _RECALL in figures and has_gone_blind(measured):
            say("Stopped: R1@0.7 falls while the reward rises, so it learns to please the reward, not to look.")
            policy.load(folder / _BEST)
            break
    fitting.finish()
    shutil.rmtree(folder / _BEST, ignore_errors=True)
    return fitting.log


def policy_loss(log_probabilities: torch.Tensor, is_written: torch.Tensor, better: Sequence[float]) -> torch.Tensor:
    """Sum over the answers of minus their advantage by their mean ratio to the policy that drew them, which is 1.

    log_probabilities, is_written: [B, A]. better: the advantage of each answer.
    """
    ratio = (log_probabilities - log_probabilities.detach()).exp()
    mean = torch.where(is_written, ratio, 0).sum(1) / is_written.sum(1)
    return -(mean * torch.tensor(better, dtype=mean.dtype, device=mean.device)).sum()
