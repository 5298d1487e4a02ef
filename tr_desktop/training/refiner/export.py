"""From a trained refiner to `refiner.onnx`: the votes once, then one step as the body of a loop.

With a loop the graph is an eighth of the size of eight unrolled steps: it opens in a tenth of a second, and only the
steps that callers ask for are computed.
"""

from __future__ import annotations

import io
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper
from onnx.compose import add_prefix_graph
from torch import Tensor, nn
from torch.nn import functional

from tr_desktop.refine.signals import NAMES
from tr_desktop.training.refiner.model import RefinerNet

OPSET = 17
INPUTS: dict[str, list[str | int]] = {
    "channels": ["T", len(NAMES)],
    "vectors": ["T", "D"],
    "times": ["T"],
    "segments": ["M", 2],
    "reach": ["M", "K"],
}
OUTPUTS: dict[str, list[str | int]] = {"dense": ["T", 3], "steps": ["M", "K1", 5]}


class _Votes(nn.Module):
    """channels [T, C], times [T] → features [T, WIDTH], dense [T, 3]."""

    def __init__(self, model: RefinerNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, channels: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        features = self.model.trunk(channels[None], torch.ones_like(times)[None])
        score, votes = self.model.rough(features, times[None])
        return features[0], torch.cat([torch.sigmoid(score[0])[:, None], votes[0]], -1)


class _Step(nn.Module):
    """Step `number` of K + 1: rates the segments that it is given and moves them.

    number: int64 scalar; given: [M, 2], the last step's; others as in `export_refiner`. → moved [M, 2], row [M, 5].
    """

    edges: Tensor

    def __init__(self, model: RefinerNet, edges: Tensor) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("edges", edges)

    def forward(
        self, number: Tensor, given: Tensor, features: Tensor, vectors: Tensor, times: Tensor, segments: Tensor,
        reach: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        column = torch.minimum(
            number, torch.full((), reach.shape[1], dtype=torch.int64) - 1
        )  # the last row is rated only
        timeline = features[None], vectors[None], times[None], torch.ones_like(times)[None].sum(1).to(torch.int64)
        start = given if self.model.is_chained else segments
        each = [
            block(*timeline, start[None], reach.index_select(1, column.reshape(1)).T, self.model.is_careful)
            for block in self.model.blocks
        ]
        moved, quality, edges = (torch.cat(part) for part in list(zip(*each, strict=True))[:3])
        if len(each) > 1:  # a block for each step
            moved, quality, edges = (part.index_select(0, number.reshape(1)) for part in (moved, quality, edges))
        scale, shift = self.edges
        rated = torch.cat([torch.sigmoid(quality[0])[:, None], torch.sigmoid(edges[0] * scale + shift)], -1)
        return moved[0], torch.cat([given, rated], -1)


def export_refiner(model: RefinerNet, calibration: Tensor, path: Path) -> None:
    """Write `refiner.onnx`: one file, fp32, every dimension free except the number of signals.

    calibration: [2, 2], scale and shift of the score's log-odds (kept in the file's metadata) and of the edges'.
    Inputs: channels [T, len(NAMES)], vectors [T, D], times [T], segments [M, 2], reach [M, K] with 1 ≤ K ≤ MAX_STEPS.
    Outputs: dense [T, 3] (score, start_s, end_s: each frame's vote) and steps [M, K + 1, 5] (start_s, end_s,
    quality, confidence of the start and of the end).
    """
    frames, width, segments, steps = 24, 6, 3, 2
    torch.manual_seed(0)
    channels, times = torch.randn(frames, len(NAMES)), torch.arange(frames) / 2
    vectors = functional.normalize(torch.randn(frames, width), dim=1)
    given, reach = torch.tensor([[2.0, 5.0], [1.0, 9.0], [6.0, 7.0]]), torch.full((segments, steps), 2.0)
    model = model.eval()
    votes = _graph(_Votes(model), {"channels": channels, "times": times}, ["features", "dense"])
    with torch.no_grad():
        features = model.trunk(channels[None], torch.ones_like(times)[None])[0]
    number = torch.tensor(0)
    seen = {"features": features, "vectors": vectors, "times": times, "segments": given, "reach": reach}
    body = _graph(_Step(model, calibration[1]), {"number": number, "given": given, **seen}, ["moved", "row"])
    graph = helper.make_model(_looped(votes, body), opset_imports=[helper.make_opsetid("", OPSET)])
    graph.ir_version = 8  # supported by readers of this operator set
    for name, value in zip(("scale", "shift"), calibration[0].tolist(), strict=True):
        graph.metadata_props.add(key=f"score_{name}", value=f"{value:.6g}")
    onnx.checker.check_model(graph)
    path.write_bytes(graph.SerializeToString())


def _graph(module: nn.Module, inputs: dict[str, Tensor], outputs: list[str]) -> onnx.GraphProto:
    free = {"channels": {0: "T"}, "vectors": {0: "T", 1: "D"}, "times": {0: "T"}, "features": {0: "T"}}
    free |= {"segments": {0: "M"}, "given": {0: "M"}, "reach": {0: "M", 1: "K"}}
    buffer = io.BytesIO()
    torch.onnx.export(
        module.eval(), tuple(inputs.values()), buffer,  # type: ignore[arg-type]
        input_names=list(inputs), output_names=outputs, opset_version=OPSET, dynamo=False,
        dynamic_axes={name: axes for name, axes in free.items() if name in inputs},
    )  # fmt: skip
    graph: onnx.GraphProto = onnx.load_from_string(buffer.getvalue()).graph
    return graph


def _looped(votes: onnx.GraphProto, step: onnx.GraphProto) -> onnx.GraphProto:
    """The votes, then `step` K + 1 times; its body reads the timeline from the graph around it."""
    add_prefix_graph(step, "step/", rename_inputs=False, rename_outputs=False, inplace=True)
    go_on = helper.make_node("Identity", ["is_on"], ["step/goes_on"])
    body = helper.make_graph(
        [*step.node, go_on],
        "step",
        [
            _value("number", [], TensorProto.INT64),
            _value("is_on", [], TensorProto.BOOL),
            _value("given", ["M", 2]),
        ],
        [_value("step/goes_on", [], TensorProto.BOOL), _value("moved", ["M", 2]), _value("row", ["M", 5])],
        list(step.initializer),
    )
    around = [
        helper.make_node("Shape", ["reach"], ["count"], start=1),
        helper.make_node("Constant", [], ["one"], value_ints=[1]),
        helper.make_node("Add", ["count", "one"], ["rows"]),
        helper.make_node("Loop", ["rows", "", "segments"], ["last", "by_step"], body=body),
        helper.make_node("Transpose", ["by_step"], ["steps"], perm=[1, 0, 2]),
    ]
    inputs = [_value(name, shape) for name, shape in INPUTS.items()]
    outputs = [_value(name, shape) for name, shape in OUTPUTS.items()]
    return helper.make_graph([*votes.node, *around], "refiner", inputs, outputs, list(votes.initializer))


def _value(name: str, shape: list[str | int], kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)
