"""The worker's loop: read a message, run the model, write messages. See `grounders/video_llm/messages.py`."""

from __future__ import annotations

import json
import os
import queue
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from math import prod
from typing import IO, Any, NoReturn

from tr_desktop.errors import UserError
from tr_desktop.grounder_worker.about import about
from tr_desktop.grounder_worker.base import Cancelled, Model
from tr_desktop.grounder_worker.families import open_model
from tr_desktop.grounders.video_llm.messages import Question, segment_message


class _Desk:
    """What this program asked for. A thread of its own reads it, since cancelling can't wait for the model."""

    def __init__(self, wishes: IO[bytes], out: IO[bytes]) -> None:
        self.jobs: queue.SimpleQueue[tuple[Mapping[str, Any], bytes]] = queue.SimpleQueue()
        self.model: Model | None = None
        self._cancelled = -1
        self._wishes, self._out = wishes, out
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, message: Mapping[str, Any]) -> None:
        with suppress(OSError):  # the other side is gone: `_listen` ends the process
            self._out.write(json.dumps(message).encode() + b"\n")
            self._out.flush()

    def is_cancelled(self, number: int) -> bool:
        return number <= self._cancelled

    def _listen(self) -> None:
        with suppress(ValueError):  # a last line that was cut off
            for line in self._wishes:
                match json.loads(line):
                    case {"cancel": number}:
                        self._cancelled = number
                        if self.model is not None:
                            self.model.interrupt()
                    case {"ask": _, "shape": shape} as header:
                        self.jobs.put((header, self._wishes.read(prod(shape))))
                    case header:
                        self.jobs.put((header, b""))
        os._exit(0)


def _open(desk: _Desk, message: Mapping[str, Any]) -> None:
    desk.model = model = open_model(message["open"], message.get("device", "auto"), message.get("quantise", "none"))
    desk.send({"opened": {"models": model.models()}})


def _answer(desk: _Desk, header: Mapping[str, Any], pictures: bytes) -> None:
    number = header["ask"]
    if desk.model is None:
        raise UserError("No model is open")
    question = Question.of(header, pictures)

    def check() -> None:
        if desk.is_cancelled(number):
            raise Cancelled

    check()
    if not question.only_presence:
        for segment in desk.model.ground(question, check):
            desk.send(segment_message(number, segment))
    desk.send({"presence": number, "probability": desk.model.presence(question, check)})
    desk.send({"end": number})


def main() -> NoReturn:
    """Run until the other side closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the other side decides
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries print there
    desk = _Desk(os.fdopen(os.dup(0), "rb"), out)
    while True:
        message, pictures = desk.jobs.get()
        number = message.get("ask")
        try:
            if "about" in message:
                desk.send({"about": asdict(about())})
            elif number is None:
                _open(desk, message)
            else:
                _answer(desk, message, pictures)
        except Cancelled:
            desk.send({"end": number})
        except UserError as error:
            desk.send({"failed": {"what": error.what, "remedy": error.remedy}, "id": number})
        except Exception as error:  # noqa: BLE001 (a bug, or a server that nobody thought of: the other side is told)
            desk.send({"failed": {"what": f"{type(error).__name__}: {error}", "remedy": ""}, "id": number})


if __name__ == "__main__":
    main()
