"""`tr-desktop models add` and `models get` in a child process: they need torch, which this process never loads.

The child prints a JSON object a line: {"stage": …, "done": 0 … 1, "text": …}, and at the end {"pack": NAME}. It ends
with status 2 and a sentence on standard error for a problem that the user can fix.
"""

from __future__ import annotations

import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

from tr_desktop import this_program
from tr_desktop.app.look.translate import tr
from tr_desktop.app.work.jobs import Job
from tr_desktop.errors import PackError
from tr_desktop.models.build import part_prefix
from tr_desktop.paths import packs_folder

_PROGRAM = "tr_desktop"
_USER_ERROR, _SAYS_WHO = 2, "tr-desktop: "
_LOOK_S = 0.05
_PATIENCE_S = 1.0  # a child that was asked to end and doesn't is killed


@dataclass(frozen=True)
class Stage:
    """How far the child is. name: "download", "load", "convert", "compare" or "done". done: in [0, 1]. text: a
    few words."""

    name: str
    done: float
    text: str


def run(arguments: Sequence[str], job: Job) -> str:
    """Run `tr-desktop models` with `arguments`, reporting each `Stage` to `job`; the name of the pack that it made.

    A cancelled job ends the child, and no part of a pack is left; what was fetched for it is. Raises Cancelled, and
    PackError if it fails.
    """
    with tempfile.TemporaryFile() as errors, _child(["models", *arguments, "--json"], errors) as (process, messages):
        made = ""
        while True:
            job.check()
            try:
                message = messages.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            match message:
                case None:
                    break
                case {"pack": str(name)}:
                    made = name
                case {"stage": str(name), "done": done, "text": str(text)}:
                    job.report(Stage(name, float(done), text))
        status = process.wait()
        if status or not made:
            raise _failure(status, errors)
    return made


@contextmanager
def _child(
    arguments: Sequence[str], errors: IO[bytes]
) -> Iterator[tuple[subprocess.Popen[bytes], queue.SimpleQueue[dict[str, Any] | None]]]:
    """A child and the messages that it sends, None after the last. It has ended when the block ends."""
    try:
        process = this_program.start(_PROGRAM, arguments, errors=errors)
    except OSError as error:
        raise PackError(
            tr("No process can be started: {reason}", reason=error.strerror or error),
            remedy=tr("Close other programs and try again"),
        ) from error
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()  # nobody answers questions
    messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    listener = threading.Thread(target=this_program.listen, args=(process.stdout, messages), name="models", daemon=True)
    listener.start()
    try:
        yield process, messages
    finally:
        _end(process)
        listener.join()
        process.stdout.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a child that runs, as Ctrl-C does, so that it cleans up. One that goes on is killed and cleaned up for."""
    if process.poll() is not None:
        return
    if sys.platform != "win32":
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_S)
    process.kill()
    process.wait()
    for left in packs_folder().glob(f"{part_prefix(process.pid)}*"):
        shutil.rmtree(left, ignore_errors=True)


def _failure(status: int, errors: IO[bytes]) -> PackError:
    errors.seek(0)
    lines = [line.strip() for line in errors.read().decode(errors="replace").splitlines() if line.strip()]
    said = [line.removeprefix(_SAYS_WHO) for line in lines if line.startswith(_SAYS_WHO)]
    if status == _USER_ERROR and said:
        return PackError(said[-1])
    last = lines[-1] if lines else tr("exit status {status}", status=status)
    return PackError(
        tr("The process that makes the model ended unexpectedly: {last}", last=last),
        remedy=tr("Try again; if memory ran out, close other programs first"),
    )
