"""What step-by-step answers are worth: small decoders that differ in how they answer, trained and asked alike.

Every variant sees the same frames of the same composed videos, and answers the same queries about videos composed from
repositories that neither the encoder nor any variant learned from. Variants are compared at equal steps; those that
write directly also at the compute of refining.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from tr_desktop.training import metrics
from tr_desktop.training.grounder.ablation_answers import BINS, DIRECT, REFINE, REPEAT, Answer, Form, read, write
from tr_desktop.training.grounder.ablation_model import Decoder, multiply_adds
from tr_desktop.training.grounder.ablation_windows import FRAMES, Span, Windows, closer, joined, shown, whole
from tr_desktop.training.refiner.evaluate import Case

BATCH = 32
LEARNING_RATE = 4e-3
WARM_UP = 0.1  # share of the steps
WEIGHT_DECAY = 0.01
LONGEST_GRADIENT = 1.0
HEAD_WEIGHT = 1.25  # as published: 10 / 8 targets of one event
ASKED_AT_ONCE = 100


@dataclass(frozen=True)
class Variant:
    """One way to answer. has_head: with the auxiliary head, in training only. has_refines_compute: trained for as many
    more steps as it takes to compute what refining computes. learns_closer: half of the windows in training are closer
    ones."""

    form: Form
    has_head: bool = False
    has_refines_compute: bool = False
    learns_closer: bool = False

    @property
    def compute(self) -> float:
        """Of one training step, in those of answering directly."""
        return multiply_adds(FRAMES, self.form.length) / multiply_adds(FRAMES, DIRECT.length)

    def steps(self, steps: int) -> int:
        """Training steps, if others are trained for `steps`."""
        return round(steps * Variant(REFINE).compute) if self.has_refines_compute else steps


DIRECTLY = "direct"
VARIANTS = {
    DIRECTLY: Variant(DIRECT),
    "refine": Variant(REFINE),
    "repeat": Variant(REPEAT),
    "direct, refine's compute": Variant(DIRECT, has_refines_compute=True),
    "refine + head": Variant(REFINE, has_head=True),
    "direct + head": Variant(DIRECT, has_head=True),
    "direct, learns closer windows": Variant(DIRECT, learns_closer=True),
}


@dataclass(frozen=True)
class Material:
    """Training windows, of which `closer` has as many about the same moments, and test cases with what they show."""

    whole: Windows
    closer: Windows
    cases: Sequence[Case]
    asked: Windows
    background: npt.NDArray[np.float32]


@dataclass
class Measured:
    """One trained variant. rough, segments: [steps][cases] tIoU before and after the offsets; closer: [cases] tIoU of
    the answer about a closer window; loss, strange_loss: of each number that is written (`Form.numbers`), nats, with
    the video's frames and with another video's. unreadable: share of the answers. seconds: of training."""

    rough: list[list[float]] = field(default_factory=list)
    segments: list[list[float]] = field(default_factory=list)
    closer: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    strange_loss: list[float] = field(default_factory=list)
    unreadable: float = 0.0
    seconds: float = 0.0

    def rows(self) -> list[list[float]]:
        """All figures, to be kept."""
        losses = [self.loss, self.strange_loss]
        return [*self.rough, *self.segments, self.closer, *losses, [self.unreadable, self.seconds]]

    @staticmethod
    def of_rows(rows: list[list[float]]) -> Measured:
        """What `rows` gave."""
        *steps, closer_iou, loss, strange_loss, (unreadable, seconds) = rows
        half = len(steps) // 2
        return Measured(steps[:half], steps[half:], closer_iou, loss, strange_loss, unreadable, seconds)


def train(material: Material, variant: Variant, steps: int, seed: int) -> Decoder:
    """A decoder that answers as `variant` does, after `variant.steps(steps)` steps."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    windows = joined([material.whole, material.closer]) if variant.learns_closer else material.whole
    model, count = _decoder(material), variant.steps(steps)
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate((step + 1) / (count + 1)))
    for _ in range(count):
        batch = windows[torch.randint(len(windows), (BATCH,), generator=generator)]
        loss = _loss(model, batch, variant, generator)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), LONGEST_GRADIENT)
        optimiser.step()
        schedule.step()
    return model.eval()


