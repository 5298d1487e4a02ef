"""The tools of `tr-desktop mcp`, as the protocol's own client sees them."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import av
import pytest
from mcp import Client, ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, Tool

from tests.media import make_video, read_number
from tests.processes import PATIENCE_S, ending
from tests.serving import noisy_agents
from tests.toy import ToyEncoder, write_clip
from tr_desktop.commands.main import main
from tr_desktop.engine import Engine
from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.serving.agents import MAX_LISTED, make_agent_server
from tr_desktop.serving.desk import Desk
from tr_desktop.this_program import how_to_get

ROOT = Path(__file__).resolve().parents[2]
NUMBERED = "numbered.mp4"
NOT_TEXT = "2.mp4" if sys.platform in ("win32", "darwin") else os.fsdecode(b"\xff.mp4")


def said(result: CallToolResult) -> str:
    """The only text of a result."""
    (content,) = result.content
    return content.text


def within_patience(conversation: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        with anyio.fail_after(PATIENCE_S):
            await conversation()

    anyio.run(limited)


# The real command over the sample clip


@dataclass
class Talk:
    """What the client of a whole conversation got."""

    server: Any = None
    tools: dict[str, Tool] = field(default_factory=dict)
    results: dict[str, CallToolResult] = field(default_factory=dict)
    progress: list[tuple[float, str]] = field(default_factory=list)
    handed_over: Any = None


@pytest.fixture(scope="module")
def library(sample, tmp_path_factory) -> Path:
    """The sample clip, and a clip whose frames are numbered, indexed by the embedded pack."""
    folder = tmp_path_factory.mktemp("agents")
    shutil.copy(sample, folder / "sample.mp4")
    make_video(folder / NUMBERED, frames=48)
    assert main(["index", str(folder), "--library", str(folder / "library")]) == 0
    return folder / "library"


@pytest.fixture(scope="module")
def talk(library, tmp_path_factory) -> Talk:
    data = tmp_path_factory.mktemp("data")
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "tr_desktop", "mcp", str(library.parent), "--library", str(library), "--pictures"],
        env={**os.environ, "XDG_DATA_HOME": str(data), "PYTHONPATH": str(ROOT)},
    )
    talk = Talk()

    async def converse() -> None:
        async with stdio_client(command) as (read, write), ClientSession(read, write) as session:
            talk.server = await session.initialize()
            talk.tools = {tool.name: tool for tool in (await session.list_tools()).tools}

            async def call(key: str, name: str, arguments: dict[str, Any], **options: Any) -> CallToolResult:
                talk.results[key] = await session.call_tool(name, arguments, **options)
                return talk.results[key]

            async def on_progress(number: float, _total: float | None, message: str | None) -> None:
                talk.progress.append((number, message or ""))

            found = await call("cat", "find_moments", {"query": "a cat"}, progress_callback=on_progress)
            best, *_, last = [each["id"] for each in found.structured_content["moments"]]
            await call("closer", "look_closer", {"moment": last})
            await call("coverage", "coverage", {})
            await call("exported", "export_moments", {"moments": [best], "handles_s": "0.5"})
            handed_over = data / "TimeRefine" / "outbox" / "latest.json"
            talk.handed_over = json.loads(handed_over.read_text())
            await call("edl", "export_moments", {"moments": [best], "format": "edl", "name": "../../cats"})
            numbered = await call("numbered", "find_moments", {"query": "a cat", "name": NUMBERED, "steps": 0})
            moment = numbered.structured_content["moments"][0]["id"]
            await call("picture", "picture", {"moment": moment, "frame": 31})
            await call("no frame", "picture", {"moment": moment, "frame": 48})

    within_patience(converse)
    return talk


def test_the_server_introduces_itself_and_explains_its_words(talk):
    assert talk.server.server_info.name == "TimeRefine" and talk.server.server_info.version
    for word in ("exclusive", "score", "confident", "id", "count from 0", "nothing new is indexed"):
        assert word in talk.server.instructions


def test_only_the_export_may_write_and_nothing_reaches_out(talk):
    assert set(talk.tools) == {"find_moments", "look_closer", "picture", "coverage", "export_moments"}
    assert {name for name, tool in talk.tools.items() if not tool.annotations.read_only_hint} == {"export_moments"}
    assert all(tool.annotations.open_world_hint is False for tool in talk.tools.values())


def test_every_tool_says_what_it_takes_and_gives(talk):
    for name, tool in talk.tools.items():
        assert tool.title and len(tool.description) > 50
        assert tool.input_schema["additionalProperties"] is False
        assert (tool.output_schema is None) == (name == "picture")
    given = set(talk.tools["export_moments"].input_schema["properties"])
    assert given == {"moments", "format", "name", "handles_s"}  # no path


def test_a_sentence_finds_a_moment_on_exact_frames(talk):
    found = talk.results["cat"].structured_content
    assert found["query"] == "a cat" and found["files"] == found["searched"] == 2
    best = found["moments"][0]
    assert (Path(best["media"]).name, best["start_frame"], best["end_frame"]) == ("sample.mp4", 216, 360)
    assert best["confident"] and best["score"] > 0.5 and best["start_tc"] == "01:00:09:00"
    assert "steps" not in best
    assert json.loads(said(talk.results["cat"])) == found


def test_moments_are_shown_while_the_search_runs(talk):
    numbers = [number for number, _ in talk.progress]
    assert len(numbers) >= 2 and numbers == sorted(set(numbers))
    assert talk.progress[-1][1].endswith("the best from 01:00:09:00 to 01:00:15:00 in sample.mp4")


def test_a_guess_gets_its_edges_from_decoded_frames(talk):
    guess = talk.results["cat"].structured_content["moments"][-1]
    closer = talk.results["closer"].structured_content
    assert closer["id"] == guess["id"] and closer["media"] == guess["media"]
    assert set(closer["edges"]) >= {"start", "end", "start_is", "end_is"}


def test_coverage_counts_what_is_searched(talk):
    coverage = talk.results["coverage"].structured_content
    assert coverage["files"] == coverage["searched"] == 2
    assert coverage["skipped"] == [] and coverage["not_listed"] == {}


def test_moments_are_handed_over_in_the_outbox(talk):
    (moment,) = talk.handed_over["moments"]
    best = talk.results["cat"].structured_content["moments"][0]
    assert (moment["id"], moment["start_frame"], moment["end_frame"]) == (best["id"], 216, 360)
    assert (moment["in_frame"], moment["out_frame"]) == (204, 372)
    assert talk.handed_over["name"] == "a cat"


def test_a_client_cannot_choose_where_an_export_goes(talk):
    (latest, *_), (path,) = (talk.results[key].structured_content["files"] for key in ("exported", "edl"))
    assert Path(path).parent == Path(latest).parent and Path(path).suffix == ".edl"
    assert "cats" in Path(path).read_text() and "cats" not in path


def test_a_picture_is_exactly_the_frame_asked_for(talk):
    (image,) = talk.results["picture"].content
    assert image.mime_type == "image/jpeg"
    with av.open(io.BytesIO(base64.b64decode(image.data)), format="jpeg_pipe") as container:
        (picture,) = container.decode(video=0)
    assert read_number(picture.to_ndarray(format="rgb24")) == 31
    refused = talk.results["no frame"]
    assert refused.is_error and said(refused) == "The file has no frame 48. It has 48, counted from 0"


# Standard input and output


class Wire:
    """A running command, and every line that it wrote to standard output."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.lines: list[bytes] = []

    def send(self, method: str, number: int | None = None, **params: Any) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params} | ({} if number is None else {"id": number})
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def answer(self, number: int) -> dict[str, Any]:
        while line := self.process.stdout.readline():
            self.lines.append(line)
            if (message := json.loads(line)).get("id") == number:
                return message
        raise AssertionError("standard output ended")

    def greet(self) -> None:
        client = {"name": "test", "version": "1"}
        self.send("initialize", 1, protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
        self.answer(1)
        self.send("notifications/initialized")


@pytest.fixture
def wire(library):
    command = [sys.executable, "-m", noisy_agents.__name__, "mcp", "--library", str(library)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe)
    with ending(process):
        yield Wire(process)


def test_standard_output_carries_the_protocol_alone_and_its_end_ends_a_search(wire):
    wire.greet()
    progress = {"progressToken": "p"}
    wire.send("tools/call", 2, name="find_moments", arguments={"query": "a rocket"}, _meta=progress)
    assert wire.answer(2)["result"]["structuredContent"]["moments"][0]["start_frame"] == 360
    wire.process.stdin.write(b"this is no JSON\n")
    wire.send("tools/call", 3, name="find_moments", arguments={"query": "forever"})
    wire.send("ping", 4)
    wire.answer(4)  # while it searches
    wire.process.stdin.close()
    wire.lines += wire.process.stdout.readlines()
    heard = wire.process.stderr.read()
    assert wire.process.wait(PATIENCE_S) == 0
    assert noisy_agents.NOISE in heard and b"Traceback" not in heard
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in wire.lines)
    assert sum(b"notifications/progress" in line for line in wire.lines) >= 2


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe that nobody reads gives another error there")
def test_a_client_that_ended_ends_the_command(wire):
    wire.greet()
    wire.process.stdout.close()
    wire.send("ping", 2)
    wire.process.stdin.close()
    assert wire.process.wait(PATIENCE_S) == 0
    assert b"Traceback" not in wire.process.stderr.read()


