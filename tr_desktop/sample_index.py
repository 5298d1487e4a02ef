"""The index that comes with the sample clip: the first search needs neither the image model nor a second process.

It holds the vectors that the embedded pack makes of the clip's sampled pictures; `python -m tests.make_sample` writes
them. Of another pack or of another clip they are of no use: then the clip is indexed as all footage is.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tr_desktop.engine import Engine
from tr_desktop.footage.sample import CLIP
from tr_desktop.library.index.identity import content_digest
from tr_desktop.library.index.indexer import index_footage, read_here
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import Pack

VECTORS = CLIP.with_suffix(".npz")
_AT_ONCE = 16

Vectors = npt.NDArray[np.float32]


def index_sample(clip: Path, engine: Engine) -> None:
    """Put `clip`, a copy of the sample, into the library with the vectors that came with it.

    If the library knows the clip, or these vectors don't fit, nothing happens. Raises LibraryError for a full disk.
    """
    pack = engine.encoder.pack
    if os.fsencode(clip) in engine.catalog.known(pack.sha256):
        return
    vectors = _vectors(clip, pack)
    if vectors is not None:
        index_footage([clip], engine.catalog, _Ready(pack, vectors), read=read_here)


def save_vectors(vectors: Vectors, pack: Pack) -> None:
    """Write what `index_sample` reads: the vectors [n, width] of the clip's sampled pictures, in their order."""
    kept = vectors.astype(np.float16)  # as libraries keep them
    np.savez(VECTORS, vectors=kept, digest=_digest(CLIP), pack=np.frombuffer(pack.sha256.encode(), np.uint8))


def _vectors(clip: Path, pack: Pack) -> Vectors | None:
    try:
        with np.load(VECTORS, allow_pickle=False) as kept:
            if kept["pack"].tobytes() != pack.sha256.encode() or kept["digest"].tobytes() != _digest(clip).tobytes():
                return None
            return np.asarray(kept["vectors"], np.float32)
    except FileNotFoundError:
        return None


def _digest(clip: Path) -> npt.NDArray[np.uint8]:
    return np.frombuffer(content_digest(clip, clip.stat().st_size), np.uint8)


class _Ready(Encoder):
    """Gives the vectors of one file's pictures, which are known, in the order in which the pictures come."""

    def __init__(self, pack: Pack, vectors: Vectors) -> None:
        super().__init__(pack)
        self._left = vectors

    @property
    def batch(self) -> int:
        return _AT_ONCE

    def encode_images(self, pictures: npt.NDArray[np.uint8]) -> Vectors:
        these, self._left = np.split(self._left, [len(pictures)])
        return these
