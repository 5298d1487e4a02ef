"""A Hugging Face hub on loopback: model information, files by redirect, ranges, and what can go wrong with them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE_BYTES = 1000
"""From this size on the hub keeps a file in Git LFS: it redirects to another address and lists its SHA-256."""


class Hub(ThreadingHTTPServer):
    """`files` of one commit of one repository, by name.

    requests: (method, path, Range) of each request. agents: how the client named itself. cut: names of files whose next
    answer breaks off half-way. go_on: unset while answers stop half-way and wait; stalled: set when one does. listed:
    what the information says of a file, if it isn't the truth. status: of every answer, if it isn't 200.
    """

    daemon_threads = True

    def __init__(self, repository: str, commit: str, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repository, self.commit, self.files = repository, commit, files
        self.requests: list[tuple[str, str, str]] = []
        self.agents: set[str] = set()
        self.cut: set[str] = set()
        self.stalled, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.listed: dict[str, bytes] = {}
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def ranges(self, name: str) -> list[str]:
        """The Range of each request for the content of a large file; '' for all of it."""
        return [range_ for method, path, range_ in self.requests if method == "GET" and path == f"/cdn/{name}"]


@contextmanager
def serving(repository: str, commit: str, files: dict[str, bytes]) -> Iterator[Hub]:
    with Hub(repository, commit, files) as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield hub
        finally:
            hub.go_on.set()
            hub.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)  # as a proxy it gets whole addresses
        hub = self.server
        hub.agents.add(self.headers.get("User-Agent", ""))
        hub.requests.append((self.command, path, self.headers.get("Range", "")))
        if hub.status != 200:
            self._answer(hub.status, b"")
        elif path.startswith(f"/api/models/{hub.repository}/revision/"):
            self._info(path.rsplit("/", 1)[1])
        elif path.startswith(f"/{hub.repository}/resolve/{hub.commit}/"):
            self._file(path.rsplit("/", 1)[1])
        elif path.startswith("/cdn/"):
            self._content(path.rsplit("/", 1)[1])
        else:
            self._answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _info(self, revision: str) -> None:
        hub = self.server
        if revision != hub.commit:
            self._answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return
        siblings = []
        for name, content in hub.files.items():
            listed = hub.listed.get(name, content)
            file: dict[str, object] = {"rfilename": name, "size": len(listed), "blobId": blob_id(listed)}
            if len(listed) >= LARGE_BYTES:
                sha256 = hashlib.sha256(listed).hexdigest()
                file["lfs"] = {"sha256": sha256, "size": len(listed), "pointerSize": 135}
            siblings.append(file)
        info = {"id": hub.repository, "sha": hub.commit, "siblings": siblings}
        self._answer(200, json.dumps(info).encode(), {"Content-Type": "application/json"})

    def _file(self, name: str) -> None:
        hub = self.server
        content = hub.files[name]
        headers = {"X-Repo-Commit": hub.commit, "ETag": f'"{blob_id(content)}"'}
        if len(content) < LARGE_BYTES:
            self._answer(200, content, headers)
            return
        sha256 = hashlib.sha256(content).hexdigest()
        linked = {"X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(len(content)), "Location": f"/cdn/{name}"}
        self._answer(302, b"", headers | linked)

    def _content(self, name: str) -> None:
        hub = self.server
        content = hub.files[name]
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        part, headers = content[start:], {"Accept-Ranges": "bytes"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        breaks = name in hub.cut or not hub.go_on.is_set()
        self._answer(206 if start else 200, part, headers, len(part) // 2 if breaks else len(part))
        if name in hub.cut:
            hub.cut.remove(name)
            self.close_connection = True
        elif breaks:
            hub.stalled.set()
            hub.go_on.wait()
            self.close_connection = True

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None, sent: int = -1) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content if sent < 0 else content[:sent])


def blob_id(content: bytes) -> str:
    """The hash by which Git lists a file."""
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