def test_without_the_extra_the_command_says_how_to_install_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    monkeypatch.delitem(sys.modules, "tr_desktop.serving.agents")
    assert main(["mcp", "--library", str(tmp_path)]) == 2
    assert how_to_get("mcp") in capsys.readouterr().err


# In this process, with an encoder that sees colours


class Gated(TwoTower):
    """Waits at each file until it is let through."""

    def __init__(self, catalog, encoder) -> None:
        super().__init__(catalog, encoder)
        self.gates = threading.Semaphore(0)
        self.asked = 0

    def moments(self, *arguments, **options):
        self.asked += 1
        assert self.gates.acquire(timeout=60)
        return super().moments(*arguments, **options)


@dataclass(frozen=True)
class Toys:
    folder: Path
    grounder: Gated
    desk: Desk
    unforeseen: list[Exception]

    def talk(self, conversation: Callable[[Client], Awaitable[None]]) -> None:
        def explain(error: Exception) -> str:
            self.unforeseen.append(error)
            return "it went wrong"

        async def converse() -> None:
            async with Client(make_agent_server(self.desk, explain), mode="legacy") as client:
                await conversation(client)

        within_patience(converse)


@pytest.fixture
def toys(tmp_path):
    folder = tmp_path / "footage"
    for number, name in enumerate(("0.mp4", "1.mp4", NOT_TEXT)):
        write_clip(folder / name, [("red", 25), ("blue", 25 + number)])
    encoder = ToyEncoder()
    with Catalog(tmp_path / "library") as catalog:
        index_footage([folder], catalog, encoder)
        grounder = Gated(catalog, encoder)
        engine = Engine(catalog, encoder, grounder)
        yield Toys(folder, grounder, Desk(lambda: engine, lambda: [folder], tmp_path / "outbox"), [])


