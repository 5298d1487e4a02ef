"""The library's files, as exports see them: never replaced, and other than those that were searched if they changed."""

from __future__ import annotations

from pathlib import Path

from tr_desktop.library.index.identity import SAMPLED_BYTES, content_digest
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Media


class KeptFiles:
    """The files of an open catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @property
    def folder(self) -> Path:
        return self._catalog.folder

    def indexed_paths(self) -> list[Path]:
        return self._catalog.paths()

    def has_other_content(self, media: Media) -> bool:
        """Whether the file holds something else than what was searched, although its size and date are the same.

        Raises OSError if it can't be read.
        """
        searched = self._catalog.content_of(media.path)
        if searched is None or (searched.size_bytes, searched.mtime_ns) != (media.size_bytes, media.mtime_ns):
            return False
        # A digest may be longer: that of a second master with the same samples.
        return searched.digest[:SAMPLED_BYTES] != content_digest(media.path, media.size_bytes)
