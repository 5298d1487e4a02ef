"""The process that reads new files, seen from both sides.

    parent                      child: python -m tr_desktop.library.index.reader_process; in a frozen build, itself
    the files to read ────────▶ opens the same library and pack, and becomes the library's writer
    pause, go on ─────────────▶
                      ◀──────── begins a file · progress, which waits for an answer · at the end: reasons, or an error
    closes the pipe ──────────▶ stops, as it does if the parent dies

Messages are lines of JSON over the child's standard input and output. What libraries print goes nowhere.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, NoReturn

from tr_desktop import this_program
from tr_desktop.errors import LibraryError, PackError, UserError
from tr_desktop.library.index import READ_FILES
from tr_desktop.library.index.coverage import IndexProgress
from tr_desktop.library.index.indexer import read_here
from tr_desktop.library.index.reading import ReadingOptions
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.lock import NotWritableError

_ERRORS = {error.__name__: error for error in (UserError, LibraryError, NotWritableError, PackError)}
_FROM_OUTSIDE = {-1: "SIGHUP", -2: "SIGINT", -9: "SIGKILL", -15: "SIGTERM"}  # by Popen.returncode
_LOOK_S = 0.05
_PATIENCE_S = 2.0  # a child that doesn't stop by then is killed; what it stored is whole


@dataclass(frozen=True)
class Death:
    """A child ended before its work. in_progress: files that it had begun, in order, and may not have finished.
    failure: the error that Python raised; "" if it died without one.
    """

    exit_status: int
    in_progress: list[Path]
    failure: str

    @property
    def is_from_outside(self) -> bool:
        """Whether somebody killed it: a user, or the system because memory ran out."""
        return self.exit_status in _FROM_OUTSIDE

    def __str__(self) -> str:
        return self.failure or f"exit status {self.exit_status}"


# In the parent


def read_in_child(
    files: Sequence[Path],
    catalog: Catalog,
    options: ReadingOptions,
) -> dict[Path, str] | Death:
    """Read `files` in a child: why some can't be searched now, or how the child died.

    Raises the child's UserError, NotWritableError and LibraryError; UserError if it can't be started.
    """
    encoder, stop = options.encoder, options.stop
    job = {
        "library": str(catalog.folder),
        "pack": str(encoder.pack.location.absolute()),
        "sha256": encoder.pack.sha256,
        "device": encoder.wanted_device,
        "hardware": options.hardware,
        "files": [str(path) for path in files],
    }
    begun, failure = list[Path](), ""
    with _child() as (process, messages):
        _send(process, job)
        is_paused, kill_at_s = False, None
        while True:
            if stop.is_set() and kill_at_s is None:
                kill_at_s = time.monotonic() + _PATIENCE_S
                _hang_up(process)
            if kill_at_s is not None and time.monotonic() > kill_at_s:
                process.kill()
            if options.pause.is_set() != is_paused and kill_at_s is None:
                is_paused = not is_paused
                _send(process, {"pause": is_paused})
            try:
                message = messages.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            match message:
                case None:
                    return Death(_end(process), begun, failure)
                case {"begins": path}:
                    if Path(path) in begun:  # another pass over the files, which have survived the one before
                        begun.clear()
                    begun.append(Path(path))
                case {"progress": progress}:
                    last = Path(progress["path"])
                    if last in begun:  # what was begun before it is stored
                        begun = begun[begun.index(last) :]
                    if not stop.is_set():
                        options.on_progress(_progress(progress))
                        _send(process, {})
                case {"reasons": reasons}:
                    return {Path(path): reason for path, reason in reasons}
                case {"error": kind, "what": what, "path": path, "remedy": remedy}:
                    raise _ERRORS.get(kind, UserError)(what, path=path, remedy=remedy)
                case {"failure": text}:
                    failure = text


@contextmanager
def _child() -> Iterator[tuple[subprocess.Popen[bytes], queue.SimpleQueue[dict[str, Any] | None]]]:
    """A child and the messages that it sends, None after the last; it has ended when the block ends."""
    try:
        process = this_program.start(__name__, [READ_FILES])
    except OSError as error:
        raise UserError(
            f"New footage can't be read: no process can be started ({error.strerror or error})",
            remedy="Close other programs and try again",
        ) from error
    assert process.stdout is not None
    messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    thread = threading.Thread(target=this_program.listen, args=(process.stdout, messages), name="reader", daemon=True)
    thread.start()
    try:
        yield process, messages
    finally:
        _end(process)
        thread.join()
        process.stdout.close()


def _end(process: subprocess.Popen[bytes]) -> int:
    """Hang up, and kill the child if it doesn't end by itself; its exit status."""
    _hang_up(process)
    try:
        return process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _send(process: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    assert process.stdin is not None
    with suppress(OSError, ValueError):  # it died, which the reader of its messages notices
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()


def _hang_up(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()


def _progress(message: dict[str, Any]) -> IndexProgress:
    """The child's progress; file numbers and totals are those of its own files."""
    return IndexProgress(**message | {"path": Path(message["path"]), "footage_s": Fraction(message["footage_s"])})


# In the child


class _Parent:
    """Answers and wishes of the parent. stop, pause: what it wants."""

    def __init__(self, wishes: IO[bytes], out: IO[bytes]) -> None:
        self.stop, self.pause = threading.Event(), threading.Event()
        self._answers = threading.Semaphore(0)
        self._wishes, self._out, self._lock = wishes, out, threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, message: dict[str, Any]) -> None:
        with self._lock, suppress(OSError):  # the parent died: `stop` follows
            self._out.write(json.dumps(message).encode() + b"\n")
            self._out.flush()

    def begin(self, path: Path) -> None:
        self.send({"begins": str(path)})

    def report(self, progress: IndexProgress) -> None:
        """Report, and wait until the parent has dealt with it: a parent that stands still makes its child wait."""
        facts = {**vars(progress), "path": str(progress.path), "footage_s": str(progress.footage_s)}
        self.send({"progress": facts})
        while not self._answers.acquire(timeout=_LOOK_S) and not self.stop.is_set():
            continue

    def _listen(self) -> None:
        with suppress(ValueError):  # a last line that was cut off
            for line in self._wishes:
                match json.loads(line):
                    case {"pause": is_paused}:
                        (self.pause.set if is_paused else self.pause.clear)()
                    case _:
                        self._answers.release()
        self.pause.clear()
        self.stop.set()
        time.sleep(_PATIENCE_S)
        os._exit(1)  # a decoder that doesn't come back


def _read(job: dict[str, Any], parent: _Parent) -> dict[str, Any]:
    """Read the job's files; the last message for the parent."""
    import numpy as np

    from tr_desktop.models.encoder import Encoder
    from tr_desktop.models.pack import load_pack

    try:
        encoder = Encoder(load_pack(job["pack"]), job["device"])
        if encoder.pack.sha256 != job["sha256"]:
            raise PackError("The model pack was replaced meanwhile", path=job["pack"], remedy="Start again")
        size_px = encoder.pack.input_px
        # A model that crashes must not be blamed on a file.
        encoder.encode_images(np.zeros((1, size_px, size_px, 3), np.uint8))
        new, reasons = dict[Path, os.stat_result](), dict[Path, str]()
        for path in map(Path, job["files"]):
            try:
                new[path] = path.stat()
            except OSError as error:
                reasons[path] = f"can't be opened: {error.strerror}"
        with Catalog(Path(job["library"])) as catalog:
            options = ReadingOptions(encoder, parent.report, parent.stop, parent.pause, job["hardware"])
            reasons |= read_here(new, catalog, options, parent.begin)
    except UserError as error:
        place = None if error.path is None else str(error.path)
        return {"error": type(error).__name__, "what": error.what, "path": place, "remedy": error.remedy}
    except Exception as error:  # noqa: BLE001 (a bug, or a file that nobody thought of: the parent finds out)
        return {"failure": f"{type(error).__name__}: {error}"}
    return {"reasons": [(str(path), reason) for path, reason in reasons.items()]}


def main() -> NoReturn:
    """Read the files that the parent asks for, and end the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the parent decides
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetErrorMode(0x8003)  # a crash must not wait for somebody to close a message
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries print there
    wishes = os.fdopen(os.dup(0), "rb")  # sys.stdin is None in an application without a console
    job = json.loads(wishes.readline())
    parent = _Parent(wishes, out)
    parent.send(_read(job, parent))
    os._exit(0)  # a thread may still be inside a decoder, which aborts if the interpreter ends under it


if __name__ == "__main__":
    main()
