"""A server that listens, on the desk of a library that a toy encoder has indexed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import make_video
from tests.serving.asking import Client, server_threads, until
from tests.toy import ToyEncoder, write_clip
from tr_desktop.engine import Engine
from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Refinement, Segment, StepSource
from tr_desktop.serving.desk import Desk
from tr_desktop.serving.pairing import Pairing
from tr_desktop.serving.server import Server

NTSC = Fraction(30000, 1001)


class Looking(TwoTower):
    """Its last step reads no frame, and gives the moment one frame less at its end."""

    def steps_that_look_closer(self, steps):
        return min(steps, 1)

    def look_closer(self, search, item, moment):
        kept = moment.refinement.kept
        end_frame = max(kept.segment.end_frame - 1, kept.segment.start_frame + 1)
        closer = replace(
            kept,
            step=kept.step + 1,
            segment=Segment(kept.segment.start_frame, end_frame),
            end_s=item.footage.times.time_s(end_frame),
            by=StepSource.FRAMES,
        )
        return replace(moment, refinement=Refinement((*moment.refinement.steps, closer), closer.step))


@dataclass(frozen=True)
class Place:
    """Where things are, and what they are made of."""

    footage: Path
    outbox: Path
    settings: Path
    engine: Engine
    desk: Desk


@pytest.fixture(scope="session")
def engine(tmp_path_factory) -> Iterator[Engine]:
    """Searches two clips of colours, and one whose frames are numbered."""
    root = tmp_path_factory.mktemp("serving")
    footage = root / "footage"
    write_clip(footage / "park.mp4", [("red", 50), ("blue", 75), ("green", 50)], timecode="10:00:00:00")
    write_clip(footage / "lake.mp4", [("green", 60), ("blue", 30)], NTSC)
    make_video(footage / "numbered.mp4", frames=90, gop=30)
    encoder = ToyEncoder()
    with Catalog(root / "library") as catalog:
        index_footage([footage], catalog, encoder)
        yield Engine(catalog, encoder, Looking(catalog, encoder))


@pytest.fixture(scope="session")
def place(engine) -> Place:
    root = engine.catalog.folder.parent
    footage, outbox, settings = root / "footage", root / "outbox", root / "settings"
    return Place(footage, outbox, settings, engine, Desk(lambda: engine, lambda: [footage], outbox))


@pytest.fixture(scope="session")
def pairing(place) -> Pairing:
    return Pairing(place.settings)


@pytest.fixture(scope="session")
def server(place, pairing) -> Iterator[Server]:
    """Most tests share it: none may leave it unwell."""
    server = Server(place.desk, pairing)
    server.start([0])
    yield server
    assert server.stop()
    until(lambda: not server_threads(), within_s=10)


@pytest.fixture(scope="session")
def client(server, pairing) -> Client:
    """A plugin that was paired."""
    _, token = pairing.pair(pairing.new_code(), "Toy")
    return Client(server.port, token)


@pytest.fixture
def serve(tmp_path) -> Iterator[Callable[..., tuple[Server, Client]]]:
    """Start a server of the test's own, with a client that was paired: serve(desk, selects=None)."""
    with ExitStack() as running:

        def start(desk: Desk, selects: object = None) -> tuple[Server, Client]:
            pairing = Pairing(tmp_path / "settings")
            server = Server(desk, pairing, selects)
            running.callback(server.stop)
            port = server.start([0])
            return server, Client(port, pairing.pair(pairing.new_code(), "Toy")[1])

        yield start
