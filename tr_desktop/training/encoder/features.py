"""The output of the frozen early blocks, computed once through ONNX Runtime and kept on disk.

The early blocks take most of the time of a picture and are never trained, so their output (a map at stride 32, float16)
is cached for each view of each picture; training the late blocks then reads a file. An interrupted run resumes where it
stopped: the order of jobs follows from the corpus and the configuration.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from tr_desktop.training.encoder.backbone import FEATURES, EfficientNetLite2, pooled
from tr_desktop.training.encoder.corpus import Picture
from tr_desktop.training.encoder.quantise import PIXELS, quantised
from tr_desktop.training.encoder.views import augmented, centre_view, unsquashed

BATCH = 16
CHANNELS = 208


@dataclass(frozen=True)
class ViewJob:
    """One view of one picture: 0 is squashed only, others are augmented."""

    picture: int
    view: int


class _Late(nn.Module):
    """[N,208,S/32,S/32] → pooled [N,FEATURES]."""

    def __init__(self, net: EfficientNetLite2) -> None:
        super().__init__()
        self.net = net

    def forward(self, some: Tensor) -> Tensor:
        return pooled(self.net.late(some).flatten(2))


class _Early(nn.Module):
    """uint8 [N,S,S,3] → [N,208,S/32,S/32]."""

    def __init__(self, net: EfficientNetLite2) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        x = (pixels.permute(0, 3, 1, 2).float() - 127.0) / 128.0
        return self.net.early(x)


def feature_folder(pictures: Sequence[Picture], jobs: Sequence[ViewJob], size_px: int, cache: Path) -> Path:
    """Where the features of just these views are kept."""
    names = [[pictures[job.picture].key, job.view] for job in jobs]
    digest = hashlib.sha256(json.dumps([names, size_px, 0]).encode()).hexdigest()[:16]
    folder = cache / f"maps-{size_px}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def cached_maps(
    net: EfficientNetLite2, pictures: Sequence[Picture], jobs: Sequence[ViewJob], size_px: int, folder: Path
) -> NDArray[np.float16]:
    """The early maps of `jobs`, [J,208,S/32,S/32] float16, memory-mapped; computes what `folder` lacks."""
    side = size_px // 32
    path, done_path = folder / "maps.f16", folder / "done"
    done = int(done_path.read_text()) if done_path.exists() else 0
    shape = (len(jobs), CHANNELS, side, side)
    maps = np.memmap(path, np.float16, "r+" if path.exists() else "w+", shape=shape)
    if done < len(jobs):
        _fill(maps, done, done_path, early_session(net, pictures, size_px), pictures, jobs, size_px)
    return maps


def _fill(
    maps: NDArray[np.float16],
    done: int,
    done_path: Path,
    session: ort.InferenceSession,
    pictures: Sequence[Picture],
    jobs: Sequence[ViewJob],
    size_px: int,
) -> None:
    def view(index: int) -> NDArray[np.uint8]:
        job = jobs[index]
        picture = pictures[job.picture]
        if job.view == 0:
            return centre_view(picture.pixels(), size_px)
        rng = np.random.default_rng([0, job.picture, job.view])
        pixels = unsquashed(picture.pixels(), rng) if picture.is_squashed else picture.pixels()
        return augmented(pixels, size_px, rng)

    batches = [range(i, min(i + BATCH, len(jobs))) for i in range(done, len(jobs), BATCH)]
    with ThreadPoolExecutor(1) as pool, tqdm(total=len(jobs), initial=done, unit="view", desc="frozen features") as bar:
        ahead = [pool.submit(lambda b: np.stack([view(i) for i in b]), b) for b in batches[:4]]
        for n, batch in enumerate(batches):
            pixels = ahead.pop(0).result()
            if n + 4 < len(batches):
                ahead.append(pool.submit(lambda b: np.stack([view(i) for i in b]), batches[n + 4]))
            maps[batch.start : batch.stop] = session.run(None, {PIXELS: pixels})[0]
            bar.update(len(batch))
            if n % 64 == 63 or n == len(batches) - 1:
                done_path.write_text(str(batch.stop))


def pooled_features(
    net: EfficientNetLite2, maps: NDArray[np.float16], path: Path, batch: int = 64
) -> NDArray[np.float16]:
    """Features [J,FEATURES] of all maps through the frozen late blocks, cached."""
    if not path.exists():
        session = late_session(net, maps.shape[-1])
        out = np.empty((len(maps), FEATURES), np.float16)
        for start in tqdm(range(0, len(maps), batch), unit="batch", desc="pooled features"):
            some = np.asarray(maps[start : start + batch], np.float32)
            out[start : start + batch] = session.run(None, {"map": some})[0]
        np.save(path, out)
    features: NDArray[np.float16] = np.load(path, allow_pickle=False)
    return features


def calibration_squares(pictures: Sequence[Picture], size_px: int) -> list[NDArray[np.uint8]]:
    """The pictures that set the ranges of 8-bit activations: half of them augmented, the same at every call."""
    train = [p for p in pictures if p.split == "train"]
    rng = np.random.default_rng(0)
    chosen = [train[i].pixels() for i in rng.choice(len(train), min(96, len(train)), replace=False)]
    return [augmented(p, size_px, rng) if i % 2 else centre_view(p, size_px) for i, p in enumerate(chosen)]


def early_session(net: EfficientNetLite2, pictures: Sequence[Picture], size_px: int) -> ort.InferenceSession:
    """The early blocks in 8 bits, as the finished tower will run them, in ONNX Runtime: torch is far slower."""
    example = torch.zeros(2, size_px, size_px, 3, dtype=torch.uint8)
    model = _exported(_Early(net), example, PIXELS)
    return _session(quantised(model, calibration_squares(pictures, size_px)))


def late_session(net: EfficientNetLite2, side: int) -> ort.InferenceSession:
    """The late blocks in full precision: `map` [N,208,side,side] to pooled features [N,FEATURES]."""
    return _session(_exported(_Late(net), torch.zeros(2, CHANNELS, side, side), "map"))


def _exported(module: nn.Module, example: Tensor, name: str) -> bytes:
    out = io.BytesIO()
    torch.onnx.export(
        module.eval(), (example,), out,  # type: ignore[arg-type]
        input_names=[name], output_names=["out"], dynamic_axes={name: {0: "n"}, "out": {0: "n"}},
        opset_version=17, dynamo=False,
    )  # fmt: skip
    return out.getvalue()


def _session(model: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the cores
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
