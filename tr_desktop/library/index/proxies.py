"""Small copies that cameras and editors keep of an original: they are no answers of their own.

A camera's rules, and the folder that an editor puts proxies into, show the original by its place alone. Elsewhere, a
name is only a hint: the facts of both files prove it, or they stay two clips.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from tr_desktop.library.index.walk import is_never_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.records import FileRecord
from tr_desktop.moments import Media

_Key = tuple[Path, str]

# What Resolve, Premiere Pro and Final Cut Pro call the folders of their proxies.
_FOLDERS = frozenset({"proxy", "proxies", "proxymedia", "proxy media"})
_PROXY_ENDING = re.compile(r"[ ._-]prox(y|ies)$")
_LIKE_S = 0.2  # a proxy lasts as long as its original, to the frame
_RED_PART = re.compile(r"_001$")  # the first file of a RED clip is called after it; further ones are its parts


@dataclass(frozen=True)
class Shape:
    """What a proxy has in common with its original, and the size of its pictures.

    start_frame: of the first frame's timecode, or None without one. length: in frames at `rate`.
    """

    start_frame: int | None
    rate: Fraction
    length: int
    pixels: int

    @classmethod
    def of(cls, media: Media, duration_s: Fraction) -> Shape | None:
        """None for a variable rate: its frames can't be told by their number."""
        if media.is_vfr:
            return None
        start = media.start_tc.frame if media.has_timecode else None
        return cls(start, media.rate, round(duration_s * media.rate), media.width * media.height)

    @property
    def recording(self) -> tuple[int | None, Fraction, int]:
        """Equal for files that show the same frames under the same labels."""
        return self.start_frame, self.rate, self.length


def proxies_of(files: Iterable[Path]) -> dict[Path, Path]:
    """Which of `files` are proxies of which others by their place: {proxy: original}. Without its original, none is."""
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


def searched_once(searched: Mapping[Path, FileRecord], offline: Collection[Path], catalog: Catalog) -> dict[Path, str]:
    """Of originals and proxies that are both among `searched`: those not to search, with the reason."""
    reasons: dict[Path, str] = {}
    stand_ins: dict[Path, Path] = {}
    groups = [_of_like_length(group, searched) for group in _namesakes(searched)]
    groups = [group for group in groups if _may_have_proxies(group, searched)]
    headers = catalog.headers(path for group in groups for path in group)
    shapes = {path: shape for path, header in headers.items() if (shape := Shape.of(*header)) is not None}
    for group in groups:
        for proxy, original in _proven_proxies(group, shapes).items():
            if original in offline and proxy not in offline and original not in stand_ins:
                stand_ins[original] = proxy
                reasons[original] = f"offline; its proxy {proxy.name} is searched"
            else:
                reasons[proxy] = f"a proxy of {original.name}"
    return reasons


def _of_like_length(group: list[Path], records: Mapping[Path, FileRecord]) -> list[Path]:
    """Those of `group` that last about as long as another."""
    tick_s = {tick_s: float(Fraction(tick_s)) for tick_s in {records[path].tick_s for path in group}}
    lasting = sorted((records[path].end_tick * tick_s[records[path].tick_s], path) for path in group)
    near = [later[0] - earlier[0] < _LIKE_S for earlier, later in pairwise(lasting)]
    return [path for (_, path), *are_near in zip(lasting, [False, *near], [*near, False], strict=True) if any(are_near)]


def _may_have_proxies(group: list[Path], records: Mapping[Path, FileRecord]) -> bool:
    """Whether it's worth reading the facts: cards number their files alike, and many files are equally long."""
    return len({records[path].height for path in group}) > 1 or any(map(is_called_proxy, group))


def _namesakes(files: Iterable[Path]) -> list[list[Path]]:
    """Files with the same name, apart from folder, ending and a proxy's suffix: at least two in each list."""
    groups: dict[str, list[Path]] = {}
    for path in files:
        groups.setdefault(common_name(path), []).append(path)
    return [group for group in groups.values() if len(group) > 1]


def _proven_proxies(group: Iterable[Path], shapes: Mapping[Path, Shape]) -> dict[Path, Path]:
    """{proxy: original} among files of one name. Files without a shape, such as those read in part, prove nothing.

    The original has larger pictures, or is the only one that isn't called a proxy. Without timecode, equal names and
    lengths are proof only if the name or the folder says that it's a proxy.
    """
    found = {}
    recordings: dict[tuple[int | None, Fraction, int], list[Path]] = {}
    for path in group:
        if path in shapes:
            recordings.setdefault(shapes[path].recording, []).append(path)
    for recording in recordings.values():
        large = max((shapes[path].pixels for path in recording if not is_called_proxy(path)), default=0)
        originals = [path for path in recording if shapes[path].pixels == large and not is_called_proxy(path)]
        if len(originals) == 1:
            for path in recording:
                is_small = shapes[path].pixels < large and shapes[path].start_frame is not None
                if path != originals[0] and (is_small or is_called_proxy(path)):
                    found[path] = originals[0]
    return found


def is_called_proxy(path: Path) -> bool:
    """Whether the name or the folder of a file says that it's a proxy."""
    return (
        path.suffix.lower() in (".lrv", ".lrf")
        or path.parent.name.lower() in _FOLDERS
        or _PROXY_ENDING.search(path.stem.lower()) is not None
        or _is_sonys(path)
    )


def common_name(path: Path) -> str:
    """The name that an original and its proxies have in common, by which they are only candidates."""
    stem, ending = os.path.splitext(os.path.basename(path))  # noqa: PTH119, PTH122 (a library has many files)
    stem = _PROXY_ENDING.sub("", stem.lower())
    if ending.lower() == ".r3d":
        return _RED_PART.sub("", stem)
    if ending.lower() == ".lrv" and stem.startswith("gl"):
        return "gx" + stem[2:]
    if stem.startswith("gh") and stem[2:].isdecimal():
        return "gx" + stem[2:]
    return stem[:-3] if _is_sonys(path) else stem


def is_place_of_original(path: Path, original: Path) -> bool:
    """Whether `original` is where a camera or an editor keeps the original of the proxy `path`."""
    return _key(original.parent, original.stem) in _original_keys(path)


def _original_keys(path: Path) -> list[_Key]:
    """Where the original of `path` would be, by folder and name without its ending; [] if `path` is no proxy."""
    folder, stem = path.parent, path.stem
    suffix, name = path.suffix.lower(), folder.name.lower()
    if suffix in (".lrv", ".lrf"):
        # DJI and older GoPros keep the name; newer GoPros write GL for the small file, GX or GH for the large one.
        stems = [stem, *(kind + stem[2:] for kind in ("GX", "GH") if stem[:2].upper() == "GL")]
        return [_key(folder, each) for each in stems]
    if _is_sonys(path):
        return [_key(folder.parent / "clip", stem[:-3])]
    if name in _FOLDERS:
        stems = [stem, _PROXY_ENDING.sub("", stem.lower())]
        return [_key(folder.parent, each) for each in dict.fromkeys(stems)]
    return []


def _is_sonys(path: Path) -> bool:
    """Sony: SUB/C0001S03.MP4 of CLIP/C0001.MP4."""
    return path.stem.upper().endswith("S03") and path.parent.name.lower() == "sub"


def _key(folder: Path, stem: str) -> _Key:
    # The case of a card's names differs between systems.
    return folder.parent / folder.name.lower(), stem.lower()
