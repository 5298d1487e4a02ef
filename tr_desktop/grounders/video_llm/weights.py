"""Checks the weights of a checkpoint without loading them: the header of each .safetensors file, and the list of parts.

A header lists which bytes of the file are which tensor. Only if that is true is the file given to a library.
"""

from __future__ import annotations

import json
import os
from math import prod
from pathlib import Path
from typing import Any

from tr_desktop.errors import PackError
from tr_desktop.models.convert.recognise import part, read_json

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
_AGAIN = "Download it again"
_MAX_HEADER_BYTES = 100_000_000  # the format's own limit
_SIZES_BYTES = {
    **dict.fromkeys(("F64", "I64", "U64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2"), 1),
}


def check_weights(folder: Path) -> None:
    """Raises PackError unless the checkpoint in `folder` has all its weights, in files that match their headers."""
    if (folder / WEIGHTS).is_file():
        tensors_of(folder / WEIGHTS)
        return
    index = folder / INDEX
    if not index.is_file():
        raise PackError(
            f"The folder has no weights: neither {WEIGHTS} nor {INDEX}",
            path=folder,
            remedy="Give the folder of the whole model; an adapter has to be merged into its base first",
        )
    placed = part(read_json(index), "weight_map", index)
    names = {str(name) for name in placed.values()}
    for name in sorted(names):
        if Path(name).name != name or "\\" in name or ":" in name or not name.endswith(".safetensors"):
            raise PackError(f"{INDEX} lists weights in {name}, which isn't allowed", path=folder)
        if not (folder / name).is_file():
            raise PackError(f"The model lacks {name}, a part of its weights", path=folder, remedy=_AGAIN)
    if not names:
        raise PackError(f"{INDEX} lists no weights", path=folder, remedy=_AGAIN)
    inside = {name: tensors_of(folder / name) for name in names}
    for tensor, name in placed.items():
        if tensor not in inside[str(name)]:
            raise PackError(f"{name} lacks {tensor}, which {INDEX} lists", path=folder, remedy=_AGAIN)


def tensors_of(path: Path) -> set[str]:
    """The names of the tensors in a .safetensors file. Raises PackError if its header is broken or not true."""
    try:
        with path.open("rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
            header_bytes = int.from_bytes(file.read(8), "little")
            if not 2 <= header_bytes <= min(_MAX_HEADER_BYTES, size_bytes - 8):
                raise ValueError("the header isn't complete")
            header: dict[str, Any] = json.loads(file.read(header_bytes))
        tensors = {name: facts for name, facts in header.items() if name != "__metadata__"}
        if not tensors:
            raise ValueError("it has no weights")
        places = sorted(_place(name, facts) for name, facts in tensors.items())
        ends = [0, *(end for _, end in places)]
        if any(start != end for (start, _), end in zip(places, ends, strict=False)):
            raise ValueError("its tensors overlap or leave gaps")
        if 8 + header_bytes + ends[-1] != size_bytes:
            raise ValueError(f"it has {size_bytes:,} bytes instead of {8 + header_bytes + ends[-1]:,}")
    except OSError as error:
        raise PackError(f"{path.name} can't be read: {error.strerror or error}", path=path) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PackError(f"{path.name} is damaged: {_reason(error)}", path=path, remedy=_AGAIN) from error
    return set(tensors)


def _place(name: str, facts: dict[str, Any]) -> tuple[int, int]:
    """Where a tensor starts and ends in the file's data, bytes. Raises ValueError, KeyError or TypeError."""
    start, end = facts["data_offsets"]
    shape = facts["shape"]
    if not all(isinstance(each, int) and each >= 0 for each in (start, end, *shape)):
        raise ValueError(f"{name} has a size that isn't a number")
    if facts["dtype"] not in _SIZES_BYTES:
        raise ValueError(f"{name} is of an unknown kind, {facts['dtype']}")
    if end - start != prod(shape) * _SIZES_BYTES[facts["dtype"]]:
        raise ValueError(f"{name} has another size than its shape")
    return start, end


def _reason(error: Exception) -> str:
    is_ours = type(error) is ValueError
    return str(error) if is_ours else f"its header can't be understood ({error!r})"
