"""What `commands.py` starts: `train grounder sft` and `train grounder tar`."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from tr_desktop.errors import UserError
from tr_desktop.files import write_verified
from tr_desktop.grounder_worker.load import free_memory
from tr_desktop.grounders.video_llm.answers import AnswerKind
from tr_desktop.grounders.video_llm.packs import MANIFEST
from tr_desktop.grounders.video_llm.presets import PRESETS, Preset
from tr_desktop.grounders.video_llm.recognise import recognise
from tr_desktop.training.annotations import read_annotations
from tr_desktop.training.grounder.card import Made, write_card
from tr_desktop.training.grounder.checkpoint import open_checkpoint, write_merged
from tr_desktop.training.grounder.colours import ANNOTATIONS, make_colour_clips
from tr_desktop.training.grounder.commands import RATE
from tr_desktop.training.grounder.data import Example, Look, load_examples, split
from tr_desktop.training.grounder.grpo import GrpoRecipe
from tr_desktop.training.grounder.measure import constant_answer, measure
from tr_desktop.training.grounder.policy import Adapter, Policy
from tr_desktop.training.grounder.sequences import NEW_TOKENS
from tr_desktop.training.grounder.sft import SftRecipe, epoch_steps, train_sft
from tr_desktop.training.grounder.tar import TarRecipe, train_tar
from tr_desktop.training.grounder.tiny import write_tiny

FPS = Fraction(2)
MEASURED_MOST = 200
ASKED_AS = {
    AnswerKind.SPAN: "timelens",
    AnswerKind.ANCHORS: "time-r1",
    AnswerKind.REFINE: "timerefine",
    AnswerKind.DIGITS: "vtg-llm",
}
"""The preset whose words each format is trained with."""
LONGEST = {AnswerKind.SPAN: 32, AnswerKind.DIGITS: 32, AnswerKind.REFINE: 160, AnswerKind.ANCHORS: 200}
"""The most tokens of an answer in each format."""

_TINY_FAMILY = "qwen2_5_vl"
_TINY_SIDE_PX, _TINY_WINDOW_S, _TINY_CLIPS = 28, 16.0, 10
_TINY_RATE, _TINY_BATCH = 5e-3, 9
_TINY_STEPS = {AnswerKind.SPAN: 60, AnswerKind.DIGITS: 60, AnswerKind.ANCHORS: 80, AnswerKind.REFINE: 250}
_TINY_ADAPTER = Adapter(32, 64, 0.0)


@dataclass(frozen=True)
class _Run:
    """What both recipes begin with."""

    base: Path
    examples: list[Example]
    training: list[Example]
    held: list[Example]
    look: Look
    preset: Preset
    sft: SftRecipe


def run_sft(arguments: argparse.Namespace) -> int:
    """Teach one format; write the adapter, the merged model and its card."""
    kind, out = AnswerKind(arguments.format), Path(arguments.out)
    run = _begin(arguments, kind, arguments.epochs)
    adapter = out / "adapter"
    policy = _fresh(run, arguments, kind)
    train_sft(policy, run.training, run.look, run.sft, adapter, _say)
    share, constant = constant_answer(run.training, run.held, run.look)
    learned = measure(policy, run.training[: len(run.held) if not arguments.tiny else None], run.look, LONGEST[kind])
    found = measure(policy, run.held, run.look, LONGEST[kind])
    figures = [
        f"videos it learned from: {learned}",
        f"other videos: {found}",
        f"other videos, always {share[0]:.0%} to {share[1]:.0%} of the window: {constant}",
    ]
    _end(policy, run, arguments, f"SFT, format {kind.value}: {run.sft.steps} steps of {run.sft.batch}", figures)
    return 0


def run_tar(arguments: argparse.Namespace) -> int:
    """Run the stages that were asked for; after stage 3, write the merged model and its card."""
    kind, out = AnswerKind.ANCHORS, Path(arguments.out)
    run = _begin(arguments, kind, 1.0)
    rate = arguments.rate / 10 if arguments.rate else RATE / 10
    grpo = GrpoRecipe(
        steps=arguments.steps,
        rows=arguments.rows,
        rate=rate,
        answer_reward=arguments.reward,
        seed=arguments.seed,
        saves_memory=run.sft.saves_memory,
        longest=LONGEST[kind],
    )
    recipe = TarRecipe(run.sft, grpo, prime_steps=200 if arguments.prime else 0)
    if arguments.tiny:
        grpo = replace(grpo, steps=3, queries=2, generations=4, rate=1e-4, longest=140, measure_every=3)
        recipe = TarRecipe(run.sft, grpo, prime_steps=_TINY_STEPS[kind], epochs=60)
    policy = train_tar(
        lambda: _fresh(run, arguments, kind), run.training, run.held, run.look, recipe, arguments.stage, out, _say
    )
    if policy is None:
        _say(f"{out} holds what is done; the next stage continues from it")
        return 0
    share, constant = constant_answer(run.training, run.held, run.look)
    figures = [
        f"other videos: {measure(policy, run.held, run.look, grpo.longest)}",
        f"other videos, always {share[0]:.0%} to {share[1]:.0%} of the window: {constant}",
    ]
    _end(policy, run, arguments, f"TAR-TVG in three stages, reward {arguments.reward}", figures)
    return 0


def _expect_positive(arguments: argparse.Namespace) -> None:
    """Raises UserError for a number that can't be right."""
    for name, least in {
        **dict.fromkeys(("batch", "rows", "steps", "side"), 1),
        "epochs": 0,
        "window": 0,
        "rate": 0,
    }.items():
        value = getattr(arguments, name, None)
        if value is not None and not (math.isfinite(value) and value >= least and value > 0):
            raise UserError(f"--{name} must be {'at least 1' if least else 'above 0'}")


