"""A model server as LM Studio, llama-server or vLLM run one: chat completions, streamed, with log-probabilities.

Only the model is missing: a test says what it writes.
"""

from __future__ import annotations

import base64
import io
import json
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import av
import numpy as np

P_TOKEN = 0.9
"""The probability of each token that it writes."""


@dataclass(frozen=True)
class Request:
    """times_s: written before each picture. pictures: uint8 RGB [n, H, W, 3], decoded from the JPEG files. text: the
    prompt."""

    body: dict[str, Any]
    times_s: tuple[Fraction, ...]
    pictures: tuple[np.ndarray, ...]
    text: str

    @property
    def is_presence(self) -> bool:
        return "yes or no" in self.text


Answer = Callable[[Request], Iterator[str] | Sequence[str]]


@dataclass
class ModelServer:
    """answer: the pieces that the model writes; it may wait in between. presence: the probability of "yes", for each
    request if it depends on what is asked; None: it says neither yes nor no."""

    answer: Answer
    presence: float | Callable[[Request], float] | None = 0.8
    models: tuple[str, ...] = ("a-video-model",)
    knows_probabilities: bool = True
    refusal: str = ""
    requests: list[Request] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def hang(self, _: Request) -> Iterator[str]:
        """An answer that begins and never ends."""
        yield "<think>"
        self.is_over.wait()


@contextmanager
def serving(server: ModelServer) -> Iterator[ModelServer]:
    """Run it on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            assert self.path == "/v1/models"
            self._send_json(200, {"object": "list", "data": [{"id": name} for name in server.models]})

        def do_POST(self) -> None:
            assert self.path == "/v1/chat/completions"
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if server.refusal:
                return self._send_json(400, {"error": {"message": server.refusal}})
            if "logprobs" in body and not server.knows_probabilities:
                return self._send_json(400, {"error": {"message": "logprobs are not supported"}})
            request = _request(body)
            server.requests.append(request)
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            likely: dict[str, float] = {}
            if request.is_presence:
                p = server.presence(request) if callable(server.presence) else server.presence
                likely = {"Perhaps": 1.0} if p is None else {"Yes": p, "No": 1 - p}
            pieces = [max(likely, key=lambda word: likely[word])] if likely else server.answer(request)
            with suppress(OSError):  # whoever asked has gone
                for piece in pieces:
                    self._send_event(_chunk(piece, likely, "logprobs" in body))
                self.wfile.write(b"data: [DONE]\n\n")

        def _send_event(self, message: dict[str, Any]) -> None:
            self.wfile.write(f"data: {json.dumps(message)}\n\n".encode())
            self.wfile.flush()

        def _send_json(self, status: int, content: dict[str, Any]) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(data)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = False  # they end with the server
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    try:
        yield server
    finally:
        server.is_over.set()
        http.shutdown()
        http.server_close()
        thread.join()


def _request(body: dict[str, Any]) -> Request:
    content = body["messages"][-1]["content"]
    texts = [part["text"] for part in content if part["type"] == "text"]
    pictures = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    times = [text for text in texts if text.startswith("<") and text.endswith(" seconds>")]
    (prompt,) = [text for text in texts if text not in times]
    return Request(
        body,
        tuple(Fraction(text.strip("<>").removesuffix(" seconds")) for text in times),
        tuple(map(_decoded, pictures)),
        prompt,
    )


def _decoded(address: str) -> np.ndarray:
    data = base64.b64decode(address.removeprefix("data:image/jpeg;base64,"))
    with av.open(io.BytesIO(data), format="jpeg_pipe") as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def _chunk(piece: str, likely: dict[str, float], has_probabilities: bool) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "delta": {"content": piece}}
    if has_probabilities:
        top = [{"token": token, "logprob": math.log(max(p, 1e-9))} for token, p in likely.items()]
        choice["logprobs"] = {"content": [{"token": piece, "logprob": math.log(P_TOKEN), "top_logprobs": top}]}
    return {"object": "chat.completion.chunk", "choices": [choice]}
