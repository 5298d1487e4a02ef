"""The worker process that runs a model, seen from this program: it may be slow, hang or die, and costs one window then.

The messages are described in `messages.py`.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO, Any

from tr_desktop import this_program
from tr_desktop.errors import UserError
from tr_desktop.grounders.video_llm import GROUND
from tr_desktop.grounders.video_llm.answers import WrittenSegment
from tr_desktop.grounders.video_llm.messages import About, Presence, Question, segment_of
from tr_desktop.grounders.video_llm.packs import SERVER, GrounderPack

MODULE = "tr_desktop.grounder_worker"
PYTHON = "TR_GROUNDER_PYTHON"
"""The environment variable that names the Python for models that need torch, if this one has none."""

_LOOK_S = 0.05
_OPEN_S = 600.0  # a large model is loaded meanwhile, perhaps from a slow disk
_LAST_WORDS_BYTES = 4096
_PATIENCE_S = 10.0  # with a worker that was told to stop
_KILLED = 9  # the signal that can't be caught, which is also what the system sends if memory runs out


class WindowLost(Exception):  # noqa: N818 (the search goes on)
    """There is no answer about this window; the text says why."""


class _Worker:
    """A worker process and the messages that go to and fro."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._errors: IO[bytes] | None = None

    def _start(self, python: str) -> None:
        """Raises UserError if no process can be started. python: another Python than this one; empty: this one."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the process ends)
        try:
            self._process = process = this_program.start(MODULE, [GROUND], errors=self._errors, python=python)
        except OSError as error:
            raise UserError(
                f"The grounder can't be started ({error.strerror or error})",
                path=python or None,
                remedy=f"{PYTHON} names another Python: correct or remove it" if python else "",
            ) from error
        self._messages, self._outgoing = queue.SimpleQueue(), queue.SimpleQueue()
        for work, pipe, messages in (
            (this_program.listen, process.stdout, self._messages),
            (_send_all, process.stdin, self._outgoing),
        ):
            threading.Thread(target=work, args=(pipe, messages), name="grounder", daemon=True).start()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        self._outgoing.put(None)
        if self._errors is not None:
            self._errors.close()

    def _next(self, check: Callable[[], None], until_s: float) -> dict[str, Any]:
        """The next message. Raises WindowLost if the worker died, or at the time until_s."""
        while True:
            check()
            if time.monotonic() > until_s:
                raise WindowLost("it took too long")
            with suppress(queue.Empty):
                message = self._messages.get(timeout=_LOOK_S)
                if message is not None:
                    return message
                process = self._process
                why = "" if process is None else f" ({_how_it_ended(process.wait())}){self._last_words()}"
                self._end()
                raise WindowLost(f"its worker ended{why}")

    def _send(self, message: dict[str, Any]) -> None:
        self._outgoing.put(json.dumps(message).encode() + b"\n")

    def _last_words(self) -> str:
        """The last line of the worker's standard error."""
        if self._errors is None or self._errors.closed:
            return ""
        size_bytes = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(size_bytes - _LAST_WORDS_BYTES, 0))
        lines = self._errors.read().decode(errors="replace").split("\n")
        return next((f": {line.strip()}" for line in reversed(lines) if line.strip()), "")


