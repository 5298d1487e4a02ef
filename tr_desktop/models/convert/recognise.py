"""What a checkpoint folder is, found out from the names of its files and its configuration alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from tr_desktop.errors import PackError

HF_CONFIG, OPEN_CLIP_CONFIG = "config.json", "open_clip_config.json"
HF_FAMILIES = ("clip", "siglip", "siglip2", "chinese_clip", "altclip")
_HF_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_OPEN_CLIP_WEIGHTS = ("open_clip_model.safetensors", "model.safetensors")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_TOKENIZERS = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)


class Layout(Enum):
    """Whose folder it is."""

    HUGGING_FACE = "Hugging Face"
    OPEN_CLIP = "OpenCLIP"


@dataclass(frozen=True)
class Found:
    """A checkpoint folder. family: `model_type` of its configuration, or "open_clip". weights: their file or index."""

    folder: Path
    layout: Layout
    family: str
    weights: Path


def recognise(folder: Path) -> Found:
    """The checkpoint in `folder`. Raises PackError with the reason why it is none that can be converted."""
    if not folder.is_dir():
        raise PackError("There is no folder of that name", path=folder, remedy="Give the folder of a checkpoint")
    reasons = []
    for config_name, layout, weight_names in (
        (HF_CONFIG, Layout.HUGGING_FACE, _HF_WEIGHTS),
        (OPEN_CLIP_CONFIG, Layout.OPEN_CLIP, _OPEN_CLIP_WEIGHTS),
    ):
        if not (folder / config_name).is_file():
            continue
        config = read_json(folder / config_name)
        family = "open_clip" if layout is Layout.OPEN_CLIP else str(config.get("model_type"))
        if layout is Layout.HUGGING_FACE and family not in HF_FAMILIES:
            reasons.append(_unknown(folder, family))
            continue
        weights = next((folder / name for name in weight_names if (folder / name).is_file()), None)
        if weights is None:
            reasons.append(_no_weights(folder))
            continue
        found = Found(folder, layout, family, weights)
        _check_parts(found)
        return found
    raise (
        reasons[0]
        if reasons
        else PackError(
            f"The folder holds no checkpoint: neither {HF_CONFIG} nor {OPEN_CLIP_CONFIG}",
            path=folder,
            remedy=_what_instead(folder),
        )
    )


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file of JSON. Raises PackError."""
    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("not an object")
        return content
    except (OSError, ValueError, RecursionError) as error:
        raise PackError(
            f"{path.name} of the checkpoint can't be read: {error}", path=path, remedy="Download it again"
        ) from error


def _what_instead(folder: Path) -> str:
    """What to do with a folder that holds no checkpoint."""
    if any(folder.glob("*.gguf")):
        return "A server such as LM Studio or llama-server runs .gguf files: start it, and add its address"
    if (folder / "adapter_config.json").is_file():
        return "It holds an adapter: merge it into its base first, and give the folder of the merged model"
    return "Give a folder as Hugging Face or OpenCLIP save it"


def part(content: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    """The object `name` in the JSON `content` of `path`, {} if there is none. Raises PackError if it isn't one."""
    found = content.get(name, {})
    if not isinstance(found, dict):
        raise PackError(f"{path.name} of the checkpoint is damaged: {name} isn't an object", path=path)
    return found


def text_config(found: Found) -> dict[str, Any]:
    """What an OpenCLIP checkpoint says about its text tower. Raises PackError."""
    path = found.folder / OPEN_CLIP_CONFIG
    return part(part(read_json(path), "model_cfg", path), "text_cfg", path)


def not_followed(found: Found, what: str) -> PackError:
    """The error for a checkpoint whose configuration asks for something that packs don't have."""
    return PackError(f"The checkpoint can't be converted: {what}", path=found.folder)


def _check_parts(found: Found) -> None:
    """Raises PackError if parts of the weights or the tokenizer are missing."""
    if found.weights.suffix == ".json":
        parts = {str(name) for name in part(read_json(found.weights), "weight_map", found.weights).values()}
        if missing := sorted(name for name in parts if not (found.folder / name).is_file()):
            what = f"The checkpoint lacks {missing[0]}, a part of its weights"
            raise PackError(what, path=found.folder, remedy="Download it again")
        if odd := sorted(name for name in parts if not name.endswith(".safetensors") or Path(name).name != name):
            raise PackError(f"The checkpoint's weights are listed in {odd[0]}, which isn't allowed", path=found.folder)
    is_plain = found.layout is Layout.OPEN_CLIP and "hf_tokenizer_name" not in text_config(found)
    if not is_plain and not any((found.folder / name).is_file() for name in _TOKENIZERS):
        raise PackError(
            "The checkpoint has no tokenizer",
            path=found.folder,
            remedy="Put its tokenizer.json into the folder, from where the checkpoint came",
        )


def _unknown(folder: Path, family: str) -> PackError:
    return PackError(
        f"Checkpoints of the family {family!r} can't be converted",
        path=folder,
        remedy=f"Known families: {', '.join(HF_FAMILIES)}, and folders of OpenCLIP",
    )


def _no_weights(folder: Path) -> PackError:
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLES)
    if not pickles:
        return PackError("The checkpoint has no weights: model.safetensors is missing", path=folder)
    return PackError(
        f"The checkpoint's weights are a pickle, {pickles[0]}, which could run code; it is refused",
        path=folder,
        remedy="Get the checkpoint with its weights as .safetensors",
    )
