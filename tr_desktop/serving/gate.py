"""What is refused before anything is read: web pages, foreign names, strangers, and bodies of the wrong kind or size.

A web page can send requests to this machine too. Browsers mark them with `Origin` or `Sec-Fetch-Site`; a name that was
rebound to this address shows in `Host`. Scripts and plugins send neither.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1 << 16
MAX_HEAD_BYTES = 1 << 14
"""Of a request: its address and its headers."""
MAX_HEADERS = 100
BODY_WITHIN_S = 10.0
OPEN_PATHS = ("/v1/health", "/v1/pairings")
"""What answers without a token."""

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refusal:
    """status: of HTTP. reason: for the client."""

    status: int
    reason: str


class Gate:
    """Passes on what may ask. hosts: the names by which the server may be called. knows: whether a token may ask.

    has_cut_off: whether the server ended while a request was answered. The thread that answers it may go on.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], knows: Callable[[str], bool]) -> None:
        self.has_cut_off = False
        self._app, self._hosts, self._knows = app, {host.encode() for host in hosts}, knows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = _Answer(send)
        refusal = await self._refusal(scope)
        body = b""
        if refusal is None:
            body, refusal = await _body(scope, receive)
        if refusal is not None:
            _log.info("Refused %s: %d %s", scope["method"], refusal.status, refusal.reason)
            await answer.refuse(refusal)
            return
        try:
            await self._app(scope, _replayed(body, receive), answer)
        except asyncio.CancelledError:
            self.has_cut_off = True
            raise

    async def _refusal(self, scope: Scope) -> Refusal | None:
        headers = _Headers(scope)
        if headers.are_too_large:
            return Refusal(431, "The head of the request is too long")
        hosts = headers.all(b"host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return Refusal(403, "The server doesn't have this name")
        if headers.all(b"origin") or any(site != b"none" for site in headers.all(b"sec-fetch-site")):
            return Refusal(403, "Web pages are refused")
        if headers.all(b"transfer-encoding"):
            return Refusal(411, "Send the body with its length")
        if scope["path"] not in OPEN_PATHS and not await self._may_ask(headers.all(b"authorization")):
            return Refusal(401, "Pair this program with TimeRefine first")
        if scope["method"] == "POST" and not _is_json(headers.all(b"content-type")):
            return Refusal(415, "Send JSON, with the content type application/json")
        return None

    async def _may_ask(self, given: list[bytes]) -> bool:
        if len(given) != 1:
            return False
        kind, _, token = given[0].decode("latin-1").partition(" ")
        return kind.lower() == "bearer" and await asyncio.to_thread(self._knows, token)


class _Headers:
    def __init__(self, scope: Scope) -> None:
        self._headers = scope["headers"]
        self._target_bytes = len(scope["raw_path"]) + len(scope["query_string"])

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self._headers if key == name]

    @property
    def are_too_large(self) -> bool:
        """h11 has limits too, but they count only for a head that comes in several pieces."""
        size = self._target_bytes + sum(len(key) + len(value) for key, value in self._headers)
        return len(self._headers) > MAX_HEADERS or size > MAX_HEAD_BYTES


class _Answer:
    """Sends the answer with the headers that every answer has. The connection ends after an error."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            ends = [(b"connection", b"close")] if message["status"] >= 400 else []
            message = {**message, "headers": [*message.get("headers", ()), *_HEADERS, *ends]}
        await self._send(message)

    async def refuse(self, refusal: Refusal) -> None:
        headers, body = _error(refusal.reason)
        await self({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await self({"type": "http.response.body", "body": body})


def _error(reason: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers of an error of its own, and its body."""
    body = json.dumps({"error": reason}).encode()
    return [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())], body


def not_http() -> bytes:
    """The answer to what is no request."""
    headers, body = _error("This isn't a request of HTTP/1.1")
    lines = [b"%s: %s\r\n" % header for header in (*headers, *_HEADERS, (b"connection", b"close"))]
    return b"".join([b"HTTP/1.1 400 Bad Request\r\n", *lines, b"\r\n", body])


def _is_json(given: list[bytes]) -> bool:
    return len(given) == 1 and given[0].split(b";")[0].strip().lower() == b"application/json"


async def _body(scope: Scope, receive: Receive) -> tuple[bytes, Refusal | None]:
    """The whole body, or why it is refused."""
    lengths = _Headers(scope).all(b"content-length")
    if len(lengths) > 1 or not all(length.isdigit() for length in lengths):
        return b"", Refusal(400, "The length of the body is unclear")
    length = int(lengths[0][:20]) if lengths else 0
    if length > (MAX_BODY_BYTES if scope["method"] == "POST" else 0):
        return b"", Refusal(413, "The body is too long")
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            body, is_more = b"", length > 0
            while is_more:
                message = await receive()
                if message["type"] != "http.request":
                    return b"", Refusal(400, "The body ended early")
                body += message.get("body", b"")
                is_more = message.get("more_body", False)
    except TimeoutError:
        return b"", Refusal(408, "The body took too long")
    return body, None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read, then what comes from the client."""
    is_given = False

    async def next_message() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return next_message
