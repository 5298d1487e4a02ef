"""Writing the files of a pack."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tr_desktop.models.pack import SCHEMA


def write_pack(folder: Path, manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    """Write `files` to `folder` with a pack.json: `manifest`, and each file's size and hash."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    listed = {
        name: {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(files.items())
    }
    (folder / "pack.json").write_text(json.dumps({"schema": SCHEMA, **manifest, "files": listed}, indent=1) + "\n")


def list_in_pack(file: Path) -> None:
    """Update the entry of `file` in the pack.json beside it. Without a pack.json nothing is done."""
    listing, content = file.with_name("pack.json"), file.read_bytes()
    if listing.exists():
        pack = json.loads(listing.read_text())
        pack["files"][file.name] = {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        listing.write_text(json.dumps(pack, indent=1) + "\n")


def npy(array: NDArray[Any]) -> bytes:
    """`array` as the bytes of a .npy file."""
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()
