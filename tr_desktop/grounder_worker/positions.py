"""Where each token stands for Qwen's rotary embedding: three numbers, of time, height and width.

transformers 5 numbers the text after Qwen2.5-VL's video from inside the video's time axis. Its 4.57.3, with which the
released checkpoints were made, starts after the video's largest number, but cuts the seconds between two pairs of
frames down to whole ones. These positions are those of 4.57.3 if the seconds are whole, and right between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Block:
    """Tokens of a video. times: the number of each pair of frames on the time axis, 0 for the block's start. height,
    width: tokens of each pair."""

    times: tuple[int, ...]
    height: int
    width: int

    def __len__(self) -> int:
        return len(self.times) * self.height * self.width


def positions(parts: Sequence[int | Block]) -> Tensor:
    """The positions of a sequence, int64 [3, L]. parts: a number of text tokens, or a block of a video.

    What follows a block starts after its largest number.
    """
    placed, at = [torch.empty((3, 0), dtype=torch.long)], 0
    for part in parts:
        if isinstance(part, Block):
            count, size = len(part.times), part.height * part.width
            of_part = torch.stack(
                [
                    torch.tensor(part.times).repeat_interleave(size),
                    torch.arange(part.height).repeat_interleave(part.width).repeat(count),
                    torch.arange(part.width).repeat(count * part.height),
                ]
            )
        else:
            of_part = torch.arange(part).expand(3, part)
        placed.append(of_part + at)
        if of_part.numel():
            at = int(placed[-1].max()) + 1
    return torch.cat(placed, dim=1)
