"""Model packs: a folder or a .trpack zip with `pack.json` and the files it lists.

A pack may come from anywhere and is treated as untrusted data. Only listed files of known kinds are read, after a check
of size and hash. A model that refers to other files or to unknown operators is refused, with its name.
"""

from __future__ import annotations

import hashlib
import json
import math
import stat
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from tr_desktop.errors import PackError
from tr_desktop.models.onnx_check import refusal
from tr_desktop.paths import packs_folder
from tr_desktop.picture_shape import Fit, Interpolation, PictureShape

SCHEMA = 1
EMBEDDED_DEFAULT = "mini"
EMBEDDED = Path(__file__).parent / "packs"
REQUIRED = ("image.onnx", "text.onnx", "tokenizer.json", "background.npy", "CARD.md")
MAX_TOKENS = 64  # of packs that name no limit
# Kinds of file that a pack may hold; above all no pickles.
_KINDS = {".onnx", ".json", ".npy", ".md"}
_MAX_BYTES = 4 << 30


@dataclass(frozen=True)
class Pack:
    """An opened pack.

    picture_shape: of the pictures that the image tower takes. sample_fps: frames a second to sample. width: length of
    its vectors. max_tokens: where sentences are cut, special tokens included. pads_to_max: whether all have this many
    tokens, filled up with `pad_id`; otherwise they are as long as the longest of a batch. threshold: the score from
    which a moment counts as confident. bias, weights: the calibration, a logistic regression over named evidence.
    sha256: the identity by which libraries keep its vectors: the hash of pack.json, or of the one in `indexed_as` that
    it was before a new calibration. manifest: pack.json as it is.
    languages: of its sentences, in words such as "English"; "" if pack.json doesn't say.
    """

    name: str
    location: Path
    sha256: str
    licence: str
    sources: tuple[str, ...]
    picture_shape: PictureShape
    sample_fps: Fraction
    width: int
    max_tokens: int
    pads_to_max: bool
    pad_id: int
    threshold: float
    bias: float
    weights: Mapping[str, float]
    files: Mapping[str, tuple[int, str]] = field(repr=False)
    _read_raw: Callable[[str], bytes] = field(repr=False)
    manifest: str = field(repr=False)
    languages: str = ""

    def read(self, name: str) -> bytes:
        """The bytes of one listed file, checked. Raises PackError if it is missing, changed or unsafe."""
        if name not in self.files:
            raise PackError(f"The model pack has no {name}", path=self.location, remedy="Install the pack again")
        size_bytes, sha256 = self.files[name]
        content = self._read_raw(name)
        if len(content) != size_bytes or hashlib.sha256(content).hexdigest() != sha256:
            raise PackError(
                f"{name} of the model pack doesn't match its pack.json (damaged or changed)",
                path=self.location,
                remedy="Install the pack again",
            )
        if name.endswith(".onnx") and (why := refusal(content)):
            raise PackError(f"{name} of the model pack is refused: {why}", path=self.location)
        return content

    def verify(self) -> None:
        """Check every file of the pack. Raises PackError at the first that is missing, changed or unsafe."""
        for name in self.files:
            self.read(name)

    def calibrated_score(self, evidence: Mapping[str, float]) -> float:
        """The probability that a moment with this evidence is right, in [0, 1]."""
        logit = self.bias + sum(weight * evidence[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(min(logit, 60.0), -60.0)))

    @property
    def input_px(self) -> int:
        """The side of the square pictures."""
        return self.picture_shape.size_px

    @cached_property
    def card(self) -> str:
        return self.read("CARD.md").decode()


def list_packs() -> list[str]:
    """Names of the embedded packs."""
    return _packs_in(EMBEDDED)


def installed_packs() -> list[str]:
    """Names of the packs that the user added, without those that an embedded pack hides."""
    return [name for name in _packs_in(packs_folder()) if name not in list_packs()]


def load_pack(name_or_path: str | Path) -> Pack:
    """The embedded or added pack of that name, or the folder or .trpack file at that path. Raises PackError."""
    text = str(name_or_path)
    for folder, names in ((EMBEDDED, list_packs()), (packs_folder(), installed_packs())):
        if text in names:  # the user may have given an added pack another name than its own
            return replace(parse_pack(folder / text, _folder_reader(folder / text)), name=text)
    if text == EMBEDDED_DEFAULT:
        missing = "The model pack that TimeRefine comes with is missing"
        raise PackError(missing, path=EMBEDDED, remedy="Install TimeRefine again")
    path = Path(name_or_path)
    if path.is_dir():
        if not is_pack(path):
            remedy = "If it is a checkpoint, make a pack of it: tr-desktop models add FOLDER"
            raise PackError("This folder is no model pack: it has no pack.json", path=path, remedy=remedy)
        return parse_pack(path, _folder_reader(path))
    if path.is_file():
        return parse_pack(path, _zip_reader(path))
    raise PackError(
        f"There is no model pack {text!r}",
        remedy=f"Known packs: {', '.join([*list_packs(), *installed_packs()])}; or give a folder or a .trpack file",
    )


