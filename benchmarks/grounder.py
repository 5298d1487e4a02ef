"""A video language model in the grounder's worker: times and memory of a window, with random weights of a true shape.

    python -m benchmarks.grounder [--device cuda] [--minutes 8] [--json OUT]     # needs the extra `llm`; 10 GB of disk
    python -m benchmarks.grounder --quick                                        # tiny sizes, for a try on any computer

Prints a Markdown table: for weights as they are, and quantised to nf4, the time to load them and their memory; for a
usual and for a large window, the time until the first word (the window's pictures are read), words a second after that,
the time of the second question about the same pictures, and the most memory in use. The shape is that of Qwen3-VL-2B;
time and memory don't depend on what the weights are. The last line reads the large window with too little memory.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tr_desktop.errors import UserError
from tr_desktop.grounder_worker.decoding import Context, written
from tr_desktop.grounder_worker.devices import device_of
from tr_desktop.grounder_worker.load import free_memory, load, weights_bytes
from tr_desktop.grounder_worker.prompt import Encoder
from tr_desktop.grounder_worker.qwen import Qwen
from tr_desktop.grounders.video_llm.messages import Question
from tr_desktop.training.grounder.tiny import write_random

FAMILY = "qwen3_vl"
TEXT = {
    "vocab_size": 151936,
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 5e6,
        "mrope_section": [24, 20, 20],
        "mrope_interleaved": True,
    },
}
VISION = {
    "depth": 24,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_heads": 16,
    "out_hidden_size": 2048,
    "num_position_embeddings": 2304,
    "deepstack_visual_indexes": [5, 11, 17],
}
WINDOWS = {"48 pictures, 384×216": (48, 216, 384), "128 pictures, 640×360": (128, 360, 640)}
QUICK_WINDOWS = {"4 pictures, 96×64": (4, 64, 96), "8 pictures, 128×96": (8, 96, 128)}
WORDS = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--minutes", type=float, default=8.0, help="begin no new part after this time")
    parser.add_argument("--quick", action="store_true", help="tiny sizes")
    parser.add_argument("--json", type=Path, help="write the results here too")
    arguments = parser.parse_args()
    device = device_of("cpu" if arguments.quick else arguments.device)
    until_s = time.monotonic() + 60 * arguments.minutes
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        _write(folder, device, is_quick=arguments.quick)
        print(
            f"{FAMILY}, {weights_bytes(folder) / 1e9:.2f} GB of weights on {_name(device)}, torch {torch.__version__}\n"
        )
        print("| weights | window | tokens | load | memory | first word | words/s | second question | most memory |")
        print("|---|---|---|---|---|---|---|---|---|")
        windows = QUICK_WINDOWS if arguments.quick else WINDOWS
        for quantise in ("none", "nf4"):
            for result in _measured(folder, device, quantise, windows, until_s):
                results.append(result)
                print(_line(result), flush=True)
        if device.type == "cuda" and time.monotonic() < until_s:
            results.append({"without_memory": _without_memory(folder, WINDOWS["128 pictures, 640×360"])})
            print(f"\nWith too little memory: {results[-1]['without_memory']}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


def _write(folder: Path, device: torch.device, *, is_quick: bool) -> None:
    if is_quick:
        write_random(FAMILY, folder)
        return
    torch.set_default_dtype(torch.bfloat16)
    try:
        with device:
            write_random(FAMILY, folder, text=TEXT, vision=VISION)
    finally:
        torch.set_default_dtype(torch.float32)
    free_memory()


def _measured(
    folder: Path, device: torch.device, quantise: str, windows: dict[str, tuple[int, int, int]], until_s: float
) -> Iterator[dict[str, Any]]:
    _start_counting(device)
    begun_s = time.monotonic()
    model = load(folder, FAMILY, device.type, quantise)
    loaded = {"quantise": quantise, "load_s": _since(begun_s, device), "memory_bytes": _memory(device)[0]}
    encoder, context = Encoder(folder, model.config), Context(model)
    for name, shape in windows.items():
        context.forget()
        free_memory()
        if time.monotonic() > until_s:
            return
        _start_counting(device)
        begun_s = time.monotonic()
        asked = _question(shape)
        prompt = encoder.prompt(encoder.video_maker(asked.pictures, asked.times_s), "Find the dog.")
        logits = context.read(prompt)
        read_s = _since(begun_s, device)
        begun_s = time.monotonic()
        more = {"ends": (), "not_written": encoder.not_written}
        for _ in written(context, logits, encoder.tokenizer, WORDS, lambda: None, **more):
            pass
        write_s = _since(begun_s, device)
        begun_s = time.monotonic()
        context.read(encoder.prompt(prompt.video, "Is there a dog? Answer with one word, yes or no."))
        again_s = _since(begun_s, device)
        yield loaded | {
            "window": name,
            "tokens": len(prompt.ids),
            "first_word_s": read_s,
            "words_per_s": WORDS / write_s,
            "second_question_s": again_s,
            "most_bytes": _memory(device)[1],
        }


def _without_memory(folder: Path, shape: tuple[int, int, int]) -> str:
    """What a question is answered with if only a little more than the weights fits."""
    facts = {"name": "random", "family": FAMILY, "folder": folder, "preset": "timelens", "new_tokens_most": 4}
    model = Qwen(facts, "cuda")
    free_memory()
    room_bytes = torch.cuda.memory_allocated() + 500_000_000
    torch.cuda.set_per_process_memory_fraction(room_bytes / torch.cuda.get_device_properties(0).total_memory)
    try:
        list(model.ground(_question(shape), lambda: None))
        return "it answered, with pictures of half the size"
    except UserError as error:
        return str(error)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def _question(shape: tuple[int, int, int]) -> Question:
    count, height, width = shape
    pictures = np.random.default_rng(0).integers(0, 255, (count, height, width, 3), dtype=np.uint8)
    return Question("a dog", pictures, tuple(Fraction(number, 2) for number in range(count)), Fraction(count, 2))


def _since(begun_s: float, device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.monotonic() - begun_s


def _start_counting(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()


def _memory(device: torch.device) -> tuple[int, int]:
    """(in use, most in use) bytes of a graphics card since counting began; 0 for a processor."""
    if device.type != "cuda":
        return 0, 0
    return torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated()


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else device.type


def _line(result: dict[str, Any]) -> str:
    return (
        f"| {result['quantise']} | {result['window']} | {result['tokens']} | {result['load_s']:.1f} s "
        f"| {result['memory_bytes'] / 1e9:.2f} GB | {result['first_word_s']:.2f} s | {result['words_per_s']:.1f} "
        f"| {result['second_question_s']:.2f} s | {result['most_bytes'] / 1e9:.2f} GB |"
    )


if __name__ == "__main__":
    main()
