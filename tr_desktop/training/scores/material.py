"""What scores are fitted to and tested on beside annotated footage: clips that the pack never saw, in two halves."""

from __future__ import annotations

from pathlib import Path

from tr_desktop.models.encoder import Encoder
from tr_desktop.training import repositories
from tr_desktop.training.refiner.sources import ClipSource, Sources, encode_sources, load_sources

CLIP_FRAMES = "clips/clip-frames.tar"


def encoded_clips(data: Path, cache: Path, encoder: Encoder) -> Sources:
    """The half of `all_clips` that the embedded encoder doesn't learn from."""
    return halves(all_clips(data, cache, encoder))[1]


def all_clips(data: Path, cache: Path, encoder: Encoder) -> Sources:
    """The clips of `data`/clips that are kept as a few frames each, encoded once for each pack."""
    path = cache / f"clip-frames-{encoder.pack.sha256[:16]}.npz"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        encode = (encoder.encode_images, encoder.encode_text)
        encode_sources(data, path, *encode, encoder.background, encoder.pack.input_px, only_frames=True)
    return load_sources(path)


def halves(sources: Sources) -> tuple[Sources, Sources]:
    """Two halves, to fit on one and test on the other: about as many sources in each, and no repository in both."""
    first, _ = repositories.halves(item.group for item in sources.items)
    parts: tuple[list[ClipSource], list[ClipSource]] = [], []
    for item in sources.items:
        parts[repositories.repository(item.group) not in first].append(item)
    fit, test = (Sources(tuple(p), sources.captions, sources.caption_vectors, sources.background) for p in parts)
    return fit, test
