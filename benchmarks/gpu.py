"""Image towers and the refiner on an NVIDIA GPU: ONNX Runtime through CUDA and TensorRT beside torch.compile.

    python -m benchmarks.gpu [--json FILE] [--minutes 8]  # needs torch, transformers, onnx, onnxscript, onnxruntime-gpu
    python -m benchmarks.gpu --quick --minutes 1           # small shapes, to try the script without a GPU

Towers have the true shape of CLIP's ViT-B/32 and ViT-B/16 and random weights: speed doesn't depend on them. Pictures
come as bytes from the computer's memory, and vectors go back there, as in the program. Every part runs in a process of
its own, in limited time; one that fails is named, and the next one runs. TensorRT needs the package tensorrt 10.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.models.runtime import open_session
from tr_desktop.models.trial import Trials
from tr_desktop.refine.signals import signals, view_file

BATCH = 32  # as the program's largest
WIDTH, MEAN, DEVIATION = 512, (0.4815, 0.4578, 0.4082), (0.2686, 0.2613, 0.2758)
ROWS, SEGMENTS, STEPS = 3600, 8, 3  # the refiner's work for a query: half an hour at 2 rows a second, 8 rough answers


@dataclass(frozen=True)
class Shape:
    """A tower, and how long each of its figures is measured."""

    size_px: int = 224
    patch_px: int = 32
    layers: int = 12
    hidden: int = 768
    budget_s: float = 8.0


TRUE = {"ViT-B/32": Shape(), "ViT-B/16": Shape(patch_px=16)}
QUICK = {"tiny/32": Shape(64, 32, 2, 64, 0.3), "tiny/16": Shape(64, 16, 2, 64, 0.3)}


def tower(shape: Shape) -> Any:
    """A torch module: uint8 pictures [N, S, S, 3] to vectors [N, WIDTH]."""
    import torch
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=shape.hidden,
        intermediate_size=4 * shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.hidden // 64,
        image_size=shape.size_px,
        patch_size=shape.patch_px,
        projection_dim=WIDTH,
    )

    class Tower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.vision = CLIPVisionModelWithProjection(config)
            self.register_buffer("mean", torch.tensor(MEAN) * 255)
            self.register_buffer("scale", 1 / (torch.tensor(DEVIATION) * 255))

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            scaled = (pictures.to(self.mean.dtype) - self.mean) * self.scale
            return self.vision(pixel_values=scaled.permute(0, 3, 1, 2)).image_embeds

    return Tower().eval()


def sample(shape: Shape, rows: int = BATCH) -> npt.NDArray[np.uint8]:
    """Random blocks of colour, so that the pictures differ."""
    blocks = np.random.default_rng(0).integers(0, 256, (rows, 4, 4, 3), np.uint8)
    return blocks.repeat(shape.size_px // 4, axis=1).repeat(shape.size_px // 4, axis=2)


def per_s(run: Callable[[], object], rows: int, budget_s: float) -> float:
    """Rows a second: the median of the runs after the first two."""
    times_s, until_s = list[float](), time.perf_counter() + budget_s
    while len(times_s) < 5 or (time.perf_counter() < until_s and len(times_s) < 100):
        started_s = time.perf_counter()
        run()
        times_s.append(time.perf_counter() - started_s)
    return rows / float(np.median(times_s[2:]))


# Parts. Each returns figures by name; vectors are saved for the comparison.


def export(folder: Path, shape: Shape) -> dict[str, float]:
    import torch

    for name, precision in (("fp32", torch.float32), ("fp16", torch.float16)):
        module, pictures = tower(shape).to(precision), torch.from_numpy(sample(shape, 2))
        torch.onnx.export(
            module,
            (pictures,),
            folder / f"{name}.onnx",
            input_names=["pictures"],
            output_names=["vectors"],
            dynamic_shapes=({0: torch.export.Dim("n", min=1, max=4096)},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    return {}


def onnx_runtime(folder: Path, shape: Shape, device: str, precision: str) -> dict[str, float]:
    model, pictures = (folder / f"{precision}.onnx").read_bytes(), sample(shape)
    trials = Trials(model, {"pictures": pictures[:4]}, BATCH)
    started_s = time.perf_counter()
    session = trials.open_on(device)
    np.save(folder / f"{device} {precision}.npy", session.run(None, {"pictures": pictures})[0].astype(np.float32))
    opened_s = time.perf_counter() - started_s
    figures = {
        "open_s": opened_s,
        "per_s": per_s(lambda: session.run(None, {"pictures": pictures}), BATCH, shape.budget_s),
    }
    if device != "tensorrt":  # it would build another engine
        four = {"pictures": pictures[:4]}
        figures["per_s_batch_4"] = per_s(lambda: session.run(None, four), 4, shape.budget_s / 2)
    return figures


def torch_compile(folder: Path, shape: Shape) -> dict[str, float]:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    module = torch.compile(tower(shape).to(device, torch.float16 if device == "cuda" else torch.float32))
    pictures = torch.from_numpy(sample(shape))

    def run() -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            return module(pictures.to(device)).float().cpu().numpy()

    started_s = time.perf_counter()
    np.save(folder / "torch.npy", run())
    return {"open_s": time.perf_counter() - started_s, "per_s": per_s(run, BATCH, shape.budget_s)}


def refiner(device: str, budget_s: float) -> dict[str, float]:
    pack = load_pack("mini")
    rows = np.random.default_rng(1).normal(size=(ROWS + 1, pack.width)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    view = view_file(rows[:-1], rows[-1], Encoder(pack, "cpu").background, ROWS / 2)
    seen = signals(rows[:-1], np.arange(ROWS) / 2, view)
    starts = np.linspace(10, ROWS / 2 - 30, SEGMENTS, dtype=np.float32)
    inputs = {
        "channels": seen.channels,
        "vectors": seen.vectors,
        "times": seen.times_s,
        "segments": np.stack([starts, starts + 8], axis=1),
        "reach": np.full((SEGMENTS, STEPS), 4, np.float32),
    }
    session = open_session(pack.read("refiner.onnx"), device, threads=1)
    return {"query_ms": 1000 / per_s(lambda: session.run(None, inputs), 1, budget_s)}


def parts(shapes: dict[str, Shape], devices: list[str]) -> list[tuple[str, str, float]]:
    """(part, tower, most seconds), in the order of their worth: one that comes too late is left out."""
    found = [(f"refiner {device}", next(iter(shapes)), 40.0) for device in devices if device != "tensorrt"]
    for name in shapes:
        found += [("export", name, 120.0), ("cpu fp32", name, 60.0)]
        found += [(f"{device} {precision}", name, 60.0) for device in devices[1:2] for precision in ("fp32", "fp16")]
        found += [("torch.compile fp16", name, 90.0)]
    return found + [(f"{device} fp16", name, 150.0) for device in devices[2:] for name in shapes]


def run_part(part: str, shape: Shape, folder: Path) -> dict[str, float]:
    kind, _, rest = part.partition(" ")
    match kind:
        case "refiner":
            return refiner(rest, shape.budget_s)
        case "export":
            return export(folder, shape)
        case "torch.compile":
            return torch_compile(folder, shape)
        case device:
            return onnx_runtime(folder, shape, device, rest)


def in_own_process(part: str, name: str, folder: Path, limit_s: float, quick: bool) -> dict[str, float] | str:
    """The figures of a part, or why there are none."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--part", part, "--tower", name, "--folder", str(folder)]
    try:
        done = subprocess.run(
            [*command, *(["--quick"] if quick else [])], capture_output=True, text=True, timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        return f"took longer than {limit_s:.0f} s"
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        said = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith(" ")]
        return said[-1].partition("Error: ")[2][:300] or said[-1] if said else f"ended with status {done.returncode}"
    figures: dict[str, float] = json.loads(lines[-1])
    return figures


