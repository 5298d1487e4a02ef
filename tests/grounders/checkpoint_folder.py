"""Folders as Hugging Face saves video language models, with a few bytes of weights written by hand."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

CLASSES = {"qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration", "qwen3_vl": "Qwen3VLForConditionalGeneration"}
INDEX = "model.safetensors.index.json"


def write_weights(path: Path, tensors: dict[str, list[int]], **header: Any) -> None:
    """A .safetensors file of bf16 zeros. tensors: shapes by name. header: entries to put in place of the right ones."""
    facts, end = dict[str, Any](), 0
    for name, shape in tensors.items():
        size = 2
        for side in shape:
            size *= side
        facts[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps({"__metadata__": {"format": "pt"}, **facts, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))


def make_checkpoint(folder: Path, family: str = "qwen3_vl", *, width: int = 4096, readme: str = "", shards=0) -> Path:
    """A folder that can be added. readme: README.md. shards: of its weights; 0 for one file."""
    folder.mkdir(parents=True)
    text = {
        "hidden_size": width,
        "intermediate_size": 3 * width,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
    }
    config = {"model_type": family, "architectures": [CLASSES.get(family, "OtherForConditionalGeneration")]}
    put_json(folder / "config.json", config | {"text_config": text})
    put_json(folder / "preprocessor_config.json", {"patch_size": 16})
    put_json(folder / "tokenizer.json", {"model": {"type": "BPE", "vocab": {"auto_map": 0}, "merges": []}})
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "chat_template.jinja").write_text("{{ 1 / 0 }}")
    (folder / ".gitattributes").write_text("*.bin filter=lfs\n")
    if readme:
        (folder / "README.md").write_text(readme)
    if shards:
        names = [f"model-{number + 1:05}-of-{shards:05}.safetensors" for number in range(shards)]
        for number, name in enumerate(names):
            write_weights(folder / name, {f"layer.{number}": [4, 8]})
        put_json(folder / INDEX, {"weight_map": {f"layer.{number}": name for number, name in enumerate(names)}})
    else:
        write_weights(folder / "model.safetensors", {"embed": [8, 4], "layer": [4]})
    return folder


def put_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def change_json(path: Path, **facts: Any) -> None:
    put_json(path, json.loads(path.read_text()) | facts)


def card(*bases: str, title: str = "", licence: str = "apache-2.0") -> str:
    listed = "".join(f"\n- {base}" for base in bases)
    return f"---\nlicense: {licence}\nbase_model:{listed}\n---\n\n# {title or 'A model'}\n"
