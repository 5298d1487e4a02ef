"""A folder of weights that the worker loads: which files it had when it was added, and whether it still has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FAMILIES = ("qwen2_5_vl", "qwen3_vl", "vtime")
"""Who can load a checkpoint: `model_type` of its config.json, or `vtime` for an imported VTimeLLM or TimeRefine."""


@dataclass(frozen=True)
class FileStamp:
    """A file as it was when its folder was added. mtime_ns: of its last change, None if that wasn't written down."""

    size_bytes: int
    sha256: str
    mtime_ns: int | None


@dataclass(frozen=True)
class Checkpoint:
    """Weights in a folder that stays where it is; they are many gigabytes.

    family: of FAMILIES. folder: absolute. files: those that the worker may read, by their path below the folder.
    """

    family: str
    folder: Path
    files: Mapping[str, FileStamp]