def gpu() -> str:
    """The name of the GPU and the version of its driver."""
    ask = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip().splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "no GPU of NVIDIA"


def least_cosine(folder: Path, file: str) -> float | None:
    """Between the vectors of a part and those of the CPU; None if one is missing."""
    try:
        one, other = (np.load(folder / f"{name}.npy") for name in ("cpu fp32", file))
    except OSError:
        return None
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(axis=1) / lengths).min())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures here")
    parser.add_argument("--minutes", type=float, default=8.0, help="most time in all (default 8)")
    parser.add_argument("--quick", action="store_true", help="small towers, to try the script")
    for internal in ("--part", "--tower", "--folder"):
        parser.add_argument(internal, help=argparse.SUPPRESS)
    given = parser.parse_args()
    shapes = QUICK if given.quick else TRUE
    if given.part:
        print(json.dumps(run_part(given.part, shapes.get(given.tower, Shape()), Path(given.folder))))
        return
    until_s, results = time.monotonic() + given.minutes * 60, list[dict[str, Any]]()
    machine = f"{gpu()}, {os.cpu_count()} cores, ONNX Runtime {onnxruntime.__version__}"
    print(f"{machine}, batches of {BATCH}\n")
    print("| tower | part | pictures a second | in batches of 4 | least cosine to the CPU | time to open, s |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as made:
        for part, name, limit_s in parts(shapes, ["cpu", "cuda", "tensorrt"]):
            folder = Path(made, name.replace("/", "-"))
            folder.mkdir(exist_ok=True)
            left_s, found = until_s - time.monotonic(), "no time left"
            if part.endswith(("fp32", "fp16")) and not part.startswith("torch") and not any(folder.iterdir()):
                found = "there is no model, because it wasn't exported"
            elif left_s > 5:
                found = in_own_process(part, name, folder, min(limit_s, left_s), given.quick)
            result: dict[str, Any] = {"tower": name, "part": part}
            if isinstance(found, str):
                print(f"| {name} | {part} | failed: {found.replace('|', '/')} | | | |", flush=True)
                results.append(result | {"failed": found})
                continue
            cosine = least_cosine(folder, "torch" if part.startswith("torch") else part)
            results.append(result | found | ({} if cosine is None else {"least_cosine": cosine}))
            if "query_ms" in found:
                print(f"| | {part} | {found['query_ms']:.1f} ms a query | | | |", flush=True)
            elif found:
                row = [f"{found['per_s']:.0f}", f"{found['per_s_batch_4']:.0f}" if "per_s_batch_4" in found else ""]
                row += ["" if cosine is None else f"{cosine:.5f}", f"{found['open_s']:.1f}"]
                print(f"| {name} | {part} | {' | '.join(row)} |", flush=True)
    if given.json:
        given.json.write_text(json.dumps({"machine": machine, "batch": BATCH, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
