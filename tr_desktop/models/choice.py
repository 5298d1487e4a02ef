"""The user's packs: those that were added, and which one is the default, kept in a small configuration file."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from tr_desktop.errors import PackError
from tr_desktop.files import write_verified
from tr_desktop.models.build import save_copy
from tr_desktop.models.check import check_pack
from tr_desktop.models.pack import EMBEDDED_DEFAULT, Pack, installed_packs, list_packs, load_pack
from tr_desktop.paths import downloads_folder, packs_folder, settings_folder

_NAME = re.compile(r"[A-Za-z0-9]([\w.-]*\w)?", re.ASCII)


def default_pack() -> str:
    """The name or path of the pack chosen last, or of the embedded one. Raises PackError for a damaged file."""
    return str(_read().get("default", EMBEDDED_DEFAULT))


def known_packs() -> list[str]:
    """Names of embedded and added packs, then paths of all packs ever chosen, even if they no longer exist."""
    return [*list_packs(), *installed_packs(), *_read().get("packs", [])]


def use_pack(name_or_path: str) -> Pack:
    """Check a pack and make it the default. Raises PackError if it is missing, damaged or unsafe."""
    pack = load_pack(name_or_path)
    pack.verify()
    keep_choice(name_or_path)
    return pack


def keep_choice(name_or_path: str) -> None:
    """Make a pack the default that was checked before. Raises PackError if that can't be saved."""
    # A name means the same in every folder; a path must be absolute.
    named = [*list_packs(), *installed_packs()]
    chosen = name_or_path if name_or_path in named else str(Path(name_or_path).absolute())
    try:
        packs = list(_read().get("packs", []))
    except PackError:  # choosing again is how to fix it
        packs = []
    if chosen not in (*named, *packs):
        packs.append(chosen)
    _write(chosen, packs)


def add_pack(source: Path, name: str | None = None) -> Pack:
    """Copy the pack at `source`, a folder or a .trpack file, to the user's packs, under its own name or `name`.

    Raises PackError if it is damaged or unsafe, if its models don't run, if a pack has that name already, or if it
    can't be written.
    """
    pack = load_pack(source)
    check_pack(pack, "cpu")
    return save_copy(pack, place_for(name or pack.name))


def expect_free_name(name: str) -> None:
    """Raises PackError if a pack has the name already, or none can have it."""
    if not _NAME.fullmatch(name) or name.endswith(".trpack"):
        raise PackError(
            f"A pack can't have the name {name!r}", remedy="Choose letters, digits, hyphens and dots in between"
        )
    if name in (*list_packs(), *installed_packs()):
        raise PackError(f"There is a pack {name!r} already", remedy="Choose another name, or remove that pack first")


def place_for(name: str) -> Path:
    """The folder for a new pack of that name. Raises PackError if it can't have the name, or the place is taken."""
    expect_free_name(name)
    folder = packs_folder() / name
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PackError(f"The folder of packs can't be made: {error.strerror}", path=folder.parent) from error
    if os.path.lexists(folder):
        raise PackError("The place of a pack of this name is taken by something else", path=folder, remedy="Delete it")
    return folder


def remove_pack(name: str) -> None:
    """Delete a pack that the user added, and what was fetched for one of that name that isn't a pack yet.

    name: may also be the path of a pack that was chosen once; it is forgotten, and stays where it is. If it was the
    default, the embedded one is again. Libraries keep its index until they are pruned. Raises PackError for a pack that
    isn't the user's.
    """
    downloads = downloads_folder()
    # By the names that are there, so that no name can lead to another folder.
    fetched = [folder for folder in downloads.iterdir() if folder.name == name] if downloads.is_dir() else []
    for folder in fetched:
        shutil.rmtree(folder, ignore_errors=True)
    if name not in installed_packs():
        if fetched or _forget(name):
            return
        raise PackError(f"{name!r} isn't a pack that was added", remedy="See tr-desktop models list")
    if default_pack() == name:
        use_pack(EMBEDDED_DEFAULT)
    folder = packs_folder() / name
    try:
        if folder.is_symlink():  # the pack itself lies elsewhere and isn't ours
            folder.unlink()
            return
        # Without its manifest the folder is no pack any more, however far the rest gets.
        (folder / "pack.json").unlink()
        shutil.rmtree(folder)
    except OSError as error:
        raise PackError(f"The pack can't be removed: {error.strerror or error}", path=folder) from error


def _forget(path: str) -> bool:
    """Take the path of a pack from those ever chosen; whether it was among them."""
    kept = _read()
    packs = kept.get("packs", [])
    if path not in packs:
        return False
    default = kept.get("default", EMBEDDED_DEFAULT)
    _write(EMBEDDED_DEFAULT if default == path else default, [pack for pack in packs if pack != path])
    return True


def _path() -> Path:
    return settings_folder() / "models.json"


def _write(default: str, packs: list[str]) -> None:
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_verified(path, (json.dumps({"default": default, "packs": packs}, indent=1) + "\n").encode())
    except OSError as error:
        raise PackError(f"The choice can't be saved: {error.strerror}", path=path) from error


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
