"""TAR-TVG's training in three stages: a model learns to write anchors on the way to its answer, each nearer.

    base ─(prime)─ stage 1: GRPO ─▶ harvest: its best answers ─▶ stage 2: SFT of a fresh base ─▶ stage 3: GRPO

A base that can't write the form yet earns nothing from any answer, so nothing could become likelier. Stage 1 is there
to find answers with good anchors; a fresh base learns from these alone, then goes on. The stages are the paper's (arXiv
2508.07683). Ours, since it doesn't give them: the thresholds of the harvest, all numbers of the recipes, and `prime`,
which teaches the form with anchors made of truth and noise, as TimeRefine makes its rough segments.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import torch

from tr_desktop.errors import UserError
from tr_desktop.files import replacing
from tr_desktop.grounders.video_llm.answers import AnswerKind
from tr_desktop.training.grounder.data import Example, Look, Segment, asked
from tr_desktop.training.grounder.fitting import is_done, load_ended, whole_lines
from tr_desktop.training.grounder.grpo import GrpoRecipe, train_grpo
from tr_desktop.training.grounder.measure import constant_answer, measure
from tr_desktop.training.grounder.policy import Policy
from tr_desktop.training.grounder.rewards import is_progress, read_trace
from tr_desktop.training.grounder.sft import SftRecipe, epoch_steps, train_sft
from tr_desktop.training.metrics import temporal_iou

STAGES = ("1", "harvest", "2", "3")
ALL = "all"
HARVEST = "harvest.jsonl"
_PART = "harvest-part.jsonl"
_SAY_EVERY = 50
_LEAST_IOU = 0.7
_LEAST_IOU_LONG = 0.5  # of windows above _LONG_S
_LONG_S = 60
_TRACES_MOST = 30_000


@dataclass(frozen=True)
class TarRecipe:
    """prime_steps: of SFT before stage 1; 0: none. sft: of stage 2, and with prime_steps of priming. epochs: of stage
    2. grpo: of both other stages. samples: answers drawn for each query in the harvest."""

    sft: SftRecipe
    grpo: GrpoRecipe
    prime_steps: int = 0
    epochs: float = 1.0
    samples: int = 8


def train_tar(
    fresh: Callable[[], Policy],
    training: Sequence[Example],
    held: Sequence[Example],
    look: Look,
    recipe: TarRecipe,
    stage: str,
    out: Path,
    say: Callable[[str], None],
) -> Policy | None:
    """Run `stage`, one of STAGES, or ALL that aren't done yet; the policy after stage 3, or None without it.

    fresh: gives the base with a new adapter. out: gets a folder for each stage. Raises UserError if a stage's input is
    missing.
    """
    share, constant = constant_answer(training, held, look)
    say(f"always {share[0]:.0%} to {share[1]:.0%} of the window: {constant}")
    wanted = STAGES if stage == ALL else (stage,)
    primed, first, second, third = (out / name for name in ("prime", "stage1", "stage2", "stage3"))
    policy: Policy | None = None
    if "1" in wanted and not is_done(first):
        policy = fresh()
        if recipe.prime_steps:
            if not is_done(primed):
                say(f"prime: {recipe.prime_steps} steps of SFT on anchors made of truth and noise")
                train_sft(policy, training, look, replace(recipe.sft, steps=recipe.prime_steps), primed, say)
            load_ended(policy, primed)
        (out / _PART).unlink(missing_ok=True)  # of a stage 1 that isn't there any more
        say("stage 1: GRPO from the base")
        train_grpo(policy, training, held, look, recipe.grpo, first, constant, say)
        say(f"after stage 1: {measure(policy, held, look, recipe.grpo.longest)}")
    traces_path = out / HARVEST
    if "harvest" in wanted and not traces_path.exists():
        policy = _resumed(policy, first, fresh, "1")
        harvest(policy, training, look, recipe, traces_path, say)
    if "2" in wanted and not is_done(second):
        traces = _read_traces(traces_path)
        some = [example for example in training if example.name in traces]
        if not some:
            raise UserError("The harvest is of other sentences", path=traces_path, remedy="Delete it")
        say(f"stage 2: SFT of a fresh base on {len(traces)} harvested answers")
        sft = replace(recipe.sft, kind=AnswerKind.ANCHORS, steps=epoch_steps(some, recipe.sft.batch, recipe.epochs))
        policy = None  # frees its memory before another one is loaded
        policy = fresh()
        train_sft(policy, some, look, sft, second, say, traces)
        say(f"after stage 2: {measure(policy, held, look, recipe.grpo.longest)}")
    if "3" not in wanted:
        return None
    policy = None
    policy = _resumed(None, third, fresh, "3") if is_done(third) else _resumed(None, second, fresh, "2")
    if not is_done(third):
        say("stage 3: GRPO from there")
        train_grpo(policy, training, held, look, replace(recipe.grpo, seed=recipe.grpo.seed + 1), third, constant, say)
    say(f"after stage 3: {measure(policy, held, look, recipe.grpo.longest)}")
    say(f"  a constant answer, which needs no model: {constant}")
    return policy


def harvest(
    policy: Policy, examples: Sequence[Example], look: Look, recipe: TarRecipe, path: Path, say: Callable[[str], None]
) -> None:
    """Draw answers about `examples` and write the best of each that is good enough to `path`, with every answer's tIoU.

    Good enough: well-formed, two anchors or more, each nearer than the last, and the answer's tIoU at least 0.7, or 0.5
    in a window above a minute. An interrupted harvest goes on where it was. Raises UserError if none is.
    """
    begun = path.with_name(_PART)
    kept = whole_lines(begun)
    _write_lines(begun, kept)
    known = {row["name"] for row in kept}
    for example in examples:
        if example.name in known:
            continue
        question, truth_s = asked(example, look, Random(example.name))
        torch.manual_seed(Random(f"{recipe.grpo.seed} {example.name}").getrandbits(63))
        texts = [
            policy.text_of(ids)
            for ids in policy.sample(policy.prompt(question), recipe.samples, recipe.grpo.longest)
        ]  # fmt: skip
        ious = [_iou(text, truth_s) for text in texts]
        good = [
            (iou, text)
            for iou, text in zip(ious, texts, strict=True)
            if is_good(text, truth_s, float(question.length_s))
        ]
        formed = sum(read_trace(text).is_well_formed for text in texts)
        kept.append({"name": example.name, "ious": ious, "formed": formed, "text": max(good)[1] if good else None})
        with begun.open("a", encoding="utf-8") as file:
            file.write(json.dumps(kept[-1]) + "\n")
        if len(kept) % _SAY_EVERY == 0:
            say(f"harvest: {len(kept)}/{len(examples)} queries")
    kept_count = sum(row["text"] is not None for row in kept)
    drawn, formed = sum(len(row["ious"]) for row in kept), sum(row["formed"] for row in kept)
    say(f"harvest: {drawn} answers, {formed} well-formed; kept one for {kept_count} of {len(kept)} queries")
    if not kept_count:
        begun.unlink()
        raise UserError(
            "The harvest is empty: stage 1 wrote no answer that is good enough to learn from",
            path=path.parent,
            remedy="Train stage 1 for longer, give --prime, or start from a better base",
        )
    _write_lines(path, kept)
    begun.unlink()


def is_good(text: str, truth_s: Segment, length_s: float) -> bool:
    """Whether an answer is worth learning from."""
    trace = read_trace(text)
    least = _LEAST_IOU_LONG if length_s > _LONG_S else _LEAST_IOU
    return trace.is_well_formed and is_progress(trace, truth_s) and _iou(text, truth_s) >= least


def _write_lines(path: Path, rows: Sequence[object]) -> None:
    with replacing(path) as part:
        part.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _iou(text: str, truth_s: Segment) -> float:
    answer = read_trace(text).answer
    return 0.0 if answer is None else float(temporal_iou(answer, truth_s))


def _read_traces(path: Path) -> dict[str, str]:
    """Example's name → the answer to learn."""
    if not path.exists():
        raise UserError("There is no harvest yet", path=path, remedy="Run --stage harvest first, or --stage all")
    rows = map(json.loads, path.read_text().splitlines())
    return dict([(row["name"], row["text"]) for row in rows if row["text"] is not None][:_TRACES_MOST])


def _resumed(policy: Policy | None, folder: Path, fresh: Callable[[], Policy], stage: str) -> Policy:
    """`policy`, or the one whose adapter is in `folder`. Raises UserError if there is none."""
    if policy is not None:
        return policy
    if not is_done(folder):
        raise UserError(f"Stage {stage} isn't done yet", path=folder, remedy=f"Run --stage {stage} first")
    policy = fresh()
    load_ended(policy, folder)
    return policy
