"""A checkpoint that writes a given text: each token's likeliest successor is the one that follows it in the text."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from tr_desktop.training.grounder.tiny import write_tiny

_SURE = 40.0  # the logit of the successor


def write_scripted(family: str, folder: Path, text: str) -> Path:
    """Write the checkpoint into the new folder. text: no token may occur twice; with `…` at its end it is repeated."""
    write_tiny(family, folder, extra_tokens=("[[", "]]"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    words, is_endless = text.removesuffix("…"), text.endswith("…")
    ids = tokenizer.encode(words).ids
    assert len(set(ids)) == len(ids) and tokenizer.decode(ids) == words
    follows = dict(zip([tokenizer.encode("assistant\n").ids[-1], *ids], ids, strict=False))
    follows[ids[-1]] = ids[0] if is_endless else tokenizer.token_to_id("<|im_end|>")

    weights = load_file(folder / "model.safetensors")
    (words_name,) = [name for name in weights if name.endswith("embed_tokens.weight")]
    embedded = weights[words_name]
    head = torch.zeros_like(embedded)
    for before, after in follows.items():
        head[after] += embedded[before] / embedded[before].norm() * (_SURE / embedded.shape[1] ** 0.5)
    for name, value in weights.items():
        if "visual" not in name and name.endswith(("o_proj.weight", "down_proj.weight")):
            value.zero_()  # the layers add nothing, so only the last token counts
    save_file(weights | {"lm_head.weight": head}, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["tie_word_embeddings"] = config["text_config"]["tie_word_embeddings"] = False
    (folder / "config.json").write_text(json.dumps(config))
    return folder
