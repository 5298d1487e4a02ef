"""From a folder to a model: only weights in .safetensors, nothing of the checkpoint is run, nothing is downloaded."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from tr_desktop.errors import PackError, UserError
from tr_desktop.grounder_worker import devices
from tr_desktop.grounder_worker.about import is_installed, main_memory
from tr_desktop.grounders.video_llm import QUANTISED
from tr_desktop.grounders.video_llm.memory import sizes_of

_CLASSES = {
    "qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration",
    "qwen3_vl": "Qwen3VLForConditionalGeneration",
    "llama": "LlamaForCausalLM",
    "clip_vision_model": "CLIPVisionModelWithProjection",
}
_NOT_QUANTISED = ["model.visual", "lm_head"]


def load(folder: Path, family: str, device: str = "auto", quantise: str = "none") -> Any:
    """The model in `folder`, ready to answer. family: its `model_type`. device: auto, cpu, cuda or mps.

    Raises PackError if the folder is not one of that family, or incomplete; UserError if it doesn't fit.
    """
    _expect_safe(folder, family)
    on = devices.device_of(device)
    quantisation = _quantisation(on, quantise)
    _expect_room(folder, on, quantise)
    package = transformers()
    try:
        model, info = getattr(package, _CLASSES[family]).from_pretrained(
            folder,
            dtype=_dtype(on),
            device_map={"": on},
            quantization_config=quantisation,
            attn_implementation="sdpa",
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            free_memory()
            raise _too_large(folder, on, quantise) from error
        raise PackError(f"The model can't be loaded: {error}", path=folder, remedy="Download it again") from error
    if missing := sorted(info["missing_keys"]):
        raise PackError(
            f"The model lacks {len(missing)} of its weights, such as {missing[0]}",
            path=folder,
            remedy="Download it again; an adapter has to be merged into its base first",
        )
    return model.eval()


def transformers() -> Any:
    """The package, which reads nothing from the network and prints nothing."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    import transformers as package

    package.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    package.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return package


def weights_bytes(folder: Path) -> int:
    """The size of the weights on disk."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def in_memory_bytes(folder: Path, quantise: str) -> int:
    """About how much its weights take once they are loaded. Raises PackError."""
    return sizes_of(folder / "config.json").in_memory_bytes(weights_bytes(folder), quantise)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch raised it because a device's memory ran out."""
    said = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and ("out of memory" in said or "can't allocate memory" in said)
    )


def free_memory() -> None:
    """Give memory that nothing uses back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _expect_safe(folder: Path, family: str) -> None:
    config = _config(folder)
    if (found := config.get("model_type")) != family:
        raise PackError(f"The folder holds a model of the type {found}, not {family}", path=folder)
    programs = [path.name for path in folder.glob("*.py")]
    if "auto_map" in config or programs:
        raise PackError(
            f"The model brings a program of its own ({', '.join(programs) or 'auto_map in config.json'}), which is"
            " never run",
            path=folder,
        )
    if method := config.get("quantization_config"):
        raise PackError(
            f"The weights are quantised already ({method.get('quant_method', 'unknown method')})",
            path=folder,
            remedy="Get the model's usual weights; --quantise makes them smaller when they are loaded",
        )
    if (folder / "adapter_config.json").exists():
        raise PackError("The folder holds an adapter", path=folder, remedy="Merge it into its base first")
    if not any(folder.glob("*.safetensors")):
        pickles = any(folder.glob("*.bin")) or any(folder.glob("*.pt*"))
        what = "only weights as pickles, which aren't opened" if pickles else "no weights"
        raise PackError(f"The folder has {what}", path=folder, remedy="Get the model's .safetensors files")


def _config(folder: Path) -> Mapping[str, Any]:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise PackError(f"The model can't be read: {error}", path=path) from error
    if not isinstance(config, dict):
        raise PackError("The model's config.json is damaged", path=path)
    return config


def _dtype(device: torch.device) -> torch.dtype | str:
    """The weights' type: on a processor as they are stored, since memory is what it lacks."""
    if device.type == "cpu":
        return "auto"
    is_old = device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.float16 if is_old else torch.bfloat16


def _quantisation(device: torch.device, quantise: str) -> Any:
    if quantise == "none":
        return None
    if quantise not in QUANTISED:
        raise UserError(f"Weights can't be quantised as {quantise!r}", remedy=f"Choose one of {', '.join(QUANTISED)}")
    if device.type == "mps" or not is_installed("bitsandbytes"):
        why = "on Apple graphics" if device.type == "mps" else "without the package bitsandbytes"
        raise UserError(f"Weights can't be quantised {why}", remedy="Leave out --quantise, or use a smaller model")
    package = transformers()
    dtype = _dtype(device)
    if quantise == "int8":
        return package.BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=_NOT_QUANTISED)
    return package.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.float32 if dtype == "auto" else dtype,
        llm_int8_skip_modules=_NOT_QUANTISED,
    )


def _expect_room(folder: Path, device: torch.device, quantise: str) -> None:
    """Raises UserError if the weights alone are more than what is free: better now than when the computer stalls."""
    free_bytes = _free_bytes(device)
    if free_bytes is not None and in_memory_bytes(folder, quantise) > free_bytes:
        raise _too_large(folder, device, quantise)


def _free_bytes(device: torch.device) -> int | None:
    return main_memory()[1] if device.type == "cpu" else devices.memory_of(device.type)[1]


def _too_large(folder: Path, device: torch.device, quantise: str) -> UserError:
    free_bytes, needs_bytes = _free_bytes(device), {name: in_memory_bytes(folder, name) for name in QUANTISED}
    free = "" if free_bytes is None else f"; {free_bytes / 1e9:.1f} GB are free"
    smaller = [
        f"--quantise {name} takes about {needs_bytes[name] / 1e9:.1f} GB"
        for name in QUANTISED[QUANTISED.index(quantise) + 1 :]
        if device.type != "mps" and (free_bytes is None or needs_bytes[name] < free_bytes)
    ]
    return UserError(
        f"The model takes about {needs_bytes[quantise] / 1e9:.1f} GB on {device.type}{free}",
        path=folder,
        remedy=f"It may fit: {', '.join(smaller)}" if smaller else "Close other programs, or use a smaller model",
    )
