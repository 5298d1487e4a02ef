"""The two towers as ONNX, in full or half precision or with 8-bit weights."""

from __future__ import annotations

import io
import warnings
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tr_desktop.errors import PackError
from tr_desktop.models.convert import libraries
from tr_desktop.models.convert.attention import simplify
from tr_desktop.models.convert.checkpoint import Checkpoint, PictureRules

_OPSET = 17
MOST_BYTES = 2_000_000_000  # protobuf's limit is 2 GiB for a file
_REDUCED = ("MatMul", "Gather")  # convolutions gain nothing from 8 bits on most processors


class Precision(Enum):
    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class _ImageTower(nn.Module):
    """uint8 pictures [N, S, S, 3] to float vectors [N, D]: what turns bytes into the tower's numbers is inside."""

    factor: Tensor
    offset: Tensor

    def __init__(self, tower: nn.Module, rules: PictureRules, half: bool) -> None:
        super().__init__()
        self.tower, self.half_precision = tower, half
        self.edge, self.crop = (rules.shape.size_px - rules.crop_px) // 2, rules.crop_px
        std = torch.tensor(rules.std)
        self.register_buffer("factor", (rules.scale / std).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("offset", (torch.tensor(rules.mean) / std).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        inside = slice(self.edge, self.edge + self.crop)
        numbers = pictures[:, inside, inside].permute(0, 3, 1, 2).float() * self.factor - self.offset
        vectors: Tensor = self.tower(numbers.half() if self.half_precision else numbers)
        return vectors.float()


class _TextTower(nn.Module):
    """Tokens [N, L], and a mask if the tower has one, to float vectors [N, D]."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, *inputs: Tensor) -> Tensor:
        vectors: Tensor = self.tower(*inputs)
        return vectors.float()


def check_sizes(checkpoint: Checkpoint, precision: Precision, folder: Path) -> None:
    """Raises PackError if a tower doesn't fit into one file of ONNX."""
    each = 2 if precision is Precision.FP16 else 4  # 8-bit weights are made of full ones
    for name, numbers in _sizes(checkpoint).items():
        if numbers * each > MOST_BYTES:
            raise PackError(
                f"The {name} tower takes {numbers * each / 1e9:.1f} GB in {precision.value}; 2 GB is the limit of ONNX",
                path=folder,
                remedy="" if precision is Precision.FP16 else "Use --precision fp16",
            )


def _sizes(checkpoint: Checkpoint) -> dict[str, int]:
    """How many numbers each tower has. Both hold the whole model: only what a tower's vectors depend on counts."""
    crop_px = checkpoint.pictures.crop_px
    for parameter in (*checkpoint.image.parameters(), *checkpoint.text.parameters()):
        parameter.requires_grad_(True)
    with torch.enable_grad():
        vectors = {
            "image": checkpoint.image(torch.zeros(1, 3, crop_px, crop_px)),
            "text": checkpoint.text(*checkpoint.sentence_inputs(["a sentence"])),
        }
    return {name: sum(each.numel() for each in _parameters(rows)) for name, rows in vectors.items()}


def _parameters(vectors: Tensor) -> list[Tensor]:
    """The parameters that `vectors` were computed from, once each."""
    found, seen, left = list[Tensor](), set[Any](), [vectors.grad_fn]
    while left:
        node = left.pop()
        if node is not None and node not in seen:
            seen.add(node)
            left += [earlier for earlier, _ in node.next_functions]
            if hasattr(node, "variable"):  # only a parameter's node has one
                found.append(node.variable)
    return found


def image_graph(checkpoint: Checkpoint, precision: Precision, out: Path) -> None:
    """Write the image tower to `out`."""
    size = checkpoint.pictures.shape.size_px
    half = precision is Precision.FP16
    tower = _ImageTower(checkpoint.image.half() if half else checkpoint.image, checkpoint.pictures, half)
    _write(tower, (torch.zeros(2, size, size, 3, dtype=torch.uint8),), ["pictures"], precision, out)


def text_graph(checkpoint: Checkpoint, precision: Precision, out: Path) -> None:
    """Write the text tower to `out`."""
    tower = _TextTower(checkpoint.text.half() if precision is Precision.FP16 else checkpoint.text)
    inputs = checkpoint.sentence_inputs(["a first sentence", "another"])
    _write(tower, inputs, ["tokens", "mask"][: len(inputs)], precision, out)


def _write(tower: nn.Module, inputs: tuple[Tensor, ...], names: list[str], precision: Precision, out: Path) -> None:
    simplify(tower)
    batch = {name: {0: "n"} for name in (*names, "vectors")}
    model = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # about what a trace fixes; the check of the pack shows whether it is right
        torch.onnx.export(
            tower.eval(), inputs, model, input_names=names,  # type: ignore[arg-type]
            output_names=["vectors"],
            dynamic_axes=batch, opset_version=_OPSET, dynamo=False,
        )  # fmt: skip
    out.write_bytes(model.getbuffer())
    if precision is Precision.INT8:
        _reduce(out)


def _reduce(path: Path) -> None:
    """Keep the weights of the graph at `path` in 8 bits; activations are reduced as it runs."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = path.rename(path.with_suffix(".whole"))
    # 7 bits, because processors without VNNI overflow with 8.
    with libraries.quiet():
        quantize_dynamic(whole, path, list(_REDUCED), per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
    whole.unlink()