def _rate(done: float) -> float:
    """Share of the learning rate when a share of the steps is done: a linear warm-up, then half a cosine."""
    return min(done / WARM_UP, (1 + math.cos(math.pi * done)) / 2)


def _decoder(material: Material) -> Decoder:
    return Decoder(FRAMES, material.whole.frames.shape[-1], material.whole.query.shape[-1])


def _loss(model: Decoder, batch: Windows, variant: Variant, generator: torch.Generator) -> Tensor:
    tokens = write(batch.truth, batch.lengths_s, variant.form, generator)
    states = model(batch.frames, batch.query, tokens)
    loss = functional.cross_entropy(model.token(states).transpose(1, 2), tokens)
    if variant.has_head:
        after = states[:, [at + 1 for at in variant.form.marks]]
        final = torch.sigmoid(model.auxiliary(after))
        loss = loss + HEAD_WEIGHT * (final - batch.truth[:, None]).abs().mean()
    return loss


def measure(model: Decoder, variant: Variant, material: Material, seed: int) -> Measured:
    """How good the answers about the test cases are, and what their tokens cost with another video's frames."""
    out, form = Measured(), variant.form
    answer = _ask(model, material.asked, form)
    spans = [whole(case) for case in material.cases]
    out.unreadable = 1 - float(answer.readable.float().mean())
    out.rough = [_iou(material.cases, spans, answer.rough[:, step]) for step in range(form.steps)]
    out.segments = [_iou(material.cases, spans, answer.segments[:, step]) for step in range(form.steps)]
    first = answer.segments[:, -1]
    nearer = [closer(c, _seconds(span, row)) for c, span, row in zip(material.cases, spans, first, strict=True)]
    about = [shown(c, [span], material.background) for c, span in zip(material.cases, nearer, strict=True)]
    out.closer = _iou(material.cases, nearer, _ask(model, joined(about), form).segments[:, -1])
    asked = material.asked
    tokens = write(asked.truth, asked.lengths_s, form, torch.Generator().manual_seed(seed))
    out.loss = _losses(model, asked.frames, asked.query, tokens, form)
    out.strange_loss = _losses(model, asked.frames.roll(1, 0), asked.query, tokens, form)
    return out


def trained_and_measured(material: Material, variant: Variant, steps: int, seed: int) -> Measured:
    """`train`, then `measure`."""
    began = time.perf_counter()
    model = train(material, variant, steps, seed)
    seconds = time.perf_counter() - began
    measured = measure(model, variant, material, seed)
    measured.seconds = seconds
    return measured


def _ask(model: Decoder, windows: Windows, form: Form) -> Answer:
    tokens = [model.greedy(part.frames, part.query, form.length) for part in _parts(windows)]
    return read(torch.cat(tokens), form)


def _parts(windows: Windows) -> Iterator[Windows]:
    for first in range(0, len(windows), ASKED_AT_ONCE):
        yield windows[torch.arange(first, min(first + ASKED_AT_ONCE, len(windows)))]


def _seconds(span_s: Span, segment: Tensor) -> Span:
    """A segment in bins of a window, as times in the video."""
    start, end = (float(edge) / BINS * (span_s[1] - span_s[0]) + span_s[0] for edge in segment)
    return start, end


def _iou(cases: Sequence[Case], spans_s: Sequence[Span], segments: Tensor) -> list[float]:
    answers = [_seconds(span, row) for span, row in zip(spans_s, segments, strict=True)]
    return [metrics.best_iou(answer, case.windows_s) for answer, case in zip(answers, cases, strict=True)]


def _losses(model: Decoder, frames: Tensor, query: Tensor, tokens: Tensor, form: Form) -> list[float]:
    """Mean loss of each of the form's numbers when the tokens before it are given, nats."""
    with torch.no_grad():
        logits = model.token(model(frames, query, tokens)).transpose(1, 2)
    each = functional.cross_entropy(logits, tokens, reduction="none")
    return [float(each[:, at].sum(1).mean()) for at in form.numbers().values()]
