"""What the local API answers: searches and their events, moments, pictures, exports, and its own description."""

import json
import os
import re
import socket
import sys
import threading
import time
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import av
import jsonschema
import pytest

from exporters.timeline import moment_id
from tests.media import read_number
from tests.serving.asking import Client, connected, received, send, server_threads, until
from tests.toy import ToyEncoder, write_clip
from tr_desktop.answer_json import as_json
from tr_desktop.confidence import level
from tr_desktop.engine import Engine
from tr_desktop.errors import LibraryError, UserError
from tr_desktop.files import sole_writer
from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Refinement
from tr_desktop.serving.desk import Desk

needs_bytes = pytest.mark.skipif(sys.platform != "linux", reason="names are text on other systems")


@pytest.fixture(scope="module")
def found(client) -> list[dict]:
    """The moments of one search, best first."""
    return client.found("something blue")


# Searches


def test_a_search_answers_as_the_engine_does(client, place, found):
    answer = place.engine.find("something blue", [place.footage], read_new=False)
    events = client.events(client.searching("something blue"))
    assert [event["n"] for event in events] == list(range(1, len(events) + 1))
    assert {event["kind"] for event in events[:-1]} == {"moments"} and len(events) > 2
    document = as_json(answer)
    own = [{"id": moment_id(moment), "level": level(moment).value} for moment in answer.moments]
    assert events[-1] == {
        "n": len(events),
        "kind": "answer",
        "answer": document
        | {"moments": [each | moment for each, moment in zip(own, document["moments"], strict=True)]},
    }
    best = found[0]
    assert Path(best["media"]).parent == place.footage and best["confident"]
    assert all(re.fullmatch("[0-9a-f]{16}", moment["id"]) for moment in found)
    known = {moment["id"] for event in events[:-1] for moment in event["moments"]}
    assert known >= {moment["id"] for moment in events[-1]["answer"]["moments"]}  # while edges are refined


def test_wishes_count(client, place):
    (only,) = client.found("blue", top=1, steps=0)
    assert [step["step"] for step in only["steps"]] == [0]
    assert {Path(moment["media"]).name for moment in client.found("blue", name="PARK*")} == {"park.mp4"}
    today = datetime.now().date().isoformat()
    events = client.events(client.searching("blue", before="2001-01-01"))
    assert [event["kind"] for event in events] == ["error"] and "left by the filters" in events[0]["error"]
    assert client.found("blue", after="2001-01-01", before="2999-12-31", name="")
    assert client.found("blue", after=None, before=None)
    assert client.post("/v1/searches", {"query": "blue", "after": today}).status == 202


def test_a_query_that_can_not_be_searched_ends_with_an_error_event(client):
    for query in ("", "  \n"):
        (event,) = client.events(client.searching(query))
        assert event["kind"] == "error" and event["error"].startswith("The query is empty")


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "query is missing"),
        ({"query": 5}, "query should be a valid string"),
        ({"query": None}, "query should be a valid string"),
        ({"query": "a" * 2001}, "query should have at most 2000 characters"),
        ({"query": "blue", "folder": "/etc"}, "folder isn't known here"),
        ({"query": "blue", "paths": ["/etc"]}, "paths isn't known here"),
        ({"query": "blue", "a\nb": 1}, "a\\nb isn't known here"),
        ({"query": "blue", "top": 0}, "top should be greater than or equal to 1"),
        ({"query": "blue", "top": 51}, "top should be less than or equal to 50"),
        ({"query": "blue", "top": "5"}, "top should be a whole number"),
        ({"query": "blue", "top": 5.0}, "top should be a whole number"),
        ({"query": "blue", "top": True}, "top should be a whole number"),
        ({"query": "blue", "top": None}, "top should be a whole number"),
        ({"query": "blue", "steps": -1}, "steps should be greater than or equal to 0"),
        ({"query": "blue", "steps": 9}, "steps should be less than or equal to 8"),
        ({"query": "blue", "name": "a" * 201}, "name should have at most 200 characters"),
        ({"query": "blue", "after": "yesterday"}, "after should be a day such as 2026-05-31"),
        ({"query": "blue", "after": "2026-02-30"}, "after should be a day such as 2026-05-31"),
        ({"query": "blue", "after": "0001-01-01"}, "after should be a day such as 2026-05-31"),
        ({"query": "blue", "before": "9999-12-31"}, "before should be a day such as 2026-05-31"),
        ({"query": "blue", "before": 0}, "before should be a day such as 2026-05-31"),
        ([], "The body should be an object"),
    ],
)
def test_a_wish_that_is_not_as_it_should_be_is_named(client, body, complaint):
    given = client.post("/v1/searches", body)
    assert given.status == 400 and given.error == complaint


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("events?after=-1", "after should be greater than or equal to 0"),
        ("events?after=2147483648", "after should be less than 2147483648"),
        ("events?after=x", "after should be a whole number"),
        ("events?wait=26", "wait should be less than or equal to 25"),
        ("events?wait=-1", "wait should be greater than or equal to 0"),
        ("events?wait=1e9", "wait should be a whole number"),
    ],
)
def test_bounds_of_waiting(client, path, complaint):
    given = client.get(f"/v1/searches/x/{path}")
    assert given.status == 400 and given.error == complaint


