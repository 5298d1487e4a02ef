"""PyTorch's own attention module in the form that ONNX Runtime handles best."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional


def simplify(tower: nn.Module) -> None:
    """Replace each `nn.MultiheadAttention` in `tower` by the same in fewer operations.

    Its own graph turns the batch first, and ONNX Runtime 1.32 crashes on such a graph in half precision.
    """
    for module in [each for each in tower.modules() if not isinstance(each, _Attention)]:
        for name, child in module.named_children():
            if isinstance(child, nn.MultiheadAttention) and child.batch_first and child.in_proj_weight is not None:
                setattr(module, name, _Attention(child))


class _Attention(nn.Module):
    """Of a sequence [N, L, D] to itself; anything else is left to the original."""

    def __init__(self, original: nn.MultiheadAttention) -> None:
        super().__init__()
        self.original = original

    def forward(self, query: Tensor, key: Tensor, value: Tensor, **options: Any) -> tuple[Tensor, Tensor | None]:
        own, mask = self.original, options.get("attn_mask")
        if key is not query or value is not query or options.get("need_weights", True):
            both: tuple[Tensor, Tensor | None] = own(query, key, value, **options)
            return both
        count, length, width = query.shape
        parts = functional.linear(query, own.in_proj_weight, own.in_proj_bias)
        parts = parts.view(count, length, 3, own.num_heads, width // own.num_heads).permute(2, 0, 3, 1, 4)
        if mask is not None and mask.ndim == 3:
            mask = mask.view(count, own.num_heads, length, length)
        mixed = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], mask)
        return own.out_proj(mixed.transpose(1, 2).reshape(count, length, width)), None
