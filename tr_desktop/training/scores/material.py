"""What composed libraries are made of: clips that the pack never saw, one half to fit on and one to test on."""

from __future__ import annotations

from pathlib import Path

from tr_desktop.models.encoder import Encoder
from tr_desktop.training.refiner.sources import ClipSource, Sources, encode_sources, load_sources


def encoded_clips(data: Path, cache: Path, encoder: Encoder) -> Sources:
    """The clips of `data`/clips that are kept as a few frames each, encoded once for each pack."""
    path = cache / f"clip-frames-{encoder.pack.sha256[:16]}.npz"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        encode = (encoder.encode_images, encoder.encode_text)
        encode_sources(data, path, *encode, encoder.background, encoder.pack.input_px, only_frames=True)
    return load_sources(path)


def halves(sources: Sources) -> tuple[Sources, Sources]:
    """Two halves, to fit on one and test on the other: about as many sources in each, and no repository in both.

    The repository is what a source's group names before its "@": its clips often look alike.
    """
    repositories: dict[str, list[ClipSource]] = {}
    for item in sources.items:
        repositories.setdefault(item.group.split("@")[0], []).append(item)
    parts: tuple[list[ClipSource], list[ClipSource]] = [], []
    for name in sorted(repositories, key=lambda name: (-len(repositories[name]), name)):
        min(parts, key=len).extend(repositories[name])
    fit, test = (Sources(tuple(p), sources.captions, sources.caption_vectors, sources.background) for p in parts)
    return fit, test
