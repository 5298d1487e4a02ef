"""The trained image tower as ONNX."""

from __future__ import annotations

import io

import torch
from torch import Tensor, nn

from tr_desktop.training.encoder.backbone import EfficientNetLite2, pooled
from tr_desktop.training.encoder.quantise import PIXELS


class _ImageTower(nn.Module):
    """uint8 pictures [N,S,S,3] to vectors [N,384]: what turns bytes into numbers is inside."""

    def __init__(self, net: EfficientNetLite2, head: nn.Module) -> None:
        super().__init__()
        self.net, self.head = net, head

    def forward(self, pictures: Tensor) -> Tensor:
        x = (pictures.permute(0, 3, 1, 2).float() - 127.0) / 128.0
        vectors: Tensor = self.head(pooled(self.net(x).flatten(2)))
        return vectors


def image_model(net: EfficientNetLite2, head: nn.Module, size_px: int) -> bytes:
    """The image tower as ONNX in full precision."""
    out = io.BytesIO()
    torch.onnx.export(
        _ImageTower(net, head).eval(), (torch.zeros(2, size_px, size_px, 3, dtype=torch.uint8),), out,  # type: ignore[arg-type]
        input_names=[PIXELS], output_names=["vectors"], dynamic_axes={PIXELS: {0: "n"}, "vectors": {0: "n"}},
        opset_version=17, dynamo=False,
    )  # fmt: skip
    return out.getvalue()