def test_events_come_once_and_from_any_number(client):
    search = client.searching("blue")
    events = client.events(search)
    path = f"/v1/searches/{search}/events"
    for after in range(len(events) + 2):
        given = client.get(f"{path}?after={after}&wait=25").json  # over: doesn't wait
        assert given == {"events": events[after:], "done": True}


def read_stream(given) -> list[dict]:
    """The events of a stream, which has nothing else but remarks."""
    assert given.status == 200 and given.headers["content-type"].startswith("text/event-stream")
    events = []
    for block in given.body.decode().strip().split("\n\n"):
        if not block.startswith(":"):
            id, kind, data = block.split("\n")
            events.append(json.loads(data.removeprefix("data: ")))
            assert (id, kind) == (f"id: {events[-1]['n']}", f"event: {events[-1]['kind']}")
    return events


def test_a_stream_has_the_same_events_and_goes_on_after_the_last_one(client):
    search = client.searching("blue")
    path = f"/v1/searches/{search}/events"
    streamed = read_stream(client.get(path, Accept="text/event-stream"))
    assert streamed == client.events(search) and len(streamed) > 2
    assert read_stream(client.get(path, Accept="text/event-stream", Last_Event_ID="2")) == streamed[2:]
    assert read_stream(client.get(f"{path}?after=1", Accept="text/event-stream")) == streamed[1:]
    for odd in ("x", "", "-1", "²", "1e3"):
        headers = {"Accept": "text/event-stream", "Last_Event_ID": odd.encode("utf-8").decode("latin-1")}
        assert read_stream(client.get(path, **headers)) == streamed
    assert client.get(path, Accept="text/event-stream", Last_Event_ID="9" * 500).body.startswith(b": waiting")


def test_a_search_that_is_not_known_is_not_found(client):
    for method, path in (("GET", "/events"), ("DELETE", "")):
        given = client.ask(method, f"/v1/searches/nothing{path}")
        assert given.status == 404 and "no such search" in given.error


