"""Who may ask the local API: plugins that were paired by a code, and programs of the same user.

A plugin in a sandbox can read no file of ours. The user reads a short code in the app and enters it in the plugin: it
gets a token of its own. Only hashes of these tokens are kept, in `paired.json`. Another program of the same user reads
the token of the running server in `serve.json`. Both files are closed to other users.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from itertools import chain, count
from pathlib import Path
from typing import Any

from tr_desktop.errors import UserError
from tr_desktop.files import LockedError, replacing, sole_writer
from tr_desktop.names import printable

CODE_WITHIN_S = 600.0
CODE_TRIES = 5
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # those that nobody mistakes for another; 5 bits each
_CODE_LETTERS = 8
_TOKEN_BYTES = 32
_NAME_LENGTH = 60
_MAX_PLUGINS = 100
_PAIRED = "paired.json"


class PairingError(UserError):
    """A plugin that can't be paired."""


class NotKeptError(UserError):
    """The list of paired plugins can't be read or written."""


@dataclass(frozen=True)
class Paired:
    """A plugin that may ask. token_sha256: hexadecimal. since: the day of pairing, as ISO 8601 has it."""

    name: str
    token_sha256: str
    since: str


class Pairing:
    """The plugins that are paired, in `folder`; a change there counts at once. clock: seconds."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._code, self._code_until_s, self._tries_left = "", 0.0, 0
        self._lock = threading.Lock()

    # Codes

    def new_code(self) -> str:
        """A code for one plugin, for CODE_WITHIN_S. The one before it doesn't count any more."""
        code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LETTERS))
        with self._lock:
            self._code, self._code_until_s, self._tries_left = code, self._clock() + CODE_WITHIN_S, CODE_TRIES
        return f"{code[:4]}-{code[4:]}"

    def end_code(self) -> None:
        """The last code doesn't count any more."""
        with self._lock:
            self._tries_left = 0

    def pair(self, code: str, name: str) -> tuple[Paired, str]:
        """The plugin, and its token, for a code that counts. Raises PairingError, and NotKeptError."""
        name = printable(" ".join(name.split()))[:_NAME_LENGTH]
        if not name:
            raise PairingError("The plugin has no name", remedy="Send one")
        given = code.replace("-", "").replace(" ", "").upper().encode()
        with self._lock:
            is_open = self._tries_left > 0 and self._clock() < self._code_until_s
            self._tries_left -= 1
            if not (is_open and hmac.compare_digest(given, self._code.encode())):
                raise PairingError(
                    "The code is wrong or too old",
                    remedy="Let TimeRefine show a new one, and enter it within ten minutes",
                )
            token = secrets.token_urlsafe(_TOKEN_BYTES)
            with self._changing():
                known = self._read()
                if len(known) >= _MAX_PLUGINS:
                    raise PairingError(f"{_MAX_PLUGINS} plugins are paired", remedy="Remove some in TimeRefine")
                names = chain([name], (f"{name} {number}" for number in count(2)))
                free = next(each for each in names if each not in {plugin.name for plugin in known})
                plugin = Paired(free, _hash(token), date.today().isoformat())
                self._keep([*known, plugin])
            self._tries_left = 0
        return plugin, token

    @property
    def has_code(self) -> bool:
        """Whether the last code still counts."""
        return self._tries_left > 0 and self._clock() < self._code_until_s

    # Plugins

    def paired(self) -> list[Paired]:
        """In the order of pairing. A file that can't be read pairs nobody."""
        try:
            return self._read()
        except NotKeptError:
            return []

    def forget(self, name: str) -> bool:
        """Revoke a plugin's token; whether there was one. Raises NotKeptError."""
        with self._lock, self._changing():
            known = self._read()
            left = [plugin for plugin in known if plugin.name != name]
            if left != known:
                self._keep(left)
        return left != known

    def _read(self) -> list[Paired]:
        path = self._folder / _PAIRED
        try:
            entries = json.loads(path.read_bytes())["plugins"]
            return [
                Paired(str(entry["name"]), str(entry["token_sha256"]), str(entry.get("since", ""))) for entry in entries
            ]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise NotKeptError(
                "The list of paired plugins can't be read", path=path, remedy="Delete it, and pair them again"
            ) from error

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Change the list of plugins while no other process does. Raises NotKeptError."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with sole_writer(self._folder):
                yield
        except LockedError as error:
            raise NotKeptError("Another program changes the paired plugins", remedy="Try again") from error
        except OSError as error:
            raise NotKeptError(
                f"The paired plugins can't be kept: {error.strerror or error}",
                path=self._folder / _PAIRED,
                remedy="Make room on the disk, or make the folder writable",
            ) from error

    def knows(self, token: str) -> bool:
        """Whether this is the token of a paired plugin or of this server."""
        given = _hash(token)
        tokens = [_hash(self._token), *(plugin.token_sha256 for plugin in self.paired())]
        return any([hmac.compare_digest(given.encode(), each.encode("utf-8", "surrogatepass")) for each in tokens])

    def _keep(self, plugins: list[Paired]) -> None:
        entries = [{"name": each.name, "token_sha256": each.token_sha256, "since": each.since} for each in plugins]
        self._write(_PAIRED, {"plugins": entries})

    # Programs of the same user

    def announce(self, port: int) -> Path:
        """Say where the server listens, and a new token, to programs of the same user. Raises UserError."""
        self._token = secrets.token_urlsafe(_TOKEN_BYTES)
        try:
            return self._write("serve.json", {"port": port, "token": self._token})
        except OSError as error:
            raise UserError(
                f"The address of the server can't be announced: {error.strerror or error}",
                path=error.filename,
                remedy="Make room on the disk, or make the folder writable",
            ) from error

    def withdraw(self) -> None:
        """Take that back, unless another server has announced itself since."""
        path = self._folder / "serve.json"
        with suppress(OSError, ValueError, KeyError, TypeError):
            if json.loads(path.read_bytes())["token"] == self._token:
                path.unlink()

    def _write(self, name: str, document: dict[str, Any]) -> Path:
        path = self._folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(document, file, indent=1)  # never readable for others, not even for a moment
            if path.exists():
                path.chmod(0o600)  # the new file gets the old one's mode
        return path


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
