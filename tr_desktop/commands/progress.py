"""Progress on standard error: an index run in bytes and files with × real time, clips in frames, text in seconds, what
a video language model looks at in windows."""

from __future__ import annotations

import sys
from math import ceil
from typing import NoReturn

from tqdm import tqdm

from tr_desktop.library.index.coverage import IndexProgress, TextProgress
from tr_desktop.names import printable


class IndexBar:
    """Use as a context; `update` takes the indexer's progress, `summary` shows the speed."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._last: IndexProgress | None = None
        self._decoder = ""  # as shown last

    def __enter__(self) -> IndexBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, progress: IndexProgress) -> None:
        is_other_pass = self._last is not None and progress.is_first_pass != self._last.is_first_pass
        if self._bar is not None and (is_other_pass or progress.done_bytes < self._bar.n):  # or another run
            self._bar.close()
            self._bar = None
        if self._bar is None:
            self._bar = tqdm(total=progress.total_bytes, unit="B", unit_scale=True, file=sys.stderr, dynamic_ncols=True)
        self._last = progress
        name = ("first pass: " if progress.is_first_pass else "") + printable(progress.path.name)
        if progress.decoder and progress.decoder != self._decoder:
            self._decoder = progress.decoder
            self.say(f"From {name} on: {progress.decoder}")
        self._bar.set_description(f"{name} ({progress.file_number}/{progress.files})", refresh=False)
        self._bar.set_postfix_str(f"{progress.times_real_time:.1f}× real time", refresh=False)
        self._bar.update(progress.done_bytes - self._bar.n)

    def say(self, text: str) -> None:
        """Print something without tearing the bar."""
        tqdm.write(text, file=sys.stderr)

    def summary(self) -> str:
        """One sentence on the amount read and the speed."""
        if self._last is None or not self._last.footage_s:
            return "Nothing new to index."
        return f"Indexed {float(self._last.footage_s):.1f} s of footage at {self._last.times_real_time:.1f}× real time."


class ClipBar:
    """Frames of the clip that is being cut. Use as a context; `update` takes what `hand_off` reports."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._clip = 0

    def __enter__(self) -> ClipBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, clip: int, clips: int, frame: int, frames: int) -> None:
        if self._bar is None or clip != self._clip:
            self.__exit__()
            self._clip = clip
            self._bar = tqdm(total=frames, unit="frame", file=sys.stderr, dynamic_ncols=True)
            self._bar.set_description(f"clip {clip}/{clips}", refresh=False)
        self._bar.update(frame - self._bar.n)


class WindowBar:
    """Windows that a video language model has looked at. Use as a context."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: tqdm[NoReturn] | None = None

    def __enter__(self) -> WindowBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, done: int, windows: int) -> None:
        if self._bar is None:
            self._bar = tqdm(
                desc=self._name, total=windows, unit="window", file=sys.stderr, dynamic_ncols=True, miniters=1
            )
        self._bar.update(done - self._bar.n)


class TextBar:
    """Seconds of the file whose pictures' text is being read. Use as a context."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None

    def __enter__(self) -> TextBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, progress: TextProgress) -> None:
        name = f"text in {printable(progress.path.name)} ({progress.file_number}/{progress.files})"
        if self._bar is None or self._bar.desc != f"{name}: ":
            self.__exit__()
            total = ceil(progress.duration_s)
            self._bar = tqdm(desc=name, total=total, unit="s", file=sys.stderr, dynamic_ncols=True)
        self._bar.update(ceil(progress.done_s) - self._bar.n)