class Slow:
    """An engine whose searches go on until they are let go, or for as long as somebody wants them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.may_go_on, self.begun, self.ended = threading.Event(), [], []

    def find(self, query, folders, *, on_moments, check=lambda: None, **options):
        self.begun.append(query)
        answer = self._engine.find(query, folders, **options)
        try:
            while not self.may_go_on.wait(0.01):
                on_moments(answer.moments[:1])
        finally:
            self.ended.append(query)
        return answer

    def __getattr__(self, name):
        return getattr(self._engine, name)


@pytest.fixture
def slow(place, serve):
    """(engine, server, client): a server of its own, on a slow engine."""
    engine = Slow(place.engine)
    server, client = serve(Desk(lambda: engine, lambda: [place.footage], place.outbox))
    yield engine, server, client
    engine.may_go_on.set()


def test_a_long_poll_ends_with_the_first_event_or_with_its_time(slow):
    _, _, client = slow
    search, waiting = client.searching("blue"), client.searching("red")
    begin_s = time.monotonic()
    given = client.get(f"/v1/searches/{search}/events?wait=25").json
    assert given["events"] and not given["done"] and time.monotonic() - begin_s < 10
    begin_s = time.monotonic()
    assert client.get(f"/v1/searches/{waiting}/events?wait=1").json == {"events": [], "done": False}
    assert 1 <= time.monotonic() - begin_s < 10


def test_a_search_is_cancelled_in_the_middle_within_a_second(slow):
    engine, _, client = slow
    search = client.searching("blue")
    until(lambda: engine.begun == ["blue"])
    assert client.ask("DELETE", f"/v1/searches/{search}").status == 204
    assert client.events(search)[-1]["kind"] == "cancelled"
    assert until(lambda: engine.ended == ["blue"]) < 1
    events = client.events(search)
    time.sleep(0.1)
    assert client.events(search) == events  # nothing comes after it
    assert client.ask("DELETE", f"/v1/searches/{search}").status == 204  # twice is once


def test_a_search_is_cancelled_before_its_turn_and_never_begins(slow):
    engine, _, client = slow
    first = client.searching("blue")
    until(lambda: engine.begun == ["blue"])
    second, third = client.searching("red"), client.searching("green")
    client.ask("DELETE", f"/v1/searches/{second}")
    assert client.events(second) == [{"n": 1, "kind": "cancelled"}]
    until(lambda: len([each for each in server_threads() if "search" in each.name]) == 2, within_s=2)
    assert engine.begun == ["blue"]  # one at a time
    engine.may_go_on.set()
    assert client.events(first)[-1]["kind"] == client.events(third)[-1]["kind"] == "answer"
    assert engine.begun == ["blue", "green"]


def test_searches_take_turns_in_the_order_of_asking(slow):
    engine, _, client = slow
    queries = ["blue", "red", "green", "white"]
    searches = []
    for query in queries:
        searches.append(client.searching(query))
        time.sleep(0.02)
    engine.may_go_on.set()
    assert [client.events(each)[-1]["answer"]["query"] for each in searches] == queries == engine.begun


def test_the_ninth_search_is_refused_until_one_is_over(slow):
    engine, _, client = slow
    searches = [client.searching("blue") for _ in range(8)]
    given = client.post("/v1/searches", {"query": "blue"})
    assert given.status == 429 and given.error == "8 searches are under way. Wait for one, or cancel one"
    client.ask("DELETE", f"/v1/searches/{searches[3]}")
    ninth = client.searching("red")
    assert client.get(f"/v1/searches/{searches[3]}/events").status == 404  # forgotten
    engine.may_go_on.set()
    assert client.events(ninth)[-1]["kind"] == "answer"


def test_starting_and_cancelling_many_leaves_no_crowd_of_threads(slow):
    engine, _, client = slow
    client.searching("blue")
    until(lambda: engine.begun == ["blue"])
    for _ in range(30):
        client.ask("DELETE", f"/v1/searches/{client.searching('red')}")
    until(lambda: len([each for each in server_threads() if "search" in each.name]) == 1, within_s=2)


def test_two_clients_at_once_get_their_own_answers(server, pairing, client):
    _, token = pairing.pair(pairing.new_code(), "Second")
    queries = {client: ["blue", "red"] * 3, Client(server.port, token): ["green", "white"] * 3}
    answers: dict[Client, list[str]] = {}

    def ask(who: Client) -> None:
        searches = [who.searching(query) for query in queries[who][:3]]
        answers[who] = [who.events(each)[-1]["answer"]["query"] for each in searches]

    threads = [threading.Thread(target=ask, args=[who]) for who in queries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {who: wanted[:3] for who, wanted in queries.items()}


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_client_that_is_killed_leaves_nothing_behind(slow, accept):
    engine, server, client = slow
    engine.may_go_on.clear()
    first, waiting = client.searching("blue"), client.searching("red")
    until(lambda: engine.begun == ["blue"])
    before = len(server_threads())
    for search in (first, waiting):
        for _ in range(4):
            with connected(server.port) as connection:
                send(
                    connection,
                    f"GET /v1/searches/{search}/events?after=100000000&wait=25 HTTP/1.1\r\nAccept: {accept}\r\n"
                    f"Host: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {client.token}\r\n\r\n",
                )
                time.sleep(0.05)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # as a kill resets it
    assert client.get("/v1/health").status == 200
    for search in (first, waiting):
        client.ask("DELETE", f"/v1/searches/{search}")
    until(lambda: all("search" not in each.name for each in server_threads()), within_s=5)
    assert len(server_threads()) <= before + 9  # those that wait for work


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_stopping_ends_a_long_poll_and_a_search_within_four_seconds(slow, accept):
    engine, server, client = slow
    search = client.searching("blue")
    until(lambda: engine.begun == ["blue"])
    with connected(server.port) as connection:
        send(
            connection,
            f"GET /v1/searches/{search}/events?after=100000000&wait=25 HTTP/1.1\r\nAccept: {accept}\r\n"
            f"Host: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {client.token}\r\n\r\n",
        )
        time.sleep(0.2)
        begin_s = time.monotonic()
        assert server.stop()
        assert time.monotonic() - begin_s < 4
        while received(connection):  # ends
            pass
    with pytest.raises(ConnectionError):
        client.get("/v1/health")
    assert engine.ended == ["blue"] and server.stop()  # a second time does nothing


def test_a_server_starts_again_after_it_was_stopped(place, serve):
    server, client = serve(place.desk)
    first = server.port
    assert server.stop() and server.start([first]) == first
    assert client.found("blue")


# Moments


def test_a_moment_is_known_by_its_id_with_the_steps_that_it_has_now(client):
    (moment,) = client.found("blue lake", top=1, steps=0)
    path = f"/v1/moments/{moment['id']}"
    assert client.get(path).json == moment
    closer = client.post(f"{path}/closer").json
    assert closer["id"] == moment["id"] and closer["steps"][0] == moment["steps"][0]
    assert closer["steps"][-1]["looked_closer"] and closer["end_frame"] == moment["end_frame"] - 1
    assert client.get(path).json == closer == client.post(f"{path}/closer").json  # once


@pytest.mark.parametrize("id", ["0123456789abcdef", "x", "a" * 64, "..", "%20", "park.mp4", "%2e"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", "/closer"), ("GET", "/picture?frame=0"), ("GET", "/curve"), ("GET", "/handover")],
)
def test_what_is_no_moment_is_not_found(client, method, path, id):
    given = client.ask(method, f"/v1/moments/{id}{path}", {} if method == "POST" else None)
    assert given.status == 404 and given.error


def test_an_id_of_any_length_is_refused_quietly(client):
    assert client.get("/v1/moments/" + "a" * 65).error == "id should have at most 64 characters"
    assert client.get("/v1/moments/" + "a" * 9000).status == 400


def test_a_path_in_place_of_an_id_opens_nothing(client, place, monkeypatch):
    opened = []
    monkeypatch.setattr("tr_desktop.serving.desk.FrameReader", lambda footage: opened.append(footage))
    path = str(place.footage / "park.mp4")
    for id in (path, path.replace("/", "%2f"), path[1:].replace("/", "%2F")):
        assert client.get(f"/v1/moments/{id}/picture?frame=0").status in (400, 404)
    for moments in ([path], [{"id": path}]):
        given = client.post("/v1/exports", {"moments": moments})
        assert given.status in (400, 404)
    assert opened == []


@pytest.mark.parametrize("frame", [0, 1, 29, 30, 31, 47, 88, 89])
def test_a_picture_is_exactly_the_frame_asked_for(client, place, frame):
    moment = next(each for each in client.found("white", top=50) if each["media"].endswith("numbered.mp4"))
    given = client.get(f"/v1/moments/{moment['id']}/picture?frame={frame}")
    assert given.status == 200 and given.headers["content-type"] == "image/jpeg"
    assert read_number(decoded(given.body)) == frame


def decoded(jpeg: bytes):
    codec = av.CodecContext.create("mjpeg", "r")
    (picture,) = [*codec.decode(av.Packet(jpeg)), *codec.decode(None)]
    return picture.to_ndarray(format="rgb24")


def test_the_width_of_a_picture_is_its_longer_side_at_most(client, found):
    id = found[0]["id"]
    for width, shape in ((32, (24, 32, 3)), (1920, (48, 64, 3))):  # never larger than the footage
        assert decoded(client.get(f"/v1/moments/{id}/picture?frame=0&width={width}").body).shape == shape


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("", "frame is missing"),
        ("frame=-1", "frame should be greater than or equal to 0"),
        ("frame=1099511627776", "frame should be less than 1099511627776"),
        ("frame=1.5", "frame should be a whole number"),
        ("frame=" + "9" * 5000, "frame should be a whole number"),
        ("frame=0&width=31", "width should be greater than or equal to 32"),
        ("frame=0&width=1921", "width should be less than or equal to 1920"),
        ("frame=99999", "The file has no frame 99999. It has "),
    ],
)
def test_a_picture_that_does_not_exist_is_refused(client, found, query, complaint):
    given = client.get(f"/v1/moments/{found[0]['id']}/picture?{query}")
    assert given.status == 400 and given.error.startswith(complaint)


def test_the_curve_is_the_evidence_of_the_app(client, place, found):
    given = client.get(f"/v1/moments/{found[0]['id']}/curve").json
    moment = place.engine.find("something blue", [place.footage], read_new=False).moments[0]
    *_, evidence = place.engine.evidence(moment)
    assert Fraction(given["every_s"]) == evidence.every_s
    assert given["curve"] == pytest.approx([float(value) for value in evidence.curve], abs=1e-4)
    assert given["shot_frames"] == list(evidence.shot_frames)


def test_a_moment_whose_file_is_gone_says_so(client, place):
    path = write_clip(place.footage / "gone.mp4", [("white", 30), ("blue", 30)])
    index_footage([place.footage], place.engine.catalog, place.engine.encoder)
    (moment,) = client.found("white", top=1, name="gone.mp4")
    path.unlink()
    given = client.get(f"/v1/moments/{moment['id']}/picture?frame=0")
    assert given.status == 409 and "gone.mp4" in given.error


# Selects


class AppSelects:
    """The app's side, which keeps what is accepted."""

    def __init__(self) -> None:
        self.kept, self.missing = [], []

    def all(self):
        return self.kept, self.missing

    def add(self, moment, segment):
        if len(self.kept) == 3:
            raise UserError("The project is full")
        kept, segment = moment.refinement.kept, segment or moment.segment
        step = replace(kept, segment=segment, start_s=Fraction(segment.start_frame), end_s=Fraction(segment.end_frame))
        steps = (*moment.refinement.steps[: moment.refinement.stop], step)
        self.kept.append(replace(moment, refinement=Refinement(steps, len(steps) - 1)))
        return self.kept[-1]


