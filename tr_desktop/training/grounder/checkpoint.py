"""The checkpoint that training starts from, and the one that it ends with: a folder that `models add` takes.

Everything but the weights is copied first, so that the model is trained with the tokenizer that it will have.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer

from tr_desktop.errors import PackError, UserError
from tr_desktop.grounder_worker.load import load
from tr_desktop.grounder_worker.prompt import Encoder
from tr_desktop.grounders.video_llm.checkpoints import REFUSED

_NOT_COPIED = (*REFUSED, ".safetensors", ".gguf")
_INDEX = "model.safetensors.index.json"


@dataclass(frozen=True)
class Checkpoint:
    """A base, loaded. folder: where it is. files: a folder with its small files, and new_tokens in its tokenizer."""

    folder: Path
    files: Path
    model: Any
    encoder: Encoder
    new_tokens: tuple[str, ...]


def open_checkpoint(folder: Path, files: Path, new_tokens: Sequence[str], device: str) -> Checkpoint:
    """Load the base in `folder`; its small files, with tokens added, are written to `files`.

    Raises PackError if it can't be loaded, UserError if the files can't be written.
    """
    family = _family(folder)
    try:
        files.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.is_file() and path.suffix.lower() not in _NOT_COPIED and path.name not in (_INDEX, "README.md"):
                shutil.copyfile(path, files / path.name)
    except OSError as error:
        raise UserError(f"The base's files can't be copied: {error.strerror or error}", path=files) from error
    model = load(folder, family, device)
    if new_tokens:
        tokenizer = Tokenizer.from_file(str(files / "tokenizer.json"))
        tokenizer.add_tokens([AddedToken(name, special=False, normalized=False) for name in new_tokens])
        tokenizer.save(str(files / "tokenizer.json"))
        most = tokenizer.get_vocab_size()
        if most > model.get_input_embeddings().weight.shape[0]:
            model.resize_token_embeddings(most, mean_resizing=False)
    return Checkpoint(folder, files, model, Encoder(files, model.config), tuple(new_tokens))


def _family(folder: Path) -> str:
    path = folder / "config.json"
    try:
        return str(json.loads(path.read_bytes())["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PackError(f"There is no model to start from: {error}", path=path) from error


def write_merged(model: Any, files: Path) -> Path:
    """Write a model with its adapter merged into `files`, beside its small files; the folder. Raises UserError."""
    model.config.use_cache = True
    try:
        model.save_pretrained(files)
    except OSError as error:
        raise UserError(f"The model can't be written: {error.strerror or error}", path=files) from error
    return files