def is_pack(path: Path) -> bool:
    """Whether `path` is a pack's folder, or a file, which can be nothing but a .trpack."""
    return path.is_file() or (path / "pack.json").is_file()


def _packs_in(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(pack.name for pack in folder.iterdir() if (pack / "pack.json").is_file())


def _folder_reader(folder: Path) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        path = folder / name
        try:
            inside = [part for part in (path, *path.parents) if part != folder and part.is_relative_to(folder)]
            if any(part.is_symlink() for part in inside):
                raise PackError(f"{name} of the model pack is a link, which isn't allowed", path=folder)
            return path.read_bytes()
        except OSError as error:
            raise PackError(
                f"{name} of the model pack can't be read: {error.strerror}",
                path=folder,
                remedy="Install the pack again",
            ) from error

    return read


def _zip_reader(path: Path) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        try:
            with zipfile.ZipFile(path) as archive:
                info = archive.getinfo(name)
                if stat.S_ISLNK(info.external_attr >> 16):
                    raise PackError(f"{name} of the model pack is a link, which isn't allowed", path=path)
                if info.file_size > _MAX_BYTES:
                    raise PackError(f"{name} of the model pack is too large", path=path)
                return archive.read(info)
        except KeyError as error:
            raise PackError(f"The model pack has no {name}", path=path, remedy="Install the pack again") from error
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise PackError(
                f"The model pack can't be read: {error}", path=path, remedy="Give a folder or a .trpack file"
            ) from error

    return read


def parse_pack(location: Path, read_raw: Callable[[str], bytes]) -> Pack:
    """The pack whose files `read_raw` returns by name; `location` names it in messages. Raises PackError."""
    manifest = read_raw("pack.json")
    try:
        facts: dict[str, Any] = json.loads(manifest)
        if facts["schema"] != SCHEMA:
            raise PackError(
                f"The model pack has schema {facts['schema']}, but this version supports {SCHEMA}",
                path=location,
                remedy="Update TimeRefine Desktop, or choose another pack",
            )
        files = {name: (int(file["size_bytes"]), str(file["sha256"])) for name, file in facts["files"].items()}
        pack = Pack(
            name=str(facts["name"]),
            location=location,
            sha256=_identity(manifest, facts),
            licence=str(facts["licence"]),
            sources=tuple(map(str, facts["sources"])),
            picture_shape=_picture_shape(facts),
            sample_fps=Fraction(facts["sample_fps"]),
            width=int(facts["width"]),
            max_tokens=int(facts.get("max_tokens", MAX_TOKENS)),
            pads_to_max=bool(facts.get("pads_to_max", False)),
            pad_id=int(facts.get("pad_id", 0)),
            threshold=float(facts["threshold"]),
            bias=float(facts["calibration"]["bias"]),
            weights={name: float(weight) for name, weight in facts["calibration"]["weights"].items()},
            files=files,
            _read_raw=read_raw,
            manifest=manifest.decode(),
            languages=str(facts.get("languages", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise PackError(f"The model pack's pack.json is damaged: {error!r}", path=location) from error
    for name in files:
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or "\\" in name or ":" in name:
            raise PackError(f"The model pack lists a path outside itself: {name}", path=location)
        if parts.suffix not in _KINDS:
            raise PackError(f"The model pack lists a kind of file that isn't allowed: {name}", path=location)
    if missing := [name for name in REQUIRED if name not in files]:
        raise PackError(f"The model pack has no {', '.join(missing)}", path=location)
    is_plausible = 0 < pack.input_px <= 4096 and 0 < pack.sample_fps <= 60 and pack.width > 0
    if not (is_plausible and 0 < pack.max_tokens <= 4096 and pack.pad_id >= 0):
        raise PackError("The model pack's pack.json is damaged: sizes out of range", path=location)
    return pack


def _identity(manifest: bytes, facts: Mapping[str, Any]) -> str:
    """The hash by which libraries keep the pack's vectors.

    A calibration changes no vector, so the index of the pack before it stays valid: `indexed_as` is the pack.json of
    then. It counts only if towers, pictures and sampling are those of now.
    """
    before = facts.get("indexed_as")
    if before is None:
        return hashlib.sha256(manifest).hexdigest()
    if _makes_vectors(json.loads(before)) != _makes_vectors(facts):
        raise ValueError("indexed_as is of a pack with other vectors")
    return hashlib.sha256(str(before).encode()).hexdigest()


def _makes_vectors(facts: Mapping[str, Any]) -> list[Any]:
    """What a pack's vectors depend on."""
    towers = [facts["files"][name]["sha256"] for name in ("image.onnx", "text.onnx", "tokenizer.json")]
    text = [facts.get(name) for name in ("max_tokens", "pads_to_max", "pad_id")]
    return [*towers, _picture_shape(facts), facts["sample_fps"], facts["width"], *text]


def _picture_shape(facts: Mapping[str, Any]) -> PictureShape:
    fit = Fit(facts.get("fit", Fit.SQUASH.value))
    return PictureShape(
        int(facts["input_px"]), fit, Interpolation(facts.get("interpolation", Interpolation.AREA.value))
    )
