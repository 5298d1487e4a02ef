"""The default model pack: the user's choice, kept in a small configuration file."""

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
    """The name or path of the pack chosen last, or of the embedded one. Raises PackError for a damaged file."""
    return str(_read().get("default", EMBEDDED_DEFAULT))


def known_packs() -> list[str]:
    """Names of the embedded packs, then paths of all packs ever chosen, even if they no longer exist."""
    return [*list_packs(), *_read().get("packs", [])]


def use_pack(name_or_path: str) -> Pack:
    """Check a pack and make it the default. Raises PackError if it is missing, damaged or unsafe."""
    pack = load_pack(name_or_path)
    pack.verify()
    # A name means the same in every folder; a path must be absolute.
    chosen = name_or_path if name_or_path in list_packs() else str(pack.location.absolute())
    try:
        packs = list(_read().get("packs", []))
    except PackError:  # choosing again is how to fix it
        packs = []
    if chosen not in (*list_packs(), *packs):
        packs.append(chosen)
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_verified(path, (json.dumps({"default": chosen, "packs": packs}, indent=1) + "\n").encode())
    except OSError as error:
        raise PackError(f"The choice can't be saved: {error.strerror}", path=path) from error
    return pack


def _path() -> Path:
    return user_config_path("TimeRefine", appauthor=False) / "models.json"


def _read() -> dict[str, Any]:
    path = _path()
    try:
        kept = json.loads(path.read_text())
        if not isinstance(kept, dict) or not isinstance(kept.get("packs", []), list):
            raise ValueError("not a list of packs")
        return kept
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise PackError(
            f"The choice of a model pack can't be read: {error}",
            path=path,
            remedy=f"Choose again: tr-desktop models use {EMBEDDED_DEFAULT}",
        ) from error
