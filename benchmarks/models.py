"""The time that the image towers of the open models take for a picture, beside the embedded model's in turns with them.

    python -m benchmarks.models [NAME ...] [--rounds 5]     # in the environment for conversion, with torch

Prints a Markdown table. Each tower has the true shape, from the model's published configuration, and random weights:
the time depends on the shape alone. It is converted as `tr-desktop models get` converts it. Times are of the processor,
on one thread, so other work on the machine changes them little.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.decode import timed
from tr_desktop.models.convert.catalogue import OPEN_MODELS
from tr_desktop.models.pack import load_pack
from tr_desktop.models.runtime import open_session

PIECE = 4
"""Pictures that indexing hands to the tower at once."""
_CLIP = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
_TINY = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 8}
_SO400M = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16}


def clip(**shape: int) -> Any:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    return CLIPVisionModelWithProjection(CLIPVisionConfig(**shape, projection_dim=512, attn_implementation="eager"))


def siglip(**shape: int) -> Any:
    from transformers import SiglipVisionConfig, SiglipVisionModel

    return SiglipVisionModel(SiglipVisionConfig(**shape, attn_implementation="eager"))


def open_clip(name: str) -> Any:
    from tr_desktop.models.convert import libraries

    return libraries.open_clip().create_model(name).visual


TOWERS: dict[str, tuple[Callable[[], Any], int]] = {
    "mobileclip2-s0": (lambda: open_clip("MobileCLIP2-S0"), 256),
    "tinyclip": (lambda: clip(**_TINY, patch_size=32, image_size=224), 224),
    "clip-b32": (lambda: clip(**_CLIP, patch_size=32, image_size=224), 224),
    "openclip-b32": (lambda: clip(**_CLIP, patch_size=32, image_size=256), 256),
    "siglip2-b32": (lambda: siglip(**_CLIP, patch_size=32, image_size=256), 256),
    "siglip2-b16": (lambda: siglip(**_CLIP, patch_size=16, image_size=224), 224),
    "siglip2-so400m": (lambda: siglip(**_SO400M, patch_size=14, image_size=224), 224),
}
"""What makes the tower of each model of the list, and the side of its pictures."""


def tower(name: str, precision: str, folder: Path) -> tuple[bytes, int]:
    """(the converted tower as ONNX, side of its pictures)."""
    from torch import nn

    from tr_desktop.models.convert.checkpoint import Checkpoint, PictureRules, SentenceRules
    from tr_desktop.models.convert.graphs import Precision, image_graph
    from tr_desktop.picture_shape import Fit, Interpolation, PictureShape

    class Vectors(nn.Module):
        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def forward(self, pictures: Any) -> Any:
            out = self.model(pictures)
            return getattr(out, "image_embeds", getattr(out, "pooler_output", out))

    make, size_px = TOWERS[name]
    rules = PictureRules(
        PictureShape(size_px, Fit.SQUASH, Interpolation.BICUBIC), size_px, 1 / 255, (0.5,) * 3, (0.5,) * 3
    )
    image = Vectors(make().float().eval())
    sentences = SentenceRules("", 1, 0, has_mask=False)
    path = folder / f"{name}.onnx"
    image_graph(Checkpoint(image, image, rules, sentences, lambda _: (None, None)), Precision(precision), path)
    model = path.read_bytes()
    path.unlink()
    return model, size_px


def picture_s(model: bytes, size_px: int) -> Callable[[], float]:
    """What measures the processor seconds for a picture."""
    session = open_session(model, "cpu", threads=1)
    pictures = np.random.default_rng(0).integers(0, 256, (PIECE, size_px, size_px, 3), np.uint8)

    def measure() -> float:
        session.run(None, {"pictures": pictures})  # the tower measured before has left its own weights in the caches
        return timed(lambda: session.run(None, {"pictures": pictures}), resource.RUSAGE_SELF)[1] / PIECE

    return measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", help="models of the list (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each measurement (default %(default)s)")
    parser.add_argument("--precision", choices=("fp32", "fp16", "int8"), help="instead of the list's own")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} when it began\n")
    pack = load_pack("mini")
    mini = picture_s(pack.read("image.onnx"), pack.input_px)
    print("| model | precision | image tower | `mini`, ms a picture | ms a picture | times `mini` |")
    print("|---|---|---|---|---|---|")
    for model in OPEN_MODELS:
        if given.names and model.name not in given.names:
            continue
        precision = given.precision or model.precision
        with tempfile.TemporaryDirectory() as folder:
            graph, size_px = tower(model.name, precision, Path(folder))
        own = picture_s(graph, size_px)
        mini_s, own_s = np.median([(mini(), own()) for _ in range(given.rounds)], axis=0)  # in turns
        size = f"{len(graph) / 1e6:.0f} MB"
        times = f"{1e3 * mini_s:.1f} | {1e3 * own_s:.1f} | **{own_s / mini_s:.0f}**"
        print(f"| `{model.name}` | {precision} | {size} | {times} |", flush=True)


if __name__ == "__main__":
    main()
