"""A test that reaches for the network fails."""

from __future__ import annotations

import socket

import pytest


def refuse_network(patch: pytest.MonkeyPatch) -> None:
    """Until `patch` is undone, no socket connects and no name is looked up."""

    def refuse(*_: object) -> None:
        raise AssertionError("something reached for the network")

    for name in ("connect", "connect_ex", "sendto"):
        patch.setattr(socket.socket, name, refuse)
    patch.setattr(socket, "getaddrinfo", refuse)
