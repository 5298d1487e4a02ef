"""The server: the one place of the program that listens, on the loopback address alone, and only once it is started."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tr_desktop.errors import UserError
from tr_desktop.serving.api import Selects, make_api
from tr_desktop.serving.desk import Desk
from tr_desktop.serving.gate import MAX_HEAD_BYTES, Gate, not_http
from tr_desktop.serving.pairing import Pairing
from tr_desktop.serving.ports import PORTS
from tr_desktop.serving.searches import Searches

ADDRESS = "127.0.0.1"
MAX_CONNECTIONS = 16
HEAD_WITHIN_S = 10.0
STOP_WITHIN_S = 3.0


class Server:
    """Answers while it is started. selects: those of the app; None if there is no app."""

    def __init__(self, desk: Desk, pairing: Pairing, selects: Selects | None = None) -> None:
        self._desk, self._pairing, self._selects = desk, pairing, selects
        self._searches = Searches()
        self._gate: Gate | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    def start(self, ports: Sequence[int] = PORTS) -> int:
        """Listen on the first port that is free, and announce it; the port. Raises UserError.

        ports: 0 stands for any free one.
        """
        listener = _listener(ports)
        self.port = listener.getsockname()[1]
        hosts = [f"{ADDRESS}:{self.port}", f"localhost:{self.port}"]
        api = make_api(self._desk, self._pairing, self._searches, self._selects)
        gate = self._gate = Gate(api, hosts, self._pairing.knows)
        self._server = uvicorn.Server(
            uvicorn.Config(
                gate,
                http=_Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",  # its warnings would let strangers fill the log; what fails is logged in api.py
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
                timeout_graceful_shutdown=1,
            )
        )
        try:
            self._pairing.announce(self.port)
        except UserError:
            listener.close()
            raise
        self._thread = threading.Thread(target=self._serve, args=[listener], name="local API", daemon=True)
        self._thread.start()
        return self.port

    def _serve(self, listener: socket.socket) -> None:
        assert self._server is not None
        with closing(listener):
            asyncio.run(self._server.serve(sockets=[listener]))

    def stop(self, patience_s: float = STOP_WITHIN_S) -> bool:
        """Cancel all searches and stop listening; whether all work has ended within `patience_s`.

        What is inside a model or a decoder goes on for a while. The interpreter must not end under it.
        """
        server, thread, gate = self._server, self._thread, self._gate
        self._pairing.withdraw()
        self._pairing.end_code()
        if server is None or thread is None or gate is None:
            return True
        server.should_exit = True
        self._searches.cancel_all()  # which lets go of clients that wait for events
        thread.join(patience_s)
        self._searches.cancel_all()  # what was asked for meanwhile
        return not thread.is_alive() and not gate.has_cut_off and self._searches.have_ended


def _listener(ports: Sequence[int]) -> socket.socket:
    reason = ""
    for port in ports:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name == "nt":  # there, SO_REUSEADDR lets another process take the port
            listener.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", -5), 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, port))
            listener.listen(MAX_CONNECTIONS)
            return listener
        except OSError as error:
            listener.close()
            reason = error.strerror or str(error)
    tried = ", ".join(map(str, ports))
    raise UserError(f"No port is free ({tried}): {reason}", remedy="End the other program that listens there")


class _Connection(H11Protocol):
    """A connection that has to send the head of each request in HEAD_WITHIN_S. There are MAX_CONNECTIONS at most.

    Without this, connections that send nothing, or a byte now and then, would stay open for good.
    """

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
            return
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with an error like every other, unless another answer is under way."""
        is_asked = self.cycle is not None and not self.cycle.response_complete
        if not (is_asked and self.cycle.response_started):
            self.transport.write(not_http())
        if is_asked:  # the rest of the body can't be read: end the wait for it
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_time()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Start or end the time that the client has for the next head."""
        is_awaited = self.cycle is None or self.cycle.response_complete
        if not is_awaited:
            self._forget_time()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_WITHIN_S, self.transport.abort)

    def _forget_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