def test_a_cancelled_search_ends_and_leaves_the_turn_to_the_next(toys):
    async def conversation(client: Client) -> None:
        first = anyio.Event()

        async def on_progress(*_: object) -> None:
            first.set()

        async def search() -> None:
            await client.call_tool("find_moments", {"query": "blue"}, progress_callback=on_progress)
            raise AssertionError("it was cancelled")

        async with anyio.create_task_group() as group:
            group.start_soon(search)
            toys.grounder.gates.release()
            await first.wait()
            covered = await client.call_tool("coverage", {})  # meanwhile
            assert covered.structured_content["searched"] == 3
            group.cancel_scope.cancel()
        await client.call_tool("coverage", {})  # the server has read what came before
        toys.grounder.gates.release(1 + 3)  # its second file is its last, and the next search takes three
        answer = await client.call_tool("find_moments", {"query": "red", "top": 1})
        assert answer.structured_content["moments"][0]["start_frame"] == 0
        assert toys.grounder.asked == 2 + 3

    toys.talk(conversation)
    assert toys.unforeseen == []


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("find_files", {}, "Unknown tool: find_files"),
        ("find_moments", {}, "The arguments of find_moments are wrong: query is missing"),
        ("find_moments", {"query": "red", "top": 51}, "top should be less than or equal to 50"),
        ("find_moments", {"query": "red", "from": "9:00"}, "from isn't known here"),
        ("find_moments", {"query": "red", "after": "May"}, "after should be a day such as 2026-05-31"),
        ("find_moments", {"query": "red", "after": "0001-01-01"}, "after should be a day such as 2026-05-31"),
        ("find_moments", {"query": "red", "before": 5}, "before should be a day such as 2026-05-31"),
        ("find_moments", {"top": "x", "steps": 9}, "query is missing; top should be a whole number; steps should"),
        ("find_moments", {"query": " "}, "The query is empty"),
        ("find_moments", {"query": "red", "name": "*.mxf"}, "No file is left by the filters"),
        ("look_closer", {"moment": "0123456789abcdef"}, "There is no moment '0123456789abcdef'. Search again"),
        ("export_moments", {"moments": []}, "There are no moments to export"),
        ("export_moments", {"moments": ["x"]}, "There is no moment 'x'"),
        ("export_moments", {"moments": [], "path": "/tmp/x.edl"}, "path isn't known here"),
        ("export_moments", {"moments": [], "handles_s": "1e9"}, "handles_s should be seconds such as 0.5"),
        ("picture", {"moment": "x", "frame": 0}, "Unknown tool: picture"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(toys, name, arguments, sentence):
    async def conversation(client: Client) -> None:
        result = await client.call_tool(name, arguments)
        assert result.is_error and sentence in said(result)
        assert "\n" not in said(result) and "pydantic" not in said(result)

    toys.talk(conversation)
    assert toys.unforeseen == [] and not (toys.folder.parent / "outbox").exists()


class PanicException(BaseException):
    """What native code raises, by the same name."""


@pytest.mark.parametrize(
    ("raised", "logged"), [(ZeroDivisionError("a bug"), "a bug"), (PanicException("a bug"), "PanicException: a bug")]
)
def test_an_error_that_nobody_foresaw_is_logged_and_told_as_a_sentence(toys, monkeypatch, raised, logged):
    async def conversation(client: Client) -> None:
        for _ in range(2):  # the server goes on
            result = await client.call_tool("coverage", {})
            assert result.is_error and said(result) == "it went wrong"

    def fail(*_):
        raise raised

    monkeypatch.setattr(Desk, "coverage", fail)
    toys.talk(conversation)
    assert [str(error) for error in toys.unforeseen] == [logged] * 2
    assert raised in (toys.unforeseen[0], toys.unforeseen[0].__cause__)  # the log shows where


def test_a_long_coverage_is_cut_and_counted(toys):
    for number in range(MAX_LISTED + 7):
        (toys.folder / f"new {number}.mp4").write_bytes(b"")

    async def conversation(client: Client) -> None:
        coverage = (await client.call_tool("coverage", {})).structured_content
        assert len(coverage["skipped"]) == MAX_LISTED and coverage["not_listed"] == {"skipped": 7}

    toys.talk(conversation)


@pytest.mark.skipif(NOT_TEXT.isascii(), reason="names of files are text here")
def test_a_file_name_that_is_no_text_is_still_sent(toys):
    toys.grounder.gates.release(9)

    async def conversation(client: Client) -> None:
        found = (await client.call_tool("find_moments", {"query": "blue"})).structured_content
        assert r"\udcff.mp4" in {Path(each["media"]).name for each in found["moments"]}

    toys.talk(conversation)


def test_nothing_is_found_in_an_empty_library(tmp_path):
    encoder = ToyEncoder()
    with Catalog(tmp_path / "library") as catalog:
        engine = Engine(catalog, encoder, TwoTower(catalog, encoder))
        toys = Toys(tmp_path, Gated(catalog, encoder), Desk(lambda: engine, lambda: catalog.paths(), tmp_path), [])

        async def conversation(client: Client) -> None:
            result = await client.call_tool("find_moments", {"query": "red"})
            assert result.is_error and said(result) == "There are no files to search"
            assert (await client.call_tool("coverage", {})).structured_content["files"] == 0

        toys.talk(conversation)
