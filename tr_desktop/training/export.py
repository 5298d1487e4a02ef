"""From trained towers to the files of a pack."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tr_desktop.training.backbone import EfficientNetLite2
from tr_desktop.training.quantise import PIXELS


class _ImageTower(nn.Module):
    """uint8 pictures [N,S,S,3] to vectors [N,384]: what turns bytes into numbers is inside."""

    def __init__(self, net: EfficientNetLite2, head: nn.Module) -> None:
        super().__init__()
        self.net, self.head = net, head

    def forward(self, pictures: Tensor) -> Tensor:
        x = (pictures.permute(0, 3, 1, 2).float() - 127.0) / 128.0
        vectors: Tensor = self.head(self.net(x).mean((2, 3)))
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


def write_pack(folder: Path, manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    """Write `files` and a pack.json that lists them, with the rest of the `manifest`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    listed = {
        name: {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(files.items())
    }
    (folder / "pack.json").write_text(json.dumps({"schema": 1, **manifest, "files": listed}, indent=1) + "\n")


def list_in_pack(file: Path) -> None:
    """List `file`, new or changed, in the pack.json beside it; where there is none, nothing is done."""
    listing, content = file.with_name("pack.json"), file.read_bytes()
    if listing.exists():
        pack = json.loads(listing.read_text())
        pack["files"][file.name] = {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        listing.write_text(json.dumps(pack, indent=1) + "\n")


def npy(array: NDArray[Any]) -> bytes:
    """`array` as the bytes of a .npy file."""
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()