def _begin(arguments: argparse.Namespace, kind: AnswerKind, epochs: float) -> _Run:
    _expect_positive(arguments)
    out, preset = Path(arguments.out), PRESETS[ASKED_AS[kind]]
    if arguments.tiny:
        arguments.form, arguments.videos, arguments.base = "footage", out / "clips", out / "base"
        arguments.annotations = out / "clips" / ANNOTATIONS
        if not arguments.annotations.exists():
            make_colour_clips(arguments.videos, _TINY_CLIPS, arguments.seed)
        if not arguments.base.exists():
            write_tiny(_TINY_FAMILY, arguments.base)
        preset = replace(preset, prompt="When is it {}?")  # short, since a tiny tokenizer knows few words
    elif missing := [name for name in ("base", "annotations", "videos") if getattr(arguments, name) is None]:
        raise UserError(
            f"The recipe needs {', '.join(f'--{name}' for name in missing)}",
            remedy="Give a model and annotated videos, or try the recipe with --tiny",
        )
    look = Look(FPS, arguments.side or preset.side_px, Fraction(arguments.window).limit_denominator(1000))
    if arguments.tiny:
        look = Look(FPS, _TINY_SIDE_PX, Fraction(_TINY_WINDOW_S))
    if look.side_px <= 0 or look.window_s * look.fps < 2:
        raise UserError(
            "No pictures are that small, and no window that short", remedy="Give a larger --side or --window"
        )
    annotations = read_annotations(arguments.annotations, arguments.form)
    examples = load_examples(annotations, arguments.videos, look, arguments.cache or out / "cache", _say)
    training, held = split(examples, MEASURED_MOST)
    _say(f"{len(training)} sentences to train on, {len(held)} about other videos to measure with")
    sft = SftRecipe(
        kind,
        steps=epoch_steps(training, arguments.batch, epochs),
        batch=arguments.batch,
        rows=arguments.rows,
        rate=arguments.rate or RATE,
        seed=arguments.seed,
        saves_memory=not arguments.tiny,
    )
    if arguments.tiny:
        # Anchors' noise is drawn once: a tiny model then writes them surely enough for its drawings to be readable.
        sft = replace(
            sft,
            steps=_TINY_STEPS[kind],
            batch=_TINY_BATCH,
            rows=_TINY_BATCH,
            rate=_TINY_RATE,
            redraws=kind is not AnswerKind.ANCHORS,
        )
    return _Run(arguments.base, examples, training, held, look, preset, sft)


def _fresh(run: _Run, arguments: argparse.Namespace, kind: AnswerKind) -> Policy:
    """The base with a new adapter."""
    free_memory()
    base = open_checkpoint(run.base, Path(arguments.out) / "model", NEW_TOKENS.get(kind, ()), arguments.device)
    adapter = _TINY_ADAPTER if arguments.tiny else None
    return Policy(base, run.preset, adapter, has_head=kind is AnswerKind.REFINE)


def _end(policy: Policy, run: _Run, arguments: argparse.Namespace, recipe: str, figures: Sequence[str]) -> None:
    """Print the figures; write the merged model and its card."""
    out = Path(arguments.out)
    for line in figures:
        _say(line)
    model = write_merged(policy.merged(), out / "model")
    made = Made(
        name=out.resolve().name,
        base=run.base,
        recipe=recipe,
        preset=ASKED_AS[run.sft.kind],
        look=run.look,
        annotations=f"{Path(arguments.annotations).name} ({arguments.form}): {len(run.training)} sentences",
        figures=figures,
    )
    write_card(made, model)
    pack = replace(
        recognise(model, made.preset).pack(made.name),
        fps=run.look.fps,
        frames_most=int(run.look.window_s * run.look.fps),
        side_px=run.look.side_px,
        window_s=run.look.window_s,
        new_tokens_most=LONGEST[run.sft.kind],
    )
    write_verified(out / MANIFEST, (json.dumps(pack.to_json(), indent=1) + "\n").encode())
    _say(f"{model} is written. Try it: tr-desktop find QUERY PATH --grounder {out}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
