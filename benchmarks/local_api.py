"""How soon a plugin sees the first steps of a search over the local API, beside the same search without it.

    python -m benchmarks.local_api FOOTAGE [--library DIR] [--rounds N]

The floor is `Engine.find` in the same process, asked in turns with the API. Everything is warm: the footage is indexed
and both models are loaded.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

from tr_desktop.engine import Engine, open_engine
from tr_desktop.models.pack import EMBEDDED_DEFAULT
from tr_desktop.serving.desk import Desk
from tr_desktop.serving.pairing import Pairing
from tr_desktop.serving.server import Server

QUERIES = ("a dog", "a person riding a bicycle", "someone cuts a cake", "a white bird", "yoga on a mat")

Times = tuple[float, float]
"""Seconds until the first moments, and until the whole answer."""


def direct(engine: Engine, footage: Path, query: str) -> Times:
    begun_s = time.perf_counter()
    first: list[float] = []
    engine.find(query, [footage], read_new=False, on_moments=lambda _: first.append(time.perf_counter() - begun_s))
    return first[0], time.perf_counter() - begun_s


def over_api(ask: Callable[..., dict], query: str) -> Times:
    begun_s = time.perf_counter()
    search = ask("POST", "/v1/searches", {"query": query})["id"]
    first_s, number, is_done = None, 0, False
    while not is_done:
        more = ask("GET", f"/v1/searches/{search}/events?after={number}&wait=20")
        number += len(more["events"])
        is_done = more["done"]
        if first_s is None and more["events"]:
            first_s = time.perf_counter() - begun_s
    assert first_s is not None
    return first_s, time.perf_counter() - begun_s


def client(port: int, token: str) -> Callable[..., dict]:
    def ask(method: str, path: str, body: object = None) -> dict:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with urlopen(Request(f"http://127.0.0.1:{port}{path}", content, headers, method=method), timeout=60) as answer:
            return json.load(answer)

    return ask


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("footage", metavar="FOOTAGE", type=Path)
    parser.add_argument("--library", metavar="DIR", type=Path, help="where it is indexed, or will be")
    parser.add_argument("--rounds", metavar="N", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with open_engine(arguments.library or folder / "library", EMBEDDED_DEFAULT) as engine:
            engine.index([arguments.footage])
            engine.warm_up()
            pairing = Pairing(folder)
            server = Server(Desk(lambda: engine, lambda: [arguments.footage], folder / "outbox"), pairing)
            port = server.start([0])
            token = json.loads((folder / "serve.json").read_text())["token"]
            ask = client(port, token)
            direct(engine, arguments.footage, QUERIES[0])
            rows: dict[str, list[Times]] = {"search": [], "over the API": []}
            for _ in range(arguments.rounds):
                for query in QUERIES:
                    rows["search"].append(direct(engine, arguments.footage, query))
                    rows["over the API"].append(over_api(ask, query))
            server.stop()
    floor = [statistics.median(each) for each in zip(*rows["search"], strict=True)]
    for name, times in rows.items():
        first_s, whole_s = (statistics.median(each) for each in zip(*times, strict=True))
        worst_s = max(first for first, _ in times)
        print(
            f"{name:12s}  first moments {first_s:.3f} s ({first_s / floor[0]:.2f}×), at worst {worst_s:.3f} s;"
            f" answer {whole_s:.2f} s ({whole_s / floor[1]:.2f}×)"
        )


if __name__ == "__main__":
    main()