def test_selects_are_accepted_with_the_edges_asked_for(place, serve):
    selects = AppSelects()
    _, client = serve(place.desk, selects)
    moment = client.found("blue", top=1)[0]
    assert client.get("/v1/selects").json == {"selects": [], "missing": []}
    path, id = "/v1/selects", moment["id"]
    as_is = client.post(path, {"moment": id})
    assert as_is.status == 201 and as_is.json["id"] == id
    assert (as_is.json["start_frame"], as_is.json["end_frame"]) == (moment["start_frame"], moment["end_frame"])
    rough = client.post(path, {"moment": id, "step": 0}).json
    assert (rough["start_frame"], rough["end_frame"]) == tuple(
        moment["steps"][0][key] for key in ("start_frame", "end_frame")
    )
    own = client.post(path, {"moment": id, "start_frame": 3, "end_frame": 9}).json
    assert (own["start_frame"], own["end_frame"]) == (3, 9)
    assert client.post(path, {"moment": id}).error == "The project is full"
    assert [each["end_frame"] for each in client.get(path).json["selects"]][2] == 9
    exported = client.post("/v1/exports", {"selects": True, "format": "csv"})
    assert exported.status == 201 and len(Path(exported.json["files"][0]).read_text().splitlines()) == 4
    assert not [note for note in exported.json["notes"] if "library" in note]


