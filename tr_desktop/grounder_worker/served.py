"""A model behind a server on this machine that speaks OpenAI's chat completions: LM Studio, llama-server, Ollama, vLLM.

These servers take pictures, not videos, so each picture is sent with its time before it, as Qwen3-VL writes times.
How good the answers are depends on the server. Only the loopback address is connected to.
"""

from __future__ import annotations

import base64
import http.client
import json
import math
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit

from tr_desktop.errors import PackError, UserError
from tr_desktop.footage.jpeg import as_jpeg
from tr_desktop.grounder_worker.base import Check
from tr_desktop.grounders.video_llm.answers import WrittenSegment, segments_in
from tr_desktop.grounders.video_llm.messages import Question
from tr_desktop.grounders.video_llm.packs import local_address
from tr_desktop.grounders.video_llm.presets import PRESENCE, PRESETS

_CONNECT_S = 5.0
_YES, _NO = "yes", "no"
_MAX_LINE = 1 << 20


class Served:
    """One model of a server. facts: of a `GrounderPack`."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._url = urlsplit(local_address(facts["url"]))
        self._model, self._preset = facts["model"], PRESETS[facts["preset"]]
        self._new_tokens_most = facts["new_tokens_most"]
        self._has_probabilities = True  # until the server refuses
        self._connection: http.client.HTTPConnection | None = None

    def models(self) -> list[str]:
        """The models that the server offers. Raises UserError if it doesn't answer."""
        with closing(self._connected(_CONNECT_S)) as connection:
            try:
                connection.request("GET", f"{self._url.path}/models")
                response = connection.getresponse()
                listed = json.loads(response.read())["data"]
                return [str(each["id"]) for each in listed]
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
                raise PackError(
                    f"What answers at {self._url.geturl()} isn't a model server ({error!r})",
                    remedy="Give the address that ends with /v1",
                ) from error

    def interrupt(self) -> None:
        """Close the connection, so that the server stops and a waiting read returns. For any thread."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def ground(self, question: Question, check: Check) -> Iterator[WrittenSegment]:
        """The segments that the model writes about the window, as it writes them."""
        prompt = self._preset.prompt.replace("{}", question.query)
        stream = self._stream(question, prompt, self._new_tokens_most, check)
        pieces = ((piece, log_probability) for piece, log_probability, _ in stream)
        yield from segments_in(pieces, self._preset.answer, question.length_s)

    def presence(self, question: Question, check: Check) -> float | None:
        """The probability of "yes" against "no" to the question whether the event is there; None if it says neither.

        Without probabilities from the server, 1 or 0.
        """
        text = ""
        for piece, _, likely in self._stream(question, PRESENCE.replace("{}", question.query), 4, check):
            text += piece
            of = {word: sum(math.exp(value) for token, value in likely if _word(token) == word) for word in (_YES, _NO)}
            if sum(of.values()) > 0:
                return of[_YES] / sum(of.values())
        said = _word(text.split()[0]) if text.split() else ""
        return {_YES: 1.0, _NO: 0.0}.get(said)

    def _stream(
        self, question: Question, prompt: str, tokens: int, check: Check
    ) -> Iterator[tuple[str, float | None, list[tuple[str, float]]]]:
        """(text, its log-probability, likely tokens with theirs) of each piece of the answer."""
        response = self._request(question, prompt, tokens, check)
        try:
            while line := response.readline(_MAX_LINE):
                check()
                if not line.startswith(b"data:"):
                    continue
                data = line.removeprefix(b"data:").strip()
                if data == b"[DONE]":
                    return
                message = json.loads(data)
                if "error" in message:
                    raise UserError(f"The server failed: {_reason(message)}")
                yield from map(_piece, message.get("choices", [])[:1])
            check()
        except (OSError, http.client.HTTPException, ValueError, AttributeError, TypeError) as error:
            check()  # it was interrupted
            raise UserError(f"The server broke off ({error!r})") from error
        finally:
            self._hang_up()

    def _request(self, question: Question, prompt: str, tokens: int, check: Check) -> http.client.HTTPResponse:
        """The server's response. Raises UserError with the server's reason if it refuses."""
        body = {
            "model": self._model,
            "messages": self._messages(question, prompt),
            "max_tokens": tokens,
            "temperature": 0,
            "stream": True,
        }
        while True:
            probabilities = {"logprobs": True, "top_logprobs": 20} if self._has_probabilities else {}
            self._connection = connection = self._connected(timeout_s=None)
            check()
            try:
                connection.request(
                    "POST",
                    f"{self._url.path}/chat/completions",
                    json.dumps(body | probabilities),
                    {"Content-Type": "application/json"},
                )
                response = connection.getresponse()
                if response.status == http.HTTPStatus.OK:
                    return response
                reason = _reason_of(response.read(_MAX_LINE))
            except (OSError, http.client.HTTPException) as error:
                check()
                raise UserError(f"The server broke off ({error!r})") from error
            finally:
                check()
            self._hang_up()
            if not self._has_probabilities:
                raise UserError(f"The server refused ({response.status}): {reason}")
            self._has_probabilities = False  # the usual reason; the second refusal counts

    def _messages(self, question: Question, prompt: str) -> list[dict[str, Any]]:
        pictures: list[dict[str, Any]] = []
        for picture, time_s in zip(question.pictures, question.times_s, strict=True):
            pictures.append(_text(f"<{_tenths(time_s)} seconds>"))
            address = f"data:image/jpeg;base64,{base64.b64encode(as_jpeg(picture)).decode()}"
            pictures.append({"type": "image_url", "image_url": {"url": address}})
        content = [_text(prompt), *pictures] if self._preset.is_text_first else [*pictures, _text(prompt)]
        system = [{"role": "system", "content": self._preset.system}] if self._preset.system else []
        return [*system, {"role": "user", "content": content}]

    def _connected(self, timeout_s: float | None) -> http.client.HTTPConnection:
        """A connection without the proxy that a network may have. timeout_s: for reading, once it is connected."""
        host, port = self._url.hostname or "", self._url.port or 80
        connection = http.client.HTTPConnection(host, port, timeout=_CONNECT_S)
        try:
            connection.connect()
        except OSError as error:
            raise UserError(
                f"No model server answers at {self._url.geturl()} ({error.strerror or error})",
                remedy="Start the server and load the model, or search without --grounder",
            ) from error
        connection.sock.settimeout(timeout_s)
        return connection

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _piece(choice: Mapping[str, Any]) -> tuple[str, float | None, list[tuple[str, float]]]:
    text = choice.get("delta", {}).get("content") or ""
    tokens = (choice.get("logprobs") or {}).get("content") or []
    total = sum(float(token["logprob"]) for token in tokens) if tokens else None
    first = (tokens[0].get("top_logprobs") or []) if tokens else []
    return text, total, [(str(each["token"]), float(each["logprob"])) for each in first]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _tenths(time_s: Fraction) -> str:
    return f"{float(time_s):.1f}"


def _word(token: str) -> str:
    return token.strip().strip(".,!\"'").lower()


def _reason(message: Mapping[str, Any]) -> str:
    error = message.get("error")
    return str(error.get("message", error) if isinstance(error, Mapping) else error)


def _reason_of(body: bytes) -> str:
    try:
        return _reason(json.loads(body))
    except (ValueError, AttributeError):
        return body.decode(errors="replace").strip()[:200] or "no reason given"
