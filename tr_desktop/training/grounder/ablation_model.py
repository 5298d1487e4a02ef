"""A small causal decoder: frames, then the query, then the answer's tokens, as VTimeLLM orders them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from tr_desktop.training.grounder.ablation_answers import TOKENS

WIDTH = 48
LAYERS = 3
HEADS = 3
Rotation = tuple[Tensor, Tensor]  # cosines and sines, [L, WIDTH / HEADS / 2] each
Cache = Sequence[tuple[Tensor, Tensor] | None]  # keys and values of each block: [B, HEADS, L, WIDTH / HEADS]
EMPTY: Cache = [None] * LAYERS


class Block(nn.Module):
    """Causal attention and a feed-forward layer."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.to_heads, self.from_heads = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.widen, self.narrow = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(
        self, x: Tensor, turn: Rotation, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        batch, length, _ = x.shape
        parts = self.to_heads(self.before(x)).view(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = _turned(parts[0], turn), _turned(parts[1], turn), parts[2]
        if past is not None:
            key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=past is None)
        x = x + self.from_heads(seen.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.narrow(functional.gelu(self.widen(self.between(x)))), (key, value)


class Decoder(nn.Module):
    """About 0.13 M parameters at 384 dimensions. frame_width: numbers that describe a frame; query_width: the query."""

    def __init__(self, frames: int, frame_width: int, query_width: int) -> None:
        super().__init__()
        self.frame, self.query = nn.Linear(frame_width, WIDTH), nn.Linear(query_width, WIDTH)
        angles = _angles(0, frames, WIDTH // 2)
        self.place = nn.Parameter(torch.cat([angles.sin(), angles.cos()], 1))
        self.word = nn.Embedding(TOKENS, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm, self.token = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, TOKENS)
        self.auxiliary = nn.Linear(WIDTH, 2)

    def forward(self, frames: Tensor, query: Tensor, tokens: Tensor) -> Tensor:
        """States [B, L, WIDTH]: that at j is followed by token j of `tokens` [B, L]. See `Windows` for the others."""
        before = torch.cat([self._prefix(frames, query), self.word(tokens[:, :-1])], 1)
        return self._states(before, 0, EMPTY)[0][:, frames.shape[1] :]

    def greedy(self, frames: Tensor, query: Tensor, length: int) -> Tensor:
        """The likeliest token after each other one: [B, length]."""
        with torch.no_grad():
            states, cache = self._states(self._prefix(frames, query), 0, EMPTY)
            tokens = [self.token(states[:, -1]).argmax(-1)]
            for number in range(1, length):
                after = self.word(tokens[-1])[:, None]
                states, cache = self._states(after, frames.shape[1] + number, cache)
                tokens.append(self.token(states[:, -1]).argmax(-1))
        return torch.stack(tokens, 1)

    def _prefix(self, frames: Tensor, query: Tensor) -> Tensor:
        asked = self.query(query * query.shape[1] ** 0.5)[:, None]
        return torch.cat([self.frame(frames) + self.place, asked], 1)

    def _states(self, x: Tensor, first: int, past: Cache) -> tuple[Tensor, Cache]:
        """x: [B, L, WIDTH], of which the first stands at place `first`."""
        angles = _angles(first, x.shape[1], WIDTH // HEADS // 2)
        turn, cache = (angles.cos(), angles.sin()), list[tuple[Tensor, Tensor]]()
        for block, before in zip(self.blocks, past, strict=True):
            x, kept = block(x, turn, before)
            cache.append(kept)
        return self.norm(x), cache


def multiply_adds(frames: int, length: int) -> int:
    """Of the blocks, in one pass over a window's frames, its query and an answer of `length` tokens."""
    places = frames + length
    return LAYERS * (12 * WIDTH**2 * places + 2 * WIDTH * places**2)


def _angles(first: int, places: int, frequencies: int) -> Tensor:
    """Of the places from `first` on: [places, frequencies]."""
    return torch.arange(first, first + places)[:, None] * 10000 ** (-torch.arange(frequencies) / frequencies)


def _turned(x: Tensor, turn: Rotation) -> Tensor:
    """Rotary positions (RoFormer, Su et al., arXiv 2104.09864)."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * turn[0] - b * turn[1], a * turn[1] + b * turn[0]], -1)