def test_selects_that_can_not_be_shown_are_named(place, serve, described):
    selects = AppSelects()
    _, client = serve(place.desk, selects)
    gone = "The library doesn't know gone.mp4. Index it again"
    selects.missing.append(gone)
    assert client.get("/v1/selects").json == {"selects": [], "missing": [gone]}
    none = client.post("/v1/exports", {"selects": True, "format": "csv"})
    assert none.status == 409 and none.error == f"None of the selects can be exported. {gone}"
    client.post("/v1/selects", {"moment": client.found("blue", top=1)[0]["id"]})
    given = client.get("/v1/selects").json
    fits(described, "SelectsGiven", given)
    assert len(given["selects"]) == 1 and given["missing"] == [gone]
    for format_name in ("csv", "handover"):
        assert gone in client.post("/v1/exports", {"selects": True, "format": format_name}).json["notes"]


@pytest.mark.parametrize(
    ("wish", "status", "complaint"),
    [
        ({"step": 99}, 400, "The moment has no step 99. Its steps are 0 to "),
        ({"step": 100}, 400, "step should be less than or equal to 99"),
        ({"step": -1}, 400, "step should be greater than or equal to 0"),
        ({"start_frame": 1}, 400, "Give a step, or both start_frame and end_frame, or none"),
        ({"end_frame": 1}, 400, "Give a step, or both start_frame and end_frame, or none"),
        ({"step": 0, "start_frame": 1, "end_frame": 2}, 400, "Give a step, or both start_frame and end_frame, or none"),
        ({"start_frame": 2, "end_frame": 2}, 400, "The frames have to be from 0 to "),
        ({"start_frame": 3, "end_frame": 2}, 400, "The frames have to be from 0 to "),
        ({"start_frame": 0, "end_frame": 1000}, 400, "The frames have to be from 0 to "),
        ({"start_frame": -1, "end_frame": 5}, 400, "start_frame should be greater than or equal to 0"),
        ({"start_frame": 0, "end_frame": 1 << 40}, 400, "end_frame should be less than"),
        ({"start_frame": 0.5, "end_frame": 5}, 400, "start_frame should be a whole number"),
        ({"moment": "nothing"}, 404, "There is no moment"),
        ({"moment": 5}, 400, "moment should be a valid string"),
    ],
)
def test_selects_that_can_not_be_are_refused(place, serve, wish, status, complaint):
    selects = AppSelects()
    _, client = serve(place.desk, selects)
    id = client.found("blue", top=1)[0]["id"]
    given = client.post("/v1/selects", {"moment": id, **wish})
    assert given.status == status and given.error.startswith(complaint) and selects.kept == []


def test_without_the_app_there_are_no_selects(client, found):
    for given in (
        client.get("/v1/selects"),
        client.post("/v1/selects", {"moment": found[0]["id"]}),
        client.post("/v1/exports", {"selects": True}),
    ):
        assert given.status == 409 and given.error.startswith("Selects belong to a project")


# Exports


def test_a_hand_over_has_the_same_ids_and_the_steps_picked(client, place, found):
    first, second = found[:2]
    picks = [first["id"], {"id": second["id"], "step": 0}]
    given = client.post("/v1/exports", {"moments": picks, "name": "two"})
    assert given.status == 201 and isinstance(given.json["notes"], list)
    files = [Path(each) for each in given.json["files"]]
    assert [file.name for file in files] == ["latest.json", "latest.lua", "latest.xml"]
    assert {file.parent for file in files} == {place.outbox}
    document = json.loads(files[0].read_text())
    assert [moment["id"] for moment in document["moments"]] == [first["id"], second["id"]]
    assert document["moments"][1]["in_frame"] == second["steps"][0]["start_frame"]
    assert document["moments"][1]["out_frame"] == second["steps"][0]["end_frame"]
    client.post("/v1/exports", {"moments": picks, "handles_s": "0.5"})
    assert json.loads(files[0].read_text())["moments"][1]["in_frame"] < document["moments"][1]["in_frame"]
    alone = client.get(f"/v1/moments/{second['id']}/handover?step=0").json
    assert alone["kind"] == document["kind"] and alone["moments"][0]["in_frame"] == document["moments"][1]["in_frame"]
    if os.name == "posix":
        assert place.outbox.stat().st_mode & 0o777 == 0o700


