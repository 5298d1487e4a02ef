"""Footage at the time of an export: still the file that was searched, or not."""

from __future__ import annotations

from collections.abc import Iterable

from exporters.target import Library
from tr_desktop.errors import ExportError
from tr_desktop.moments import Media


def check_sources(footage: Iterable[Media], library: Library | None, *, are_read: bool) -> list[str]:
    """Notes on files that aren't where they were. are_read: the export reads the files, so they must be there.

    ExportError: a file is missing and must be read, or it has changed since the search.
    """
    notes = []
    for media in dict.fromkeys(footage):
        try:
            status = media.path.stat()
            has_changed = (status.st_size, status.st_mtime_ns) != (media.size_bytes, media.mtime_ns)
            has_changed = has_changed or (library is not None and library.has_other_content(media))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            if are_read:
                raise ExportError(
                    f"A file of the export can't be read: {reason}",
                    path=media.path,
                    remedy="Connect its drive, or search again if it was moved",
                ) from error
            notes.append(
                f"{media.path.name} can't be read ({reason}). The export refers to {media.path}: connect the drive, "
                "search again if the file was moved, or relink it in your editor."
            )
            continue
        if has_changed:
            raise ExportError("The file has changed since the search", path=media.path, remedy="Search again")
    return notes
