"""How much memory a checkpoint needs, and what of it fits a graphics card.

Computed from the sizes of its files and from its configuration: weights, the attention's cache for one window, and
1.5 GB for all else. Not measured on a card.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tr_desktop.errors import PackError
from tr_desktop.grounders.video_llm.checkpoints import Checkpoint
from tr_desktop.grounders.video_llm.packs import GrounderPack
from tr_desktop.models.convert.recognise import part, read_json

BESIDES_BYTES = 1_500_000_000
_FULL_BYTES = 2  # bf16
_NUMBER_BYTES = {"none": _FULL_BYTES, "int8": 1, "nf4": 0.5625}  # nf4: 4 bits, and 4 bytes for each 64 numbers
_PROMPT_TOKENS = 300
_LEAST_PAIR_TOKENS = 16
_TOKEN_PX = {"qwen2_5_vl": 28, "qwen3_vl": 32}
_SHAPE = 9 / 16  # of most footage
_SMALLER = 3 / 4


@dataclass(frozen=True)
class Fit:
    """How a checkpoint fits. is_nf4: its layers in 4 bits. side_px: of the pictures. needs_bytes: in all."""

    is_nf4: bool
    side_px: int
    needs_bytes: int


def ways_to_fit(pack: GrounderPack, checkpoint: Checkpoint, can_quantise: bool = True) -> list[Fit]:
    """How the checkpoint of `pack` can run, the best first: as it is, in 4 bits, then with smaller pictures.

    can_quantise: whether the device has 4 bits. Raises PackError if the configuration can't be read.
    """
    sizes = sizes_of(_config(checkpoint))
    shown = [(False, pack.side_px), *([(True, pack.side_px)] if can_quantise else [])]
    side_px = pack.side_px
    while _pair_tokens(checkpoint.family, smaller := int(side_px * _SMALLER)) >= _LEAST_PAIR_TOKENS:
        side_px = smaller
        shown.append((can_quantise, side_px))
    return [
        Fit(
            is_nf4,
            side_px,
            sizes.in_memory_bytes(checkpoint.weights_bytes, "nf4" if is_nf4 else "none")
            + sizes.cache_bytes * _tokens(pack, checkpoint.family, side_px)
            + BESIDES_BYTES,
        )
        for is_nf4, side_px in shown
    ]


def best_fit(ways: list[Fit], free_bytes: int) -> Fit | None:
    """The first way that needs no more than free_bytes."""
    return next((way for way in ways if way.needs_bytes <= free_bytes), None)


@dataclass(frozen=True)
class Sizes:
    """layer_numbers: weights of the language model's layers, which quantising is for. cache_bytes: of a token."""

    layer_numbers: int
    cache_bytes: int

    def in_memory_bytes(self, stored_bytes: int, quantise: str) -> int:
        """What weights of `stored_bytes` take. quantise: one of QUANTISED."""
        return stored_bytes - round(self.layer_numbers * (_FULL_BYTES - _NUMBER_BYTES[quantise]))


def sizes_of(path: Path) -> Sizes:
    """What the config.json at `path` says. Raises PackError if it can't be read."""
    config = read_json(path)
    text: dict[str, Any] = config | part(config, "text_config", path)
    try:
        width, inner, layers, heads = (
            int(text[name]) for name in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
        )
        cached_heads = int(text.get("num_key_value_heads") or heads)
        head = int(text.get("head_dim") or width // heads)
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        raise PackError(f"The model's configuration lacks its size ({error!r})", path=path) from error
    attention = 2 * width * heads * head + 2 * width * cached_heads * head
    return Sizes(layers * (attention + 3 * width * inner), layers * cached_heads * head * 2 * _FULL_BYTES)


def _config(checkpoint: Checkpoint) -> Path:
    return checkpoint.folder / ("llm/config.json" if checkpoint.family == "vtime" else "config.json")


def _tokens(pack: GrounderPack, family: str, side_px: int) -> int:
    """Of the longest window and its answer."""
    frames = min(pack.frames_most, math.ceil(pack.window_s * pack.fps))
    seen = frames if family == "vtime" else math.ceil(frames / 2) * _pair_tokens(family, side_px)
    return seen + _PROMPT_TOKENS + pack.new_tokens_most


def _pair_tokens(family: str, side_px: int) -> int:
    """Tokens of two pictures, which are seen together; 0 for a family whose pictures are always as large."""
    token_px = _TOKEN_PX.get(family)
    return 0 if token_px is None else round(side_px / token_px) * round(side_px * _SHAPE / token_px)
