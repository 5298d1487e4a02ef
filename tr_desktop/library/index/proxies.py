"""Small copies that cameras and editors keep beside the original: they are no answers of their own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tr_desktop.library.index.walk import is_never_footage

_Key = tuple[Path, str]


def proxies_of(files: Iterable[Path]) -> dict[Path, Path]:
    """Which of `files` are proxies of which others of them: {proxy: original}. Without its original, none is."""
    candidates = {path: keys for path in files if (keys := _original_keys(path))}
    if not candidates:
        return {}
    wanted = {key for keys in candidates.values() for key in keys}
    originals: dict[_Key, Path] = {}
    for path in files:
        key = _key(path.parent, path.stem)
        if key in wanted and path not in candidates and not is_never_footage(path):
            originals.setdefault(key, path)
    found = {}
    for path, keys in candidates.items():
        original = next((originals[key] for key in keys if key in originals), None)
        if original is not None:
            found[path] = original
    return found


def _original_keys(path: Path) -> list[_Key]:
    """Where the original of `path` would be, by folder and name without its ending; [] if `path` is no proxy."""
    folder, stem = path.parent, path.stem
    suffix, name = path.suffix.lower(), folder.name.lower()
    if suffix in (".lrv", ".lrf"):
        # DJI and older GoPros keep the name; newer GoPros write GL for the small file, GX or GH for the large one.
        stems = [stem, *(kind + stem[2:] for kind in ("GX", "GH") if stem[:2].upper() == "GL")]
        return [_key(folder, each) for each in stems]
    if name == "sub" and stem.upper().endswith("S03"):  # Sony: SUB/C0001S03.MP4 of CLIP/C0001.MP4
        return [_key(folder.parent / "clip", stem[:-3])]
    if name in ("proxy", "proxies"):
        stems = [stem, *(stem[: -len(end)] for end in ("_proxy", "-proxy") if stem.lower().endswith(end))]
        return [_key(folder.parent, each) for each in stems]
    return []


def _key(folder: Path, stem: str) -> _Key:
    # The case of a card's names differs between systems.
    return folder.parent / folder.name.lower(), stem.lower()