HOSTILE = ["../../evil", "/tmp/evil", "a/b\\c", "a\x00b", "a\nb", "..", "C:\\evil", "<x>&'\"", "=1+1", "\u202ea", " "]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_never_reaches_a_file_name(client, place, found, name):
    before = set(place.outbox.parent.rglob("*"))
    for format_name in ("fcpxml", "edl", "handover"):
        given = client.post("/v1/exports", {"moments": [found[0]["id"]], "format": format_name, "name": name})
        assert given.status == 201
        for file in map(Path, given.json["files"]):
            assert file.parent == place.outbox and "evil" not in file.name
            assert re.fullmatch(r"latest\.\w+|timerefine \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d( \d+)?\.\w+", file.name)
    written = {path.parent for path in set(place.outbox.parent.rglob("*")) - before}
    ledger = place.outbox.parent / "library"  # remembers exports
    assert written <= {place.outbox, place.outbox.parent, ledger}


@pytest.mark.parametrize(
    ("wish", "status", "complaint"),
    [
        ({"format": "prores"}, 400, "prores cuts clips"),
        ({"format": "lossless"}, 400, "lossless cuts clips"),
        ({"format": "smart"}, 400, "smart cuts clips"),
        ({"format": "../edl"}, 400, "There is no export format"),
        ({"format": "a/b"}, 400, "There is no export format"),
        ({"format": ""}, 400, "There is no export format"),
        ({"format": "EDL"}, 400, "There is no export format"),
        ({"format": 5}, 400, "format should be a valid string"),
        ({"format": "x" * 201}, 400, "format should have at most 200 characters"),
        ({"name": "x" * 201}, 400, "name should have at most 200 characters"),
        ({"handles_s": 1}, 400, "handles_s should be"),
        ({"handles_s": "-1"}, 400, "handles_s should be seconds such as 0.5"),
        ({"handles_s": "1e9"}, 400, "handles_s should be seconds such as 0.5"),
        ({"handles_s": "1/0"}, 400, "handles_s should be seconds such as 0.5"),
        ({"handles_s": "3601"}, 400, "handles_s should be seconds such as 0.5"),
        ({"handles_s": "0.5\n"}, 400, "handles_s should be seconds such as 0.5"),
        ({"handles_s": "٣"}, 400, "handles_s should be seconds such as 0.5"),
        ({"handles_s": ""}, 400, "handles_s should be seconds such as 0.5"),
        ({"moments": []}, 400, "Give moments, or selects"),
        ({"selects": True}, 400, "Give moments, or selects"),
        ({"selects": "yes"}, 400, "selects should be a valid boolean"),
        ({"moments": "x"}, 400, "moments should be a valid list"),
        ({"moments": [5]}, 400, "moments.0 should be the id of a moment, or an object with id and step"),
        ({"moments": [None]}, 400, "moments.0 should be the id of a moment, or an object with id and step"),
        ({"moments": [{"step": 1}]}, 400, "moments.0.id is missing"),
        ({"moments": [{"id": "x", "path": "/"}]}, 400, "moments.0.path isn't known here"),
        ({"moments": [{"id": "x", "step": 1.5}]}, 400, "moments.0.step should be a whole number"),
        ({"moments": ["x" * 65]}, 400, "moments.0.id should have at most 64 characters"),
        ({"moments": ["x"] * 1001}, 400, "moments should have at most 1000 items"),
        ({"moments": ["x"]}, 404, "There is no moment 'x'"),
        ({"out": "/tmp/x"}, 400, "out isn't known here"),
    ],
)
def test_an_export_that_can_not_be_writes_nothing(client, place, found, wish, status, complaint):
    before = sorted(place.outbox.iterdir()) if place.outbox.exists() else []
    given = client.post("/v1/exports", {"moments": [found[0]["id"]], "format": "edl", **wish})
    assert given.status == status and given.error.startswith(complaint)
    assert (sorted(place.outbox.iterdir()) if place.outbox.exists() else []) == before


def test_two_exports_at_once_get_names_of_their_own(client, found):
    files: list[str] = []

    def export() -> None:
        given = client.post("/v1/exports", {"moments": [found[0]["id"]], "format": "edl", "name": "same"})
        files.extend(given.json["files"])

    threads = [threading.Thread(target=export) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(files)) == 6


