"""The late blocks as matrix products: the same numbers as the convolutions they train."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`")


def test_late_blocks_give_what_the_convolutions_give_and_train_them() -> None:
    from tr_desktop.training.encoder.backbone import EfficientNetLite2, pooled
    from tr_desktop.training.encoder.late import LateBlocks

    torch.manual_seed(0)
    net = EfficientNetLite2().eval()
    for parameter in net.parameters():
        parameter.data.normal_(0, 0.05)
    late = LateBlocks(net, 3)
    maps = torch.randn(2, 208, 3, 3)
    wanted = pooled(net.late(maps).flatten(2))
    torch.testing.assert_close(late(maps), wanted, rtol=1e-3, atol=1e-4)
    late(maps).sum().backward()
    gradient = net.blocks[net.cut].depthwise.weight.grad
    assert gradient is not None
    assert gradient.abs().sum() > 0
