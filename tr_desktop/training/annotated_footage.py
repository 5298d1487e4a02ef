"""A folder of annotated videos, read into a library."""

from __future__ import annotations

from pathlib import Path

from tr_desktop.errors import UserError
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.encoder import Encoder
from tr_desktop.moments import Indexed
from tr_desktop.training.annotations import Annotation, read_annotations

ANNOTATIONS = "annotations.jsonl"


def annotated_footage(folder: Path, catalog: Catalog, encoder: Encoder) -> tuple[list[Annotation], dict[str, Indexed]]:
    """The annotations of `folder`, and its annotated files by name, read into the library by the indexer."""
    annotations = read_annotations(folder / ANNOTATIONS, "footage")
    paths = {name: (folder / name).resolve() for name in sorted({annotation.video for annotation in annotations})}
    index_footage(list(paths.values()), catalog, encoder)
    files = {}
    for name, path in paths.items():
        try:
            files[name] = catalog.load(path, encoder.pack.sha256)
        except KeyError as error:
            raise UserError("An annotated file can't be indexed", path=path) from error
    return annotations, files
