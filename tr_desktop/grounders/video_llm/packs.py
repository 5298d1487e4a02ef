"""Grounder packs: grounder.json says which model it is, where it runs, how it is asked and on what terms.

library folder/grounders/NAME/grounder.json
"""

from __future__ import annotations

import ipaddress
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tr_desktop import paths
from tr_desktop.errors import PackError
from tr_desktop.files import write_verified
from tr_desktop.grounders.video_llm.checkpoints import FAMILIES, Checkpoint, FileStamp
from tr_desktop.grounders.video_llm.presets import PRESETS, Preset
from tr_desktop.models.choice import expect_free_name

SCHEMA = 1
MANIFEST = "grounder.json"
SERVER = "server"
_UNKNOWN_LICENCE = "that of the model on your server, which doesn't tell"


@dataclass(frozen=True)
class Server:
    """A server on this machine that speaks OpenAI's chat completions.

    url: to and with /v1; a loopback address. model: its name there.
    """

    url: str
    model: str


@dataclass(frozen=True)
class GrounderPack:
    """One model, behind a server or in a folder.

    runs_on: where the model is. licence_url: of its text, or "". is_non_commercial: whether it may not be used for paid
    work. sources: what it was made from. fps, frames_most, side_px: the pictures of a window; fewer a second if there
    would be more than frames_most; side_px is the longer side. window_s: the longest window. calibration: of its
    scores, named weights and `bias`; None until it was fitted.
    """

    name: str
    runs_on: Server | Checkpoint
    preset: Preset
    licence: str = _UNKNOWN_LICENCE
    licence_url: str = ""
    is_non_commercial: bool = False
    sources: tuple[str, ...] = ()
    fps: Fraction = Fraction(2)
    frames_most: int = 48
    side_px: int = 384
    window_s: Fraction = Fraction(64)
    new_tokens_most: int = 512
    calibration: Mapping[str, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """grounder.json, which is also what the worker is told."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            **_place_json(self.runs_on),
            "preset": self.preset.name,
            "licence": self.licence,
            "licence_url": self.licence_url,
            "non_commercial": self.is_non_commercial,
            "sources": list(self.sources),
            "fps": str(self.fps),
            "frames_most": self.frames_most,
            "side_px": self.side_px,
            "window_s": str(self.window_s),
            "new_tokens_most": self.new_tokens_most,
            "calibration": None if self.calibration is None else dict(self.calibration),
        }

    @classmethod
    def of_json(cls, facts: Mapping[str, Any]) -> GrounderPack:
        """The opposite of `to_json`. Raises PackError, or ValueError and the like for what isn't understood."""
        if facts["schema"] != SCHEMA:
            raise ValueError(f"schema {facts['schema']} is not known to this version")
        calibration = facts.get("calibration")
        pack = cls(
            name=str(facts["name"]),
            runs_on=_place(facts),
            preset=PRESETS[facts["preset"]],
            licence=str(facts.get("licence", cls.licence)),
            licence_url=str(facts.get("licence_url", "")),
            is_non_commercial=bool(facts.get("non_commercial", False)),
            sources=tuple(map(str, facts.get("sources", ()))),
            fps=Fraction(facts.get("fps", cls.fps)),
            frames_most=int(facts.get("frames_most", cls.frames_most)),
            side_px=int(facts.get("side_px", cls.side_px)),
            window_s=Fraction(facts.get("window_s", cls.window_s)),
            new_tokens_most=int(facts.get("new_tokens_most", cls.new_tokens_most)),
            calibration=None if calibration is None else {name: float(value) for name, value in calibration.items()},
        )
        if min(float(pack.fps), pack.frames_most, pack.side_px, float(pack.window_s), pack.new_tokens_most) <= 0:
            raise ValueError("a number isn't positive")
        return pack


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
    """The pack of that name, or in that folder.

    Raises PackError if there is none, it can't be read, or the files of its checkpoint changed since it was added.
    """
    path = _manifest(name_or_path)
    try:
        pack = GrounderPack.of_json(json.loads(path.read_bytes()))
    except PackError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
        raise PackError(f"The grounder can't be read: {error!r}", path=path, remedy="Add it again") from error
    if isinstance(pack.runs_on, Checkpoint):
        pack.runs_on.expect_unchanged()
    return pack


def known_grounders() -> list[str]:
    """Names of the grounders that were added."""
    folder = paths.grounders_folder()
    return sorted(each.parent.name for each in folder.glob(f"*/{MANIFEST}")) if folder.is_dir() else []


def expect_free_grounder_name(name: str) -> None:
    """Raises PackError if a model or a grounder has the name already, or none can have it."""
    expect_free_name(name)  # `models` takes names of both
    if name in known_grounders():
        raise PackError(
            f"There is a grounder {name!r} already",
            remedy=f"Choose another name with --as, or remove it: tr-desktop models remove {name}",
        )


def save_grounder(pack: GrounderPack) -> Path:
    """Keep the pack; its folder. Raises PackError if the name is taken or can't be one, or it can't be written."""
    expect_free_grounder_name(pack.name)
    folder = paths.grounders_folder() / pack.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_verified(folder / MANIFEST, (json.dumps(pack.to_json(), indent=1) + "\n").encode())
    except OSError as error:
        raise _not_saved(error, folder) from error
    return folder


def keep_calibration(name_or_path: str, calibration: Mapping[str, float]) -> Path:
    """Put the calibration into the pack's grounder.json, which is replaced as a whole; its path.

    Raises PackError if there is no such pack, or it can't be written; then it is as it was.
    """
    path = _manifest(name_or_path)
    kept = replace(load_grounder(name_or_path), calibration=calibration).to_json()
    try:
        write_verified(path, (json.dumps(json.loads(path.read_bytes()) | kept, indent=1) + "\n").encode())
    except OSError as error:
        raise _not_saved(error, path) from error
    return path


def _not_saved(error: OSError, path: Path) -> PackError:
    remedy = "Check that you may write there and that the drive isn't full"
    return PackError(f"The grounder can't be saved: {error.strerror or error}", path=path, remedy=remedy)


def remove_grounder(name: str) -> None:
    """Delete a grounder that was added. Raises PackError if it can't be deleted."""
    folder = paths.grounders_folder() / name
    try:
        (folder / MANIFEST).unlink()
        shutil.rmtree(folder)
    except OSError as error:
        raise PackError(f"The grounder can't be removed: {error.strerror or error}", path=folder) from error


def _manifest(name_or_path: str) -> Path:
    """The grounder.json of an added pack, or in a folder. Raises PackError if there is none."""
    is_added = name_or_path in known_grounders()
    path = (paths.grounders_folder() / name_or_path if is_added else Path(name_or_path)) / MANIFEST
    if not path.is_file():
        known = ", ".join(known_grounders()) or "none yet: see docs/grounders.md"
        raise PackError(f"There is no grounder {name_or_path!r}", remedy=f"Added grounders: {known}")
    return path


def _place_json(runs_on: Server | Checkpoint) -> dict[str, Any]:
    if isinstance(runs_on, Server):
        return {"family": SERVER, "url": runs_on.url, "model": runs_on.model}
    return {
        "family": runs_on.family,
        "folder": str(runs_on.folder),
        "files": {name: [stamp.size_bytes, stamp.sha256] for name, stamp in runs_on.files.items()},
        "mtimes_ns": {name: stamp.mtime_ns for name, stamp in runs_on.files.items()},
    }


def _place(facts: Mapping[str, Any]) -> Server | Checkpoint:
    """Where the model is. Raises PackError for a server elsewhere, ValueError for what isn't understood."""
    family = str(facts["family"])
    if family == SERVER:
        return Server(local_address(str(facts["url"])), str(facts["model"]))
    if family not in FAMILIES:
        raise ValueError(f"the family {family!r} is not known to this version")
    folder = Path(facts["folder"])
    if not folder.is_absolute():
        raise ValueError("the folder's path isn't absolute")
    changed = facts.get("mtimes_ns", {})
    files = {
        str(name): FileStamp(int(size_bytes), str(sha256), changed.get(name))
        for name, (size_bytes, sha256) in facts["files"].items()
    }
    return Checkpoint(family, folder, files)
