"""The late blocks in a form that a CPU trains fast: every layer is one matrix product.

Activations lie as [C, N·P] (channels, pictures times places), so that a 1x1 convolution is one product and a
depthwise one, on maps as small as 6 x 6, is a batched product with its kernel spelt out as a P x P matrix for each
channel. The same numbers as `EfficientNetLite2.late`, several times faster than depthwise convolutions in torch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tr_desktop.training.encoder.backbone import HEAD, Conv, EfficientNetLite2, MobileBlock, pooled


class LateBlocks(nn.Module):
    """Maps [N,208,s,s] to pooled features [N,FEATURES]. Holds the convolutions of `net`: training them trains `net`."""

    def __init__(self, net: EfficientNetLite2, side: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(list(net.blocks)[net.cut :])
        self.head = net.head
        for block in self.blocks:
            assert isinstance(block, MobileBlock)
            kernel = block.depthwise.kernel_size[0]
            self.register_buffer(f"spread{kernel}", _spread(kernel, side), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        n, channels = maps.shape[:2]
        x = maps.permute(1, 0, 2, 3).reshape(channels, -1)
        for block in self.blocks:
            assert isinstance(block, MobileBlock) and block.expand is not None
            y = _pointwise(block.expand, x).clamp(0, 6)
            y = self._depthwise(block.depthwise, y, n).clamp(0, 6)
            y = _pointwise(block.project, y)
            x = x + y if block.has_shortcut else y
        x = _pointwise(self.head, x).clamp(0, 6)
        return pooled(x.float().view(HEAD, n, -1).transpose(0, 1))

    def _depthwise(self, conv: Conv, x: Tensor, n: int) -> Tensor:
        channels, kernel = conv.weight.shape[0], conv.kernel_size[0]
        spread = getattr(self, f"spread{kernel}")  # [k*k, P*P]
        places = x.shape[1] // n
        full = (conv.weight.view(channels, -1) @ spread).view(channels, places, places)
        assert conv.bias is not None
        y = torch.bmm(x.view(channels, n, places), full.to(x.dtype))
        return (y + conv.bias[:, None, None].to(x.dtype)).view(channels, -1)


def _pointwise(conv: Conv, x: Tensor) -> Tensor:
    assert conv.bias is not None
    return conv.weight.flatten(1) @ x + conv.bias[:, None].to(x.dtype)


def _spread(kernel: int, side: int) -> Tensor:
    """[k*k, P*P]: which kernel entry leads from place p to place q of a side x side map, P = side²."""
    half = kernel // 2
    spread = torch.zeros(kernel, kernel, side, side, side, side)
    for row in range(side):
        for column in range(side):
            for down in range(kernel):
                for right in range(kernel):
                    y, x = row + down - half, column + right - half
                    if 0 <= y < side and 0 <= x < side:
                        spread[down, right, y, x, row, column] = 1
    return spread.view(kernel * kernel, side**4)