class GrounderWorker(_Worker):
    """Runs one model. It is started when it is first needed, and again after it was lost. Close it after use.

    device, quantise: for a model that runs in the worker itself. `close` may be called from another thread; a question
    that waits is lost then.
    """

    def __init__(self, pack: GrounderPack, device: str = "auto", quantise: str = "none") -> None:
        super().__init__()
        self.pack, self._device, self._quantise = pack, device, quantise
        self._asked = 0
        self._is_closed = False
        self._cancelled_s: float | None = None  # when the last question was given up, while its end is still to come

    def open(self, check: Callable[[], None] = lambda: None) -> list[str]:
        """Start the worker if it doesn't run; the models that it offers. check: raises to give up.

        Raises UserError if the model can't be used.
        """
        self._end()
        if self._is_closed:
            raise UserError("The grounder was closed")
        facts = self.pack.to_json()
        python = "" if facts["family"] == SERVER else os.environ.get(PYTHON, "")
        self._start(python)
        if self._is_closed:  # by another thread, which found no process to end
            self._end()
            raise UserError("The grounder was closed")
        self._cancelled_s = None
        self._send({"open": facts, "device": self._device, "quantise": self._quantise})
        until_s = time.monotonic() + _OPEN_S
        try:
            while True:
                match self._next(check, until_s):
                    case {"opened": {"models": models}}:
                        return list(models)
                    case {"failed": {"what": what, "remedy": remedy}}:
                        raise UserError(what, remedy=remedy)
        except WindowLost as lost:
            self._end()
            raise _not_started(f"The grounder {self.pack.name}", lost, python) from lost
        except BaseException:
            self._end()
            raise

    def ask(
        self, question: Question, check: Callable[[], None], timeout_s: float
    ) -> Iterator[WrittenSegment | Presence]:
        """What the model writes, as it writes it. check: called many times a second; it raises to give up.

        Raises WindowLost if the worker dies, fails or has not ended its answer after timeout_s seconds.
        """
        self._settle(check)
        self._asked += 1
        number, is_over = self._asked, False
        self._send(question.header(number))
        self._outgoing.put(question.pictures.tobytes())
        until_s = time.monotonic() + timeout_s
        try:
            while True:
                try:
                    message = self._next(check, until_s)
                except WindowLost:
                    is_over = self._process is None
                    raise
                match message:
                    case {"segment": of} if of == number:
                        yield segment_of(message)
                    case {"presence": of, "probability": probability} if of == number:
                        yield Presence(probability)
                    case {"end": of} if of == number:
                        is_over = True
                        return
                    case {"failed": {"what": what}, "id": of} if of == number:
                        is_over = True
                        raise WindowLost(what)
        finally:
            if not is_over:
                self._cancelled_s = time.monotonic()
                self._send({"cancel": number})

    def close(self) -> None:
        """End the worker for good, whatever it is doing."""
        self._is_closed = True
        self._end()

    def _settle(self, check: Callable[[], None]) -> None:
        """Wait until the worker can take a question; start it anew if it is gone or doesn't let go of the last one."""
        if self._cancelled_s is not None and self._process is not None:
            with suppress(WindowLost):
                while self._cancelled_s is not None:
                    match self._next(check, self._cancelled_s + _PATIENCE_S):
                        case {"end": of} | {"failed": _, "id": of} if of == self._asked:
                            self._cancelled_s = None
        if self._process is None or self._cancelled_s is not None:
            try:
                self.open(check)
            except UserError as error:
                raise WindowLost(str(error)) from error


def about_worker(check: Callable[[], None] = lambda: None) -> About:
    """What would run a model that needs torch: its Python and the computer. check: raises to give up.

    Raises UserError if that Python can't be started or doesn't know this program.
    """
    worker = _Worker()
    python = os.environ.get(PYTHON, "")
    worker._start(python)
    worker._send({"about": {}})
    until_s = time.monotonic() + _OPEN_S
    try:
        while True:
            match worker._next(check, until_s):
                case {"about": facts}:
                    return About(**facts)
                case {"failed": {"what": what, "remedy": remedy}}:
                    raise UserError(what, remedy=remedy)
    except WindowLost as lost:
        raise _not_started("The grounder's Python", lost, python) from lost
    finally:
        worker._end()


def _how_it_ended(status: int) -> str:
    if status == -_KILLED:
        return "it was stopped from outside, perhaps since memory ran out; a smaller model or --quantise nf4 needs less"
    return f"exit status {status}"


def _not_started(what: str, lost: WindowLost, python: str) -> UserError:
    return UserError(
        f"{what} doesn't start: {lost}",
        path=python or None,
        remedy=f"{PYTHON} names this Python: check that tr-desktop[llm] is installed in it" if python else "",
    )


def _send_all(pipe: IO[bytes], outgoing: queue.SimpleQueue[bytes | None]) -> None:
    """Write what is in `outgoing`, until None. In a thread of its own: a worker that hangs doesn't read."""
    with suppress(OSError, ValueError):  # it died, which the reader of its messages notices
        while (part := outgoing.get()) is not None:
            pipe.write(part)
            pipe.flush()
