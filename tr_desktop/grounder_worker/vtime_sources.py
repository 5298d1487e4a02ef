"""What a user's folders of VTimeLLM or TimeRefine hold, read without running anything that is in them."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from tr_desktop.errors import PackError
from tr_desktop.models.convert.recognise import read_json

_FORMATS = (".safetensors", ".bin")
_PROJECTOR = "mm_projector"
_ADAPTER_CONFIG = "adapter_config.json"
# What a LoRA can ask for beyond the plain sum; the published ones ask for none of it.
_SPECIAL = (
    "alpha_pattern",
    "fan_in_fan_out",
    "layer_replication",
    "lora_bias",
    "megatron_config",
    "rank_pattern",
    "use_dora",
    "use_rslora",
)
_PREFIX = re.compile(r"^(base_model\.model\.)?")
_COPY = re.compile(r"\.(modules_to_save\.default|modules_to_save|default)(?=\.)")


@dataclass(frozen=True)
class Adapter:
    """One LoRA of PEFT. pairs: from a weight's name to A [r, in] and B [out, r]; scale · B·A is added to that weight.

    whole: weights that it replaces, such as embeddings with rows for new tokens.
    """

    folder: Path
    scale: float
    pairs: Mapping[str, tuple[Tensor, Tensor]]
    whole: Mapping[str, Tensor]


def expect_plain(folder: Path) -> None:
    """Raises PackError if there is no such folder, or something in it could run or lead elsewhere."""
    if not folder.is_dir():
        raise PackError("There is no folder of that name", path=folder)
    for path in (folder, *sorted(folder.rglob("*"))):
        if path.is_symlink():
            raise PackError("Links are refused", path=path, remedy="Copy the files themselves into the folder")
        if path.suffix == ".py":
            raise PackError("The folder brings a program, which is refused", path=path, remedy="Delete the file")


def model_config(folder: Path) -> dict[str, Any]:
    """config.json of a model of transformers. Raises PackError if it is missing or names a program."""
    config = read_json(folder / "config.json")
    if "auto_map" in config:
        raise PackError("config.json names a program (auto_map), which is refused", path=folder / "config.json")
    return config


def tensors_of(path: Path) -> dict[str, Tensor]:
    """The tensors in a file by their names; their numbers are read from the disk when they are needed.

    Raises PackError if it can't be read, or is a pickle with anything but tensors in it.
    """
    try:
        if path.suffix == ".safetensors":
            found = load_file(path)
        else:
            # Only tensors come out of this, whatever the pickle asks for.
            found = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        raise PackError(
            f"{path.name} is a pickle with more than tensors in it, which could run code; it is refused",
            path=path,
            remedy="Get the file from the model's own authors",
        ) from error
    except Exception as error:  # of torch and safetensors, which share no class of errors
        raise PackError(f"{path.name} can't be read: {error}", path=path, remedy="Download it again") from error
    if not isinstance(found, dict) or not all(isinstance(each, Tensor) for each in found.values()):
        raise PackError(f"{path.name} isn't a list of tensors by name", path=path)
    return found


def weights_of(folder: Path, stems: Sequence[str]) -> dict[str, Tensor]:
    """The tensors of a model's folder, in one file or several. stems: names of such a file, without the ending.

    safetensors come first if there are both. Raises PackError if there are none.
    """
    for ending in _FORMATS:
        for stem in stems:
            index, file = folder / f"{stem}{ending}.index.json", folder / f"{stem}{ending}"
            if index.is_file():
                found: dict[str, Tensor] = {}
                for part in _parts(index):
                    found |= tensors_of(part)
                return found
            if file.is_file():
                return tensors_of(file)
    wanted = " or ".join(f"{stems[0]}{ending}" for ending in _FORMATS)
    raise PackError(f"The folder has no weights: {wanted} is missing", path=folder)


def projector_of(place: Path) -> dict[str, Tensor]:
    """VTimeLLM's stage 1, a folder or its file: from a picture's vector to a token.

    weight [hidden, D] and bias [hidden]. Raises PackError if it isn't one linear layer.
    """
    if place.is_dir():
        expect_plain(place)
        tensors = weights_of(place, (_PROJECTOR,))
    elif place.suffix in _FORMATS and place.is_file() and not place.is_symlink():
        tensors = tensors_of(place)
    else:
        raise PackError("Stage 1 is missing", path=place, remedy=f"Give the folder with {_PROJECTOR}.bin")
    found = {key.rpartition(f"{_PROJECTOR}.")[2]: value for key, value in tensors.items() if f"{_PROJECTOR}." in key}
    if set(found) != {"weight", "bias"} or found["weight"].ndim != 2:
        raise PackError("The projector isn't one linear layer", path=place, remedy="Give VTimeLLM's stage 1")
    return found


def adapter_of(folder: Path) -> Adapter:
    """The adapter in a folder that PEFT saved. Raises PackError if it isn't a plain LoRA."""
    expect_plain(folder)
    if not (folder / _ADAPTER_CONFIG).is_file():
        raise PackError(f"The folder holds no adapter: {_ADAPTER_CONFIG} is missing", path=folder)
    config = read_json(folder / _ADAPTER_CONFIG)
    odd = [name for name in _SPECIAL if config.get(name)]
    if config.get("peft_type") != "LORA" or config.get("bias", "none") != "none" or odd or "auto_map" in config:
        asks = ", ".join(odd) or config.get("peft_type")
        raise PackError(f"The adapter isn't a plain LoRA (it asks for {asks})", path=folder / _ADAPTER_CONFIG)
    try:
        scale = float(config["lora_alpha"]) / int(config["r"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise PackError(f"{_ADAPTER_CONFIG} can't be read: {error!r}", path=folder / _ADAPTER_CONFIG) from error
    tensors = weights_of(folder, ("adapter_model",))
    more = folder / "non_lora_trainables.bin"
    if more.is_file():
        tensors |= tensors_of(more)
    named = {_COPY.sub("", _PREFIX.sub("", key)): value for key, value in tensors.items()}
    downs = {key: value for key, value in named.items() if ".lora_A." in key}
    pairs = {}
    for key, down in downs.items():
        up = named.get(key.replace(".lora_A.", ".lora_B."))
        if up is None or down.ndim != 2 or up.ndim != 2 or up.shape[1] != down.shape[0]:
            raise PackError(
                f"The adapter is damaged: half of {key} is missing", path=folder, remedy="Download it again"
            )
        pairs[key.replace(".lora_A.", ".")] = down, up
    whole = {key: value for key, value in named.items() if ".lora_" not in key and ".original_module." not in key}
    if len(named) != 2 * len(pairs) + len(whole) + sum(".original_module." in key for key in named):
        raise PackError("The adapter isn't a plain LoRA: it holds other parts than A and B", path=folder)
    return Adapter(folder, scale, pairs, whole)


def _parts(index: Path) -> list[Path]:
    """The files that an index lists. Raises PackError for one that is missing or elsewhere."""
    listed = read_json(index).get("weight_map")
    names = sorted(set(map(str, listed.values()))) if isinstance(listed, dict) else []
    if not names:
        raise PackError(f"{index.name} lists no files", path=index)
    for name in names:
        if Path(name).name != name or Path(name).suffix not in _FORMATS:
            raise PackError(f"{index.name} lists {name}, which isn't allowed", path=index)
        if not (index.parent / name).is_file():
            raise PackError(f"{name} is missing, a part of the weights", path=index, remedy="Download it again")
    return [index.parent / name for name in names]