@pytest.fixture
def outbox(tmp_path, place, serve):
    """(folder, client): an outbox of the test's own."""
    folder = tmp_path / "outbox"
    _, client = serve(Desk(lambda: place.engine, lambda: [place.footage], folder))
    return folder, client


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_in_the_outbox_leads_nowhere(outbox, tmp_path):
    folder, client = outbox
    id = client.found("blue", top=1)[0]["id"]
    target = tmp_path / "letter.txt"
    target.write_text("dear")
    folder.mkdir()
    (folder / "latest.json").symlink_to(target)
    given = client.post("/v1/exports", {"moments": [id]})
    assert given.status == 400 and "in the way" in given.error
    assert target.read_text() == "dear" and sorted(each.name for each in folder.iterdir()) == ["latest.json"]
    now = datetime.now().timestamp()
    for second in range(30):  # at every name that an export could take
        (folder / f"timerefine {datetime.fromtimestamp(now + second):%Y-%m-%d %H.%M.%S}.csv").symlink_to(target)
    (file,) = client.post("/v1/exports", {"moments": [id], "format": "csv"}).json["files"]
    assert file.endswith(" 2.csv") and target.read_text() == "dear"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_the_outbox_may_be_a_link_that_the_user_made(outbox, tmp_path):
    folder, client = outbox
    id = client.found("blue", top=1)[0]["id"]
    (tmp_path / "other drive").mkdir()
    folder.symlink_to(tmp_path / "other drive")
    assert client.post("/v1/exports", {"moments": [id]}).status == 201
    assert (tmp_path / "other drive" / "latest.json").exists() and folder.is_symlink()


def test_an_outbox_that_is_a_file_is_a_plain_error(outbox):
    folder, client = outbox
    id = client.found("blue", top=1)[0]["id"]
    folder.write_text("")
    for format_name in ("handover", "edl"):
        given = client.post("/v1/exports", {"moments": [id], "format": format_name})
        assert given.status == 400 and given.error


# When things go wrong


def test_it_searches_and_exports_while_another_program_indexes(client, place):
    with sole_writer(place.engine.catalog.folder):
        moments = client.found("blue green")
        assert client.get("/v1/coverage").status == 200
        assert client.get(f"/v1/moments/{moments[0]['id']}/curve").status == 200
        assert client.post("/v1/exports", {"moments": [moments[0]["id"]], "format": "edl"}).status == 201


class Broken:
    """An engine that fails."""

    looks_closer = True

    def __init__(self, engine: Engine, error: Exception) -> None:
        self._engine, self._error = engine, error

    def find(self, query, *rest, **options):
        if query == "break":
            raise self._error
        return self._engine.find(query, *rest, **options)

    def evidence(self, moment):
        raise self._error

    def __getattr__(self, name):
        return getattr(self._engine, name)


def test_a_library_that_can_not_be_read_is_named(place, serve):
    error = LibraryError("The library is locked", remedy="Wait until indexing ends")
    _, client = serve(Desk(lambda: Broken(place.engine, error), lambda: [place.footage], place.outbox))
    (event,) = client.events(client.searching("break"))
    assert event == {"n": 1, "kind": "error", "error": "The library is locked. Wait until indexing ends"}
    given = client.get(f"/v1/moments/{client.found('blue')[0]['id']}/curve")
    assert given.status == 409 and given.error == event["error"]


def test_an_error_of_ours_is_told_without_its_details_and_logged_with_them(place, serve, caplog):
    error = RuntimeError("secret detail in /home/somebody/x.py")
    _, client = serve(Desk(lambda: Broken(place.engine, error), lambda: [place.footage], place.outbox))
    (event,) = client.events(client.searching("break"))
    given = client.get(f"/v1/moments/{client.found('blue')[0]['id']}/curve")
    assert event["kind"] == "error" and given.status == 500
    for sentence in (event["error"], given.error):
        assert "failed unexpectedly" in sentence and "secret" not in sentence and "Traceback" not in sentence
    assert len([each for each in caplog.records if each.exc_info]) == 2 and "secret detail" in caplog.text
    assert client.get("/v1/health").status == 200


@needs_bytes
def test_names_that_are_no_text_survive(tmp_path, serve):
    footage = tmp_path / "footage"
    written = write_clip(tmp_path / "a.mp4", [("blue", 30)])
    footage.mkdir()
    odd = os.fsdecode(os.fsencode(footage) + b"/a\xff \xe2\x80\xa8<b>.mp4")
    written.rename(odd)
    with Catalog(tmp_path / "library") as catalog:
        encoder = ToyEncoder()
        index_footage([footage], catalog, encoder)
        engine = Engine(catalog, encoder, TwoTower(catalog, encoder))
        server, client = serve(Desk(lambda: engine, lambda: [footage], tmp_path / "outbox"))
        (moment,) = client.found("blue")
        assert moment["media"] == odd and client.get(f"/v1/moments/{moment['id']}").json == moment
        assert client.get(f"/v1/moments/{moment['id']}/picture?frame=0").status == 200
        stream = client.get(f"/v1/searches/{client.searching('blue')}/events", Accept="text/event-stream")
        assert read_stream(stream)[-1]["answer"]["moments"] == [moment]
        assert client.post("/v1/exports", {"moments": [moment["id"]]}).status == 201
        server.stop()


