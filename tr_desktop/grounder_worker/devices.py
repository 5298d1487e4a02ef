"""The devices that torch can compute on."""

from __future__ import annotations

import torch

from tr_desktop.errors import UserError
from tr_desktop.grounders.video_llm import DEVICES


def device_of(wanted: str) -> torch.device:
    """The device of that name; `auto` is a graphics card if torch can use one. Raises UserError if there is none."""
    offered = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, is_there in offered.items() if is_there))
    if wanted not in offered:
        raise UserError(f"There is no device {wanted!r} for a video language model", remedy=f"Choose {_list(DEVICES)}")
    if not offered[wanted]:
        has = [name for name, is_there in offered.items() if is_there]
        raise UserError(f"torch {torch.__version__} can't use {wanted} here", remedy=f"It can use {_list(has)}")
    return torch.device(wanted)


def name_of(device: str) -> str:
    """The hardware's name, of a graphics card."""
    return torch.cuda.get_device_name() if device == "cuda" else "Apple graphics"


def memory_of(device: str) -> tuple[int, int]:
    """(all, free) bytes of a graphics card."""
    if device == "cuda":
        free_bytes, all_bytes = torch.cuda.mem_get_info()
        return all_bytes, free_bytes
    all_bytes = torch.mps.recommended_max_memory()
    return all_bytes, all_bytes - torch.mps.driver_allocated_memory()


def _list(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names[:-1]) + f" or {names[-1]}" if len(names) > 1 else names[0]
