"""Clients of the local API: one that behaves, and bare sockets that don't."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.processes import PATIENCE_S

ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class Given:
    """An answer. status: 0 if the connection ended without one."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The sentence of an error, which is all that an error has."""
        document = self.json
        assert self.status >= 400 and list(document) == ["error"], document
        return document["error"]


@dataclass(frozen=True)
class Client:
    """Asks with its token. Every method opens a connection of its own."""

    port: int
    token: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Given:
        """body: sent as JSON; bytes as they are. headers: with _ in place of -."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with closing(http.client.HTTPConnection(ADDRESS, self.port, timeout=PATIENCE_S)) as connection:
            connection.request(method, path, content, sent)
            answer = connection.getresponse()
            return Given(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def get(self, path: str, **headers: str) -> Given:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None) -> Given:
        return self.ask("POST", path, {} if body is None else body)

    def searching(self, query: str, **wishes: Any) -> str:
        """The id of a search that was begun."""
        given = self.post("/v1/searches", {"query": query, **wishes})
        assert given.status == 202, given.body
        return given.json["id"]

    def events(self, search: str) -> list[dict[str, Any]]:
        """All events of a search, by long polls."""
        events: list[dict[str, Any]] = []
        while True:
            given = self.get(f"/v1/searches/{search}/events?after={len(events)}&wait=25").json
            events += given["events"]
            if given["done"]:
                return events

    def found(self, query: str, **wishes: Any) -> list[dict[str, Any]]:
        """The moments of the answer."""
        last = self.events(self.searching(query, **wishes))[-1]
        assert last["kind"] == "answer", last
        return last["answer"]["moments"]


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """A bare connection."""
    with socket.create_connection((ADDRESS, port), timeout=PATIENCE_S) as connection:
        yield connection


def raw(port: int, request: str | bytes) -> Given:
    """The first answer to these bytes."""
    with connected(port) as connection:
        send(connection, request)
        return next(read_answers(connection), Given(0, {}, b""))


def answers(port: int, request: str | bytes) -> list[Given]:
    """All answers to these bytes, until the server closes the connection."""
    with connected(port) as connection:
        send(connection, request)
        return list(read_answers(connection))


def send(connection: socket.socket, request: str | bytes) -> None:
    """The server may have refused a request before it has all of it."""
    with suppress(ConnectionError):
        connection.sendall(request.encode("latin-1") if isinstance(request, str) else request)


def read_answers(connection: socket.socket) -> Iterator[Given]:
    """Answers from a connection until it ends."""
    left = b""
    while True:
        while b"\r\n\r\n" not in left:
            more = received(connection)
            if not more:
                return
            left += more
        head, _, left = left.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(left) < length:
            more = received(connection)
            if not more:
                return
            left += more
        yield Given(int(first.split()[1]), headers, left[:length])
        left = left[length:]


def received(connection: socket.socket) -> bytes:
    """What comes next; nothing if the other side has ended the connection, whichever way."""
    try:
        return connection.recv(1 << 16)
    except ConnectionError:
        return b""


def until(holds: Callable[[], bool], within_s: float = PATIENCE_S) -> float:
    """Wait until it holds; the seconds that this took. Fails after `within_s`."""
    begin_s = time.monotonic()
    while not holds():
        assert time.monotonic() - begin_s < within_s, "it never came true"
        time.sleep(0.01)
    return time.monotonic() - begin_s


def server_threads() -> list[threading.Thread]:
    """Threads that ask or search for clients."""
    return [each for each in threading.enumerate() if each.name.startswith(("AnyIO", "local API search"))]
