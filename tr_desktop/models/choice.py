"""Which pack is used where none is named: the user's choice, kept in a small file of their configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from tr_desktop.errors import PackError
from tr_desktop.files import write_verified
from tr_desktop.models.pack import Pack, list_packs, load_pack

EMBEDDED_DEFAULT = "mini"


def default_pack() -> str:
    """The name or path of the pack to use: the one chosen last, or the embedded one. PackError: the file is damaged."""
    return str(_read().get("default", EMBEDDED_DEFAULT))


def known_packs() -> list[str]:
    """Names of the embedded packs, then paths of those that were chosen at some time, whether or not still there."""
    return [*list_packs(), *_read().get("packs", [])]


def use_pack(name_or_path: str) -> Pack:
    """Check a pack and use it from now on. Raises PackError for one that is missing, damaged or unsafe."""
    pack = load_pack(name_or_path)
    pack.verify()
    # A name is a name wherever the user stands; a path has to be written out.
    chosen = name_or_path if name_or_path in list_packs() else str(pack.location.absolute())
    try:
        packs = list(_read().get("packs", []))
    except PackError:  # this is the way to mend it
        packs = []
    if chosen not in (*list_packs(), *packs):
        packs.append(chosen)
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_verified(path, (json.dumps({"default": chosen, "packs": packs}, indent=1) + "\n").encode())
    except OSError as error:
        raise PackError(f"The choice can't be kept: {error.strerror}", path=path) from error
    return pack


def _path() -> Path:
    return user_config_path("TimeRefine", appauthor=False) / "models.json"


def _read() -> dict[str, Any]:
    path = _path()
    try:
        kept = json.loads(path.read_text())
        if not isinstance(kept, dict) or not isinstance(kept.get("packs", []), list):
            raise ValueError("not what this program writes")
        return kept
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise PackError(
            f"The choice of a model pack can't be read: {error}",
            path=path,
            remedy=f"Choose again: tr-desktop models use {EMBEDDED_DEFAULT}",
        ) from error
