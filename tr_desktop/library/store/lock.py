"""One writer at a time, among all processes that use a library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tr_desktop import files
from tr_desktop.errors import LibraryError
from tr_desktop.library.store.problems import cause_of, sentence


class NotWritableError(LibraryError):
    """Nothing can be added now (another process is indexing, the folder can't be written); searching works."""


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Be the one writer of the library in `folder` while the block runs. Raises NotWritableError if another is."""
    with ExitStack() as held:
        try:
            held.enter_context(files.sole_writer(folder))
        except files.LockedError as error:
            raise NotWritableError(
                "not indexed yet: another TimeRefine is indexing into this library",
                path=folder,
                remedy="Wait until it is done, or choose another folder with --library",
            ) from error
        except OSError as error:
            what = f"not indexed: {sentence(error, folder)}"
            raise NotWritableError(what, path=folder, remedy=cause_of(error, folder).value) from error
        yield
