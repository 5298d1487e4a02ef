"""Reading new files where a crash costs one file: in a child process, replaced by a new one if a file ends it.

The files that a dead child had begun and not stored are suspects. Each is read alone by a new child. One that ends this
child too is skipped, and remembered until it changes; then a new child goes on with the rest. What was stored stays.

A child that dies before it begins a file is replaced once: if a graphics driver ended it, the next one passes over that
device.

Nothing is remembered against a file if its child was killed from outside, which also happens when memory runs out, or
if Python raised an error there: the next run tries such files again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tr_desktop.errors import UserError
from tr_desktop.footage.container import DECODER
from tr_desktop.library.index.coverage import NOT_YET, IndexProgress
from tr_desktop.library.index.indexer import if_unchanged
from tr_desktop.library.index.reader_process import Death, read_in_child
from tr_desktop.library.index.reading import ReadingOptions
from tr_desktop.library.store.catalog import Catalog

ENDS_ITS_READER = "reading it ends the reader: the file may be damaged or of an unusual kind"
_KILLED = "its reader was killed, perhaps for lack of memory; the next run tries again"
_FAILED = "reading it fails unexpectedly ({}); the next run tries again"


def read_isolated(
    new: Mapping[Path, os.stat_result],
    catalog: Catalog,
    options: ReadingOptions,
) -> dict[Path, str]:
    """`ReadNew` in child processes. An error from `on_progress` ends the run and its child.

    Raises UserError if no child can be started, or if two die before they begin a file.
    """
    with catalog.writing():
        pass  # if nothing can be stored, say so before a process starts
    return _Run(new, catalog, options).read()


class _Run:
    """Reads new files in one child after the other."""

    def __init__(
        self,
        new: Mapping[Path, os.stat_result],
        catalog: Catalog,
        options: ReadingOptions,
    ) -> None:
        self._new, self._catalog, self._options = new, catalog, options
        self._left, self._reasons = dict(new), dict.fromkeys(new, NOT_YET)
        self._latest: IndexProgress | None = None
        self._was_replaced = False  # a child that had begun nothing

    def read(self) -> dict[Path, str]:
        """Read all files; why some can't be searched now."""
        suspects: list[Path] = []
        while self._left and not self._options.stop.is_set():
            files = [suspects.pop()] if suspects else list(self._left)  # the last begun first: decoding is ahead
            end = read_in_child(files, self._catalog, replace(self._options, on_progress=self._reporter()))
            if not isinstance(end, Death):
                for path in files:
                    self._settle(path, end.get(path))
                continue
            have_stored = self._settle_stored(files)
            if self._options.stop.is_set():
                break  # it was killed because it didn't stop by itself
            in_progress = [path for path in end.in_progress if path in self._left]
            if len(files) > 1:
                suspects = in_progress
            elif in_progress:
                self._blame(files[0], end)
            if in_progress or have_stored:
                continue
            if self._was_replaced:
                raise UserError(
                    f"New footage can't be read: the process that reads it ended at once ({end})",
                    remedy="Run `tr-desktop doctor`, which tests the installation",
                )
            self._was_replaced = True
        return self._reasons

    def _settle(self, path: Path, reason: str | None) -> None:
        """A file was dealt with. reason: why it can't be searched, or None if it can."""
        del self._left[path], self._reasons[path]
        if reason is not None:
            self._reasons[path] = reason

    def _settle_stored(self, files: list[Path]) -> bool:
        """Settle those of `files` that a dead child dealt with; whether there are any."""
        known = self._catalog.known(self._options.encoder.pack.sha256)
        before = len(self._left)
        for path in files:
            entry = if_unchanged(known.get(os.fsencode(path)), self._new[path])
            if entry is not None and (entry.reason or entry.is_whole):
                self._settle(path, entry.reason)
        return len(self._left) < before

    def _blame(self, path: Path, death: Death) -> None:
        """A file ended a child that read nothing else."""
        if death.failure:
            self._settle(path, _FAILED.format(death.failure))
        elif death.is_from_outside:
            self._settle(path, _KILLED)
        else:
            with self._catalog.writing() as writer:
                writer.add_skipped(path, self._new[path], ENDS_ITS_READER, DECODER)
            self._settle(path, ENDS_ITS_READER)

    def _reporter(self) -> Callable[[IndexProgress], None]:
        """Reports the progress of the next child as that of the whole run."""
        earlier = self._latest
        settled = len(self._new) - len(self._left)
        total_bytes = sum(stat.st_size for stat in self._new.values())
        settled_bytes = total_bytes - sum(stat.st_size for stat in self._left.values())

        def report(progress: IndexProgress) -> None:
            if progress.is_first_pass:  # a child that replaces one looks at what that one hadn't seen
                self._options.on_progress(progress)
                return
            self._latest = replace(
                progress,
                file_number=settled + progress.file_number,
                files=len(self._new),
                done_bytes=max(settled_bytes + progress.done_bytes, earlier.done_bytes if earlier else 0),
                total_bytes=total_bytes,
                footage_s=progress.footage_s + (earlier.footage_s if earlier else 0),
                elapsed_s=progress.elapsed_s + (earlier.elapsed_s if earlier else 0),
            )
            self._options.on_progress(self._latest)

        return report
