"""Pictures a second of image towers beside a ViT-B/32 of the usual shape, all in one run.

    python -m tr_desktop.training.encoder.throughput NAME=FILE.onnx ... [--threads 2] [--size 224]

The rounds alternate between the models, so that whatever else the machine does falls on all of them; besides pictures a
second by the clock, it prints pictures for a second of processor time, which a busy machine hardly changes.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

BATCH, ROUNDS = 16, 5


class VisionTransformerB32(nn.Module):
    """The shape of ViT-B/32 at 224 px (Dosovitskiy et al. 2021), with random weights: 12 layers of 768 on 50 tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 768, 32, 32)
        self.first, self.place = nn.Parameter(torch.zeros(1, 1, 768)), nn.Parameter(torch.zeros(1, 50, 768))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(768, 12, 3072, 0.0, "gelu", batch_first=True, norm_first=True) for _ in range(12)
        )
        self.out = nn.Linear(768, 512)

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.patches(pictures.permute(0, 3, 1, 2).float() / 127.5 - 1).flatten(2).transpose(1, 2)
        x = torch.cat([self.first.expand(x.shape[0], -1, -1), x], 1) + self.place
        for layer in self.layers:
            x = layer(x)
        vectors: Tensor = self.out(x[:, 0])
        return vectors


def vit_model() -> bytes:
    """The ViT as ONNX in full precision, for batches of BATCH."""
    out = io.BytesIO()
    net = VisionTransformerB32().train()  # the fused path of evaluation mode can't be exported; dropout is 0
    torch.onnx.export(
        net, (torch.zeros(BATCH, 224, 224, 3, dtype=torch.uint8),), out,  # type: ignore[arg-type]
        input_names=["pictures"], output_names=["vectors"], opset_version=17, dynamo=False,
        training=torch.onnx.TrainingMode.PRESERVE,
    )  # fmt: skip
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+", metavar="NAME=FILE")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", type=int, default=224)
    arguments = parser.parse_args()
    options = ort.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    models = {
        name: (Path(path).read_bytes(), arguments.size) for name, path in (m.split("=") for m in arguments.models)
    }
    models["ViT-B/32 fp32"] = (vit_model(), 224)
    rng = np.random.default_rng(0)
    runs = {}
    for name, (model, size) in models.items():
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        pictures = {"pictures": rng.integers(0, 256, (BATCH, size, size, 3), np.uint8)}
        session.run(None, pictures)
        runs[name] = (session, pictures)
    clock: dict[str, list[float]] = {name: [] for name in runs}
    processor: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, (session, pictures) in runs.items():
            began, began_processor = time.perf_counter(), time.process_time()
            for _ in range(3):
                session.run(None, pictures)
            clock[name].append(3 * BATCH / (time.perf_counter() - began))
            processor[name].append(3 * BATCH / (time.process_time() - began_processor))
    for name in runs:
        by_clock, by_processor = np.median(clock[name]), np.median(processor[name])
        print(f"{name:16s} {by_clock:7.1f} pictures/s, {by_processor:7.1f} for a second of processor time")


if __name__ == "__main__":
    main()
