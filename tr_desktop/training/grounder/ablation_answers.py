"""Answers as digit tokens over 100 bins of a window: written at once, or refined step by step as in TimeRefine.

An answer is `From 30 to 46`. A refined one is several steps, each a rough segment and its distance from the truth:
`30 to 46 offset +05 and -06` (TimeRefine, Wang et al., arXiv 2412.09601). Rough segments enclose the truth and are
independent of one another; how far they lie from it becomes less from step to step.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 100
# Tokens 0 to 9 are the digits.
TO, OFFSET, PLUS, MINUS, AND, START, AGAIN, END = range(10, 18)
TOKENS = 18
# A step's tokens: mark, two digits, TO, two digits, OFFSET, sign, two digits, AND, sign, two digits.
STEP_TOKENS = 14
MARK_AT = 6  # OFFSET within a step
ROUGH_AT = (1, 2, 4, 5)
OFFSETS_AT = (7, 8, 9, 11, 12, 13)
PUBLISHED_SIGMAS_S = (5.0, 3.0, 1.0, 0.0)


@dataclass(frozen=True)
class Form:
    """How an answer is written. sigmas_s: standard deviation of each step's rough segment, seconds; none: directly."""

    sigmas_s: tuple[float, ...] = ()

    @property
    def steps(self) -> int:
        """Segments that an answer of this form holds."""
        return max(len(self.sigmas_s), 1)

    @property
    def length(self) -> int:
        """Tokens of an answer."""
        return STEP_TOKENS * len(self.sigmas_s) + 1 if self.sigmas_s else 7

    @property
    def marks(self) -> tuple[int, ...]:
        """Tokens from whose state the auxiliary head reads the truth: each OFFSET; of a direct answer the first."""
        return tuple(STEP_TOKENS * step + MARK_AT for step in range(len(self.sigmas_s))) or (0,)

    def numbers(self) -> dict[str, list[int]]:
        """Name → tokens of what an answer says: its rough segments and their offsets, step by step."""
        if not self.sigmas_s:
            return {"answer": list(ROUGH_AT)}
        named = {}
        for step in range(self.steps):
            named[f"rough {step + 1}"] = [STEP_TOKENS * step + at for at in ROUGH_AT]
            named[f"offsets {step + 1}"] = [STEP_TOKENS * step + at for at in OFFSETS_AT]
        return named


DIRECT = Form()
REFINE = Form(PUBLISHED_SIGMAS_S)
REPEAT = Form((0.0,) * len(PUBLISHED_SIGMAS_S))  # REFINE's length, and the truth in every step


@dataclass(frozen=True)
class Answer:
    """What a batch of answers says, in bins. rough, segments: [B, steps, 2], before and after the offsets. readable:
    [B, steps], whether the step is written as its form demands."""

    rough: Tensor
    segments: Tensor
    readable: Tensor


def in_bins(shares: Tensor) -> Tensor:
    """Shares of a window, 0 … 1, as bins 0 … 99."""
    return (shares * BINS).round().clamp(0, BINS - 1).long()


def write(truth: Tensor, lengths_s: Tensor, form: Form, generator: torch.Generator) -> Tensor:
    """The tokens [B, form.length] that answer `truth` [B, 2] (shares of windows of `lengths_s` [B] seconds)."""
    target, count = in_bins(truth), len(truth)

    def same(token: int) -> Tensor:
        return torch.full((count, 1), token)

    if not form.sigmas_s:
        ends = _digits(target[:, 0]), _digits(target[:, 1])
        return torch.cat([same(START), ends[0], same(TO), ends[1], same(END)], 1)
    parts: list[Tensor] = []
    for step, sigma_s in enumerate(form.sigmas_s):
        # Half a normal distribution outwards is a normal one of which only what encloses the truth is kept.
        away = torch.randn(truth.shape, generator=generator).abs() * sigma_s / lengths_s[:, None]
        rough = in_bins(truth + away * torch.tensor([-1.0, 1.0]))
        offsets = target - rough
        parts += [same(AGAIN if step else START), _digits(rough[:, 0]), same(TO), _digits(rough[:, 1]), same(OFFSET)]
        parts += [*_signed(offsets[:, 0]), same(AND), *_signed(offsets[:, 1])]
    return torch.cat([*parts, same(END)], 1)


def read(tokens: Tensor, form: Form) -> Answer:
    """What `tokens` [B, form.length] say; a step that isn't written as it should be has the segment 0 to 0."""
    if not form.sigmas_s:
        is_readable = (tokens[:, ROUGH_AT] < 10).all(1) & (tokens[:, 3] == TO)
        rough = torch.stack([_number(tokens, at) for at in (1, 4)], -1) * is_readable[:, None]
        return Answer(rough[:, None], rough[:, None], is_readable[:, None])
    steps = tokens[:, :-1].reshape(len(tokens) * form.steps, STEP_TOKENS)
    digits = [at for at in (*ROUGH_AT, *OFFSETS_AT) if at not in (7, 11)]
    is_readable = (steps[:, digits] < 10).all(1) & (steps[:, 3] == TO) & (steps[:, MARK_AT] == OFFSET)
    is_readable &= ((steps[:, [7, 11]] == PLUS) | (steps[:, [7, 11]] == MINUS)).all(1) & (steps[:, 10] == AND)
    rough = torch.stack([_number(steps, at) for at in (1, 4)], -1)
    offsets = torch.stack([_number(steps, at + 1) * torch.where(steps[:, at] == MINUS, -1, 1) for at in (7, 11)], -1)
    shape = (len(tokens), form.steps)
    rough, segments = ((part * is_readable[:, None]).reshape(*shape, 2) for part in (rough, rough + offsets))
    return Answer(rough, segments, is_readable.reshape(shape))


def _digits(bins: Tensor) -> Tensor:
    return torch.stack([bins // 10, bins % 10], -1)


def _signed(offsets: Tensor) -> tuple[Tensor, Tensor]:
    return torch.where(offsets < 0, MINUS, PLUS)[:, None], _digits(offsets.abs())


def _number(tokens: Tensor, at: int) -> Tensor:
    return 10 * tokens[:, at] + tokens[:, at + 1]
