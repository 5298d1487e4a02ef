"""Whether the frozen program answers other programs: the local API, and the tools for agent programs."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from places import LIMIT_S, Place, ending, said, wait_until

_COMMAND = "tr-desktop"


def api(place: Place, clip: Path, query: str, around_s: float) -> Iterator[str]:
    """`serve` has to find the moment in indexed footage, and to end when it is asked to."""
    indexed = place.run(_COMMAND, "index", clip)
    if indexed.status:
        yield f"index: {indexed}"
        return

    def announced() -> Path | None:
        return next(place.here(place.home).rglob("serve.json"), None)

    process = place.start(_COMMAND, "serve", clip)
    with ending(process):
        wait_until(lambda: announced() or process.poll() is not None, 60)
        known = announced()
        if known is None:
            yield f"it doesn't listen: {said(process)}"
            return
        try:
            best = _asked(json.loads(known.read_text()), query)
            if not best["start_s"] <= around_s <= best["end_s"]:
                yield f"it finds {best['start_s']} to {best['end_s']} s"
            process.send_signal(signal.SIGTERM)
            if process.wait(60):
                yield f"it ends with {said(process)}"
        except (URLError, LookupError, ValueError, subprocess.TimeoutExpired) as error:
            yield f"{type(error).__name__}: {error}; {said(process)}"


def _asked(known: dict[str, Any], query: str) -> dict[str, Any]:
    """The best moment, as a script gets it. LookupError: none."""

    def ask(path: str, body: object = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {known['token']}", "Content-Type": "application/json"}
        address = f"http://127.0.0.1:{known['port']}{path}"
        with urlopen(Request(address, content, headers), timeout=60) as answer:
            return json.load(answer)

    search = ask("/v1/searches", {"query": query})["id"]
    events: list[dict[str, Any]] = []
    is_done = False
    while not is_done:
        more = ask(f"/v1/searches/{search}/events?after={len(events)}&wait=20")
        events += more["events"]
        is_done = more["done"]
    if "answer" not in events[-1]:
        raise LookupError(str(events[-1]))
    best: dict[str, Any] = events[-1]["answer"]["moments"][0]
    return best


_HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "check", "version": "1"},
}


def agents(place: Place, clip: Path) -> Iterator[str]:
    """`mcp` has to list its tools, and to end with its input."""
    process = place.start(_COMMAND, "mcp", clip)
    assert process.stdin is not None and process.stdout is not None
    asked = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _HELLO},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    with ending(process):
        try:
            process.stdin.write("".join(json.dumps(each) + "\n" for each in asked))
            process.stdin.flush()
            answers = [json.loads(process.stdout.readline() or "{}") for _ in range(2)]
            names = [tool["name"] for answer in answers for tool in answer.get("result", {}).get("tools", [])]
            if "find_moments" not in names:
                yield f"it lists {names}; {said(process)}"
                return
            process.stdin.close()
            if process.wait(LIMIT_S):
                yield f"it ends with {said(process)}"
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            yield f"{type(error).__name__}: {error}; {said(process)}"
