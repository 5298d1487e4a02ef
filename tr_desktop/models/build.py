"""Builds a pack from a folder of ONNX files: checks them, lists their hashes, and writes the pack."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import PackError
from tr_desktop.files import flush, replacing
from tr_desktop.models.check import check_pack
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import EMBEDDED_DEFAULT, REQUIRED, SCHEMA, Pack, load_pack, parse_pack
from tr_desktop.models.scaling import scaled_weights
from tr_desktop.picture_shape import PictureShape

REQUIRED_FACTS = ("name", "licence", "sources", "input_px", "sample_fps")
"""Required in the draft's pack.json; the rest is measured or taken from the embedded pack."""
_BATCH = 16
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the same files make the same archive

PictureSource = Callable[[PictureShape], npt.NDArray[np.uint8]]
"""Pictures of a shape: uint8 RGB [N, S, S, 3]."""


def build_pack(
    draft: Path,
    out: Path,
    pictures: PictureSource | None = None,
    checks: Sequence[Callable[[Pack], object]] = (),
    on_encoded: Callable[[float], None] = lambda _: None,
) -> tuple[Pack, tuple[str, ...]]:
    """Build a pack at `out`, a new folder or a .trpack file, from the folder `draft`; (the pack, names of added parts).

    draft: `image.onnx`, `text.onnx`, `tokenizer.json`, `CARD.md` and a `pack.json` with REQUIRED_FACTS. If they are
    missing, `refiner.onnx`, threshold and calibration come from the embedded pack, the calibration scaled to the new
    one (`scaling.py`), and `background.npy` is computed from `pictures` of many kinds. The width is measured. checks:
    called before anything is written, beside `check_pack`. on_encoded: called with the share of `pictures` that is
    done. Raises PackError if a part is missing, unsafe or doesn't run; `out` is then unchanged.
    """
    expect_unused(out)
    facts, files, added = _gathered(draft)
    pack = _as_pack(out, facts, files)
    facts["width"] = Encoder(pack, "cpu").encode_text(["a"]).shape[1]
    if "background.npy" not in files:
        if pictures is None:
            raise PackError(
                "The draft has no background.npy, the pictures that scores are compared with",
                path=draft,
                remedy="Name a folder of a few hundred pictures of many kinds with --pictures",
            )
        files["background.npy"] = _background(pack, pictures(pack.picture_shape), on_encoded)
        added = (*added, "background.npy")
    if "calibration" in added:
        facts["calibration"]["weights"] = scaled_weights(
            Encoder(load_pack(EMBEDDED_DEFAULT), "cpu"), Encoder(_as_pack(out, facts, files), "cpu")
        )
    pack = _as_pack(out, facts, files)
    check_pack(pack, "cpu")
    for check in checks:
        check(pack)
    _write(out, {**files, "pack.json": _manifest(facts, files)})
    return load_pack(out), added


def expect_unused(out: Path) -> None:
    """Raises PackError if no pack can be written to `out`, because it is there already and no .trpack file."""
    if out.suffix != ".trpack" and out.exists():
        raise PackError("This name is already in use", path=out, remedy="Choose another name")


def recalibrated(pack: Pack, out: Path, threshold: float, bias: float, weights: Mapping[str, float]) -> Pack:
    """`pack` with another calibration, written to `out`, a new folder or a .trpack file.

    What a library has indexed with `pack` stays indexed. Raises PackError if `out` exists or can't be written.
    """
    expect_unused(out)
    facts: dict[str, Any] = json.loads(pack.manifest)
    facts["indexed_as"] = facts.get("indexed_as", pack.manifest)
    facts |= {"threshold": threshold, "calibration": {"bias": bias, "weights": dict(weights)}}
    return _save(pack, out, (json.dumps(facts, indent=1) + "\n").encode())


def save_copy(pack: Pack, out: Path) -> Pack:
    """A copy of `pack` at `out`, a new folder or a .trpack file. Raises PackError if it can't be written."""
    return _save(pack, out, pack.manifest.encode())


def _save(pack: Pack, out: Path, manifest: bytes) -> Pack:
    _write(out, {**{name: pack.read(name) for name in pack.files}, "pack.json": manifest})
    return load_pack(out)


def _gathered(draft: Path) -> tuple[dict[str, Any], dict[str, bytes], tuple[str, ...]]:
    """(facts of pack.json, files by name, names of the parts taken from the embedded pack)."""
    embedded = load_pack(EMBEDDED_DEFAULT)
    try:
        facts: dict[str, Any] = json.loads((draft / "pack.json").read_bytes())
        if missing := [name for name in REQUIRED_FACTS if name not in facts]:
            raise PackError(f"The draft's pack.json has no {', '.join(missing)}", path=draft)
        needed = [name for name in REQUIRED if name != "background.npy"]
        optional = [name for name in ("background.npy", "refiner.onnx") if (draft / name).exists()]
        files = {name: (draft / name).read_bytes() for name in (*needed, *optional)}
    except (OSError, ValueError, TypeError) as error:
        raise PackError(f"The draft can't be read: {error}", path=draft) from error
    added = []
    if "refiner.onnx" not in files:
        files["refiner.onnx"] = embedded.read("refiner.onnx")
        added.append("refiner.onnx")
    own = {"bias": embedded.bias, "weights": dict(embedded.weights)}
    for name, value in (("threshold", embedded.threshold), ("calibration", own)):
        if name not in facts:
            facts[name] = value
            added.append(name)
    return {"schema": SCHEMA, "width": 1, **facts}, files, tuple(added)


def _as_pack(out: Path, facts: dict[str, Any], files: dict[str, bytes]) -> Pack:
    # A file that isn't made yet is listed as empty; nothing reads it before.
    listed = {name: files.get(name, b"") for name in {*files, *REQUIRED}}
    contents = {**listed, "pack.json": _manifest(facts, listed)}
    return parse_pack(out, contents.__getitem__)


def _manifest(facts: dict[str, Any], files: dict[str, bytes]) -> bytes:
    listed = {
        name: {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(files.items())
    }
    return (json.dumps({**facts, "files": listed}, indent=1) + "\n").encode()


def _background(pack: Pack, pictures: npt.NDArray[np.uint8], on_encoded: Callable[[float], None]) -> bytes:
    encoder = Encoder(pack, "cpu")
    out, rows = io.BytesIO(), []
    for at in range(0, len(pictures), _BATCH):
        rows.append(encoder.encode_images(pictures[at : at + _BATCH]))
        on_encoded(min(at + _BATCH, len(pictures)) / len(pictures))
    np.save(out, np.concatenate(rows).astype(np.float16), allow_pickle=False)
    return out.getvalue()


def _write(out: Path, files: dict[str, bytes]) -> None:
    try:
        if out.suffix == ".trpack":
            with replacing(out) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                for file, content in files.items():
                    archive.writestr(zipfile.ZipInfo(file, _ZIP_DATE), content, zipfile.ZIP_DEFLATED)
        else:
            _write_folder(out.absolute(), files)
    except OSError as error:
        raise PackError(f"The pack can't be written: {error.strerror}", path=out) from error


def part_prefix(pid: int) -> str:
    """How the names of unfinished packs begin that process `pid` writes."""
    return f".pack-{pid}-"


def _write_folder(out: Path, files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=part_prefix(os.getpid())) as name:
        part = Path(name) / "pack"
        part.mkdir()
        for file, content in files.items():
            (part / file).write_bytes(content)
            flush(part / file)
        flush(part)
        part.rename(out)
        flush(out.parent)
