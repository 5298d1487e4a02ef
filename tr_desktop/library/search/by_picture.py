"""Searching by example: a picture, or a moment of footage."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import UserError
from tr_desktop.footage.seek import read_frames
from tr_desktop.footage.still import read_still
from tr_desktop.library.index.indexer import ReadNew, index_footage, read_here
from tr_desktop.library.index.walk import absolute_path
from tr_desktop.library.search.media_at import frame_at, is_place
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Footage

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder


@dataclass(frozen=True)
class QueryExample:
    """vector: fp32 [D], L2-normalised. path: its file. frame: None for a picture."""

    vector: npt.NDArray[np.float32]
    path: Path
    frame: int | None = None


def load_example(what: str, catalog: Catalog, encoder: Encoder, read: ReadNew = read_here) -> QueryExample:
    """The example that PICTURE or MEDIA@SECONDS names; footage that isn't in the library is indexed, by `read`.

    Raises UserError if it can't be read.
    """
    media_name, at, place = what.rpartition("@")
    if at and not os.path.exists(what):  # noqa: PTH110 (it raises nothing)
        if not is_place(place):
            raise UserError(f"{what!r} is neither a picture nor MEDIA@SECONDS")
        path = absolute_path(Path(media_name))
        footage = _footage(path, catalog, encoder, read)
        frame = frame_at(footage, place)
        picture = next(picture for _, picture in read_frames(footage, [frame], encoder.pack.picture_shape))
        return QueryExample(encoder.encode_images(picture[None])[0], path, frame)
    path = absolute_path(Path(what))
    return QueryExample(encoder.encode_images(read_still(path, encoder.pack.picture_shape)[None])[0], path)


def _footage(path: Path, catalog: Catalog, encoder: Encoder, read: ReadNew) -> Footage:
    """The frames of an example's file. What another pack has read is enough: none of its vectors is needed."""
    with suppress(KeyError, OSError):
        footage, stat = catalog.footage(path), path.stat()
        media = footage.media
        if footage.is_whole and (media.size_bytes, media.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
            return footage
    if path.is_dir():
        raise UserError("The example is a folder", path=path, remedy="Write it as park.mov@12.5")
    coverage = index_footage([path], catalog, encoder, read=read)
    if not coverage.searched:
        reason = coverage.skipped[0].reason if coverage.skipped else "it is part of the library"
        raise UserError(f"The example can't be read: {reason}", path=path)
    return catalog.footage(path)
