"""Grounder packs: grounder.json says which model it is, where it runs, how it is asked and on what terms.

library folder/grounders/NAME/grounder.json
"""

from __future__ import annotations

import ipaddress
import json
import shutil
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tr_desktop import paths
from tr_desktop.errors import PackError
from tr_desktop.files import write_verified
from tr_desktop.grounders.video_llm.presets import PRESETS, Preset
from tr_desktop.models.choice import expect_free_name

SCHEMA = 1
MANIFEST = "grounder.json"
_UNKNOWN_LICENCE = "that of the model on your server, which doesn't tell"


@dataclass(frozen=True)
class GrounderPack:
    """One model behind a local server that speaks OpenAI's chat completions.

    url: of the server, to and with /v1; a loopback address. model: its name there. fps, frames_most, side_px: the
    pictures of a window; fewer a second if there would be more than frames_most. window_s: the longest window.
    """

    name: str
    url: str
    model: str
    preset: Preset
    licence: str = _UNKNOWN_LICENCE
    fps: Fraction = Fraction(2)
    frames_most: int = 48
    side_px: int = 384
    window_s: Fraction = Fraction(64)
    new_tokens_most: int = 512

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "name": self.name,
            "family": "server",
            "url": self.url,
            "model": self.model,
            "preset": self.preset.name,
            "licence": self.licence,
            "fps": str(self.fps),
            "frames_most": self.frames_most,
            "side_px": self.side_px,
            "window_s": str(self.window_s),
            "new_tokens_most": self.new_tokens_most,
        }


def local_address(url: str) -> str:
    """`url` without a slash at its end. Raises PackError unless it is the address of a server on this machine.

    Pictures of the footage are sent there, so nothing else is accepted.
    """
    parts = urlsplit(url)
    try:
        host = parts.hostname or ""
        _ = parts.port
        is_local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = False
    if parts.scheme != "http" or not is_local or parts.username or parts.query or parts.fragment:
        raise PackError(
            f"{url} isn't the address of a server on this machine",
            remedy="Give one such as http://127.0.0.1:1234/v1; footage never leaves the machine",
        )
    return url.rstrip("/")


def load_grounder(name_or_path: str) -> GrounderPack:
    """The pack of that name, or in that folder. Raises PackError if there is none or it can't be read."""
    is_added = name_or_path in known_grounders()
    folder = paths.grounders_folder() / name_or_path if is_added else Path(name_or_path)
    if not (folder / MANIFEST).is_file():
        known = ", ".join(known_grounders()) or "none yet: see docs/grounders.md"
        raise PackError(f"There is no grounder {name_or_path!r}", remedy=f"Added grounders: {known}")
    path = folder / MANIFEST
    try:
        facts = json.loads(path.read_bytes())
        if facts["schema"] != SCHEMA or facts["family"] != "server":
            raise ValueError(f"schema {facts['schema']} of family {facts['family']!r} is not known to this version")
        pack = GrounderPack(
            name=str(facts["name"]),
            url=local_address(str(facts["url"])),
            model=str(facts["model"]),
            preset=PRESETS[facts["preset"]],
            licence=str(facts.get("licence", _UNKNOWN_LICENCE)),
            fps=Fraction(facts.get("fps", "2")),
            frames_most=int(facts.get("frames_most", GrounderPack.frames_most)),
            side_px=int(facts.get("side_px", GrounderPack.side_px)),
            window_s=Fraction(facts.get("window_s", "64")),
            new_tokens_most=int(facts.get("new_tokens_most", GrounderPack.new_tokens_most)),
        )
        if min(float(pack.fps), pack.frames_most, pack.side_px, float(pack.window_s), pack.new_tokens_most) <= 0:
            raise ValueError("a number isn't positive")
        return pack
    except PackError:
        raise
    except (OSError, ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise PackError(f"The grounder can't be read: {error!r}", path=path, remedy="Add it again") from error


def known_grounders() -> list[str]:
    """Names of the grounders that were added."""
    folder = paths.grounders_folder()
    return sorted(each.parent.name for each in folder.glob(f"*/{MANIFEST}")) if folder.is_dir() else []


def save_grounder(pack: GrounderPack) -> Path:
    """Keep the pack; its folder. Raises PackError if the name is taken or can't be one, or it can't be written."""
    expect_free_name(pack.name)  # `models` takes names of both
    folder = paths.grounders_folder() / pack.name
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        write_verified(folder / MANIFEST, (json.dumps(pack.to_json(), indent=1) + "\n").encode())
    except FileExistsError as error:
        raise PackError(
            f"There is a grounder {pack.name!r} already",
            remedy=f"Choose another name with --as, or remove it: tr-desktop models remove {pack.name}",
        ) from error
    except OSError as error:
        raise PackError(f"The grounder can't be saved: {error.strerror or error}", path=folder) from error
    return folder


def remove_grounder(name: str) -> None:
    """Delete a grounder that was added. Raises PackError if it can't be deleted."""
    folder = paths.grounders_folder() / name
    try:
        (folder / MANIFEST).unlink()
        shutil.rmtree(folder)
    except OSError as error:
        raise PackError(f"The grounder can't be removed: {error.strerror or error}", path=folder) from error