# The description


@pytest.fixture(scope="module")
def described(client) -> dict:
    return client.get("/v1/openapi.json").json


def test_the_description_is_complete_and_its_schemas_are_valid(described):
    routes = {f"{method} {path}" for path, item in described["paths"].items() for method in item}
    assert routes == {
        "get /v1/health",
        "post /v1/pairings",
        "post /v1/searches",
        "get /v1/searches/{id}/events",
        "delete /v1/searches/{id}",
        "get /v1/moments/{id}",
        "post /v1/moments/{id}/closer",
        "get /v1/moments/{id}/picture",
        "get /v1/moments/{id}/curve",
        "get /v1/moments/{id}/handover",
        "get /v1/coverage",
        "get /v1/selects",
        "post /v1/selects",
        "post /v1/exports",
    }
    assert described["openapi"].startswith("3.1")
    schemas = described["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)):
        assert name in schemas
    for item in described["paths"].values():
        for operation in item.values():
            assert operation["description"] and "4XX" in operation["responses"]


def fits(described: dict, name: str, document: object) -> None:
    """Fails unless the document is as the description says."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
    jsonschema.Draft202012Validator(schema).validate(document)


def test_answers_are_as_described(client, described, found, pairing):
    id = found[0]["id"]
    fits(described, "HealthGiven", client.get("/v1/health").json)
    fits(described, "PairingGiven", client.post("/v1/pairings", {"code": pairing.new_code(), "name": "Described"}).json)
    search = client.post("/v1/searches", {"query": "blue"}).json
    fits(described, "SearchGiven", search)
    fits(described, "EventsGiven", client.get(f"/v1/searches/{search['id']}/events?wait=25&after=3").json)
    empty = client.post("/v1/searches", {"query": ""}).json["id"]
    client.events(empty)
    fits(described, "EventsGiven", client.get(f"/v1/searches/{empty}/events").json)
    fits(described, "MomentGiven", client.get(f"/v1/moments/{id}").json)
    fits(described, "CurveGiven", client.get(f"/v1/moments/{id}/curve").json)
    fits(described, "HandoverGiven", client.get(f"/v1/moments/{id}/handover").json)
    fits(described, "CoverageGiven", client.get("/v1/coverage").json)
    fits(described, "ExportGiven", client.post("/v1/exports", {"moments": [id], "format": "edl"}).json)
    fits(described, "ErrorGiven", client.get("/v1/selects").json)
    with pytest.raises(jsonschema.ValidationError):
        fits(described, "MomentGiven", {"id": id})


def test_questions_are_as_described(described):
    for body in (
        {"moments": ["x", {"id": "x", "step": 1}], "handles_s": "1001/1000"},
        {"selects": True, "format": "edl", "name": "n"},
    ):
        fits(described, "ExportAsked", body)
    fits(described, "SearchAsked", {"query": "blue", "after": "2026-05-31", "before": None})
    for body in ({"moments": [5]}, {"handles_s": "1e5"}, {"out": "/tmp"}):
        with pytest.raises(jsonschema.ValidationError):
            fits(described, "ExportAsked", body)


def test_no_request_is_reported_to_a_telemetry_provider(client, monkeypatch):
    """FastAPI reports each request to the providers that it finds in the process, unless it is told not to."""
    asked = []
    for module, name in (("trace", "tracer"), ("metrics", "meter"), ("_logs", "logger")):
        telemetry = pytest.importorskip(f"opentelemetry.{module}")
        provider = getattr(telemetry, f"get_{name}_provider")
        monkeypatch.setattr(telemetry, f"get_{name}_provider", lambda get=provider: asked.append(get) or get())
    assert client.get("/v1/health").status == 200 and asked == []


def test_a_wrong_method_says_so_and_which_are_right(server, client):
    for method, path in (("PUT", "/v1/coverage"), ("DELETE", "/v1/exports"), ("PATCH", "/v1/searches/x")):
        given = client.ask(method, path)
        assert given.status == 405 and given.error == "This address doesn't take this method"
        assert given.headers["allow"]
    assert client.get("/v1/nothing").error == "There is nothing at this address"
    with connected(server.port) as connection:
        send(connection, f"HEAD /v1/health HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n")
        assert received(connection).startswith(b"HTTP/1.1 405")
