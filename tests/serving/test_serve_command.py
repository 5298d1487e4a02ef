"""`tr-desktop serve` as a process of its own; `plugins paired | unpair`; and nothing listens that wasn't asked to."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import PATIENCE_S, ending
from tests.serving.asking import ADDRESS, Client
from tr_desktop import paths
from tr_desktop.commands.main import main
from tr_desktop.files import sole_writer
from tr_desktop.serving.pairing import Pairing
from tr_desktop.serving.server import Server
from tr_desktop.this_program import how_to_get

ROOT = Path(__file__).resolve().parents[2]
END_S = 60  # generous, for a loaded machine
needs_signals = pytest.mark.skipif(os.name == "nt", reason="another program can't press Ctrl-C there")


@pytest.fixture(scope="module")
def library(tmp_path_factory, sample) -> Path:
    """A library that knows the sample clip."""
    folder = tmp_path_factory.mktemp("indexed") / "library"
    assert main(["index", str(sample), "--library", str(folder), "--model", "mini", "--device", "cpu"]) == 0
    return folder


@pytest.fixture(autouse=True)
def _own_signals():
    """The command changes what a signal does, for the rest of its process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((ADDRESS, 0))
        return listener.getsockname()[1]


class Serving:
    """A process that serves. said: its first line. code: for a plugin."""

    def __init__(self, process: subprocess.Popen, port: int) -> None:
        self.process, self.port = process, port
        self.said = process.stdout.readline()
        self.code = process.stdout.readline().rpartition(" ")[2].strip()

    def client(self) -> Client:
        given = Client(self.port).post("/v1/pairings", {"code": self.code, "name": "Premiere"})
        return Client(self.port, given.json["token"])

    def end(self, how: int) -> tuple[int, float, str]:
        """(status, seconds, standard error)"""
        begin_s = time.monotonic()
        self.process.send_signal(how)
        try:
            _, errors = self.process.communicate(timeout=END_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # it says where it hangs
            pytest.fail(self.process.communicate()[1])
        return self.process.returncode, time.monotonic() - begin_s, errors


@contextmanager
def serving(library: Path, *more: str):
    port = free_port()
    command = [sys.executable, "-m", "tr_desktop", "serve", "--library", str(library), "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--model", "mini", "--device", "cpu", "--pair", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONFAULTHANDLER": "1"},
    )
    with ending(process):
        yield Serving(process, port)


def example(settings: Path) -> str:
    """What the example in the documentation prints, with this folder of settings."""
    page = (ROOT / "docs" / "local-api.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    place = 'Path.home() / ".config" / "TimeRefine"'
    assert program.count(place) == 1
    command = [sys.executable, "-c", program.replace(place, f"Path({str(settings)!r})")]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout


@needs_signals
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_pairs_searches_and_ends_at_a_signal(library, sample, how):
    with serving(library) as running:
        assert running.said == f"Listening on http://127.0.0.1:{running.port} – end with Ctrl-C\n"
        assert re.fullmatch(r"\w{4}-\w{4}", running.code)
        announced = paths.settings_folder() / "serve.json"
        assert json.loads(announced.read_text())["port"] == running.port
        client = running.client()
        best = client.found("a cat", top=1)[0]
        assert (best["media"], best["start_frame"]) == (str(sample), 216)
        for noise in (b"\x16\x03\x01\r\n\r\n", b"no request\r\n\r\n"):  # strangers don't fill the terminal
            with socket.create_connection((ADDRESS, running.port), timeout=PATIENCE_S) as connection:
                connection.sendall(noise)
                connection.recv(1000)
        assert example(announced.parent).split()[:2] == [str(sample), "216"]
        if how == signal.SIGTERM:  # in the middle of work
            client.searching("a dog")
            client.searching("a boat")
        status, took_s, errors = running.end(how)
    assert status == 0 and took_s < 3 and errors == "Stopped listening\n"
    assert not announced.exists()
    with pytest.raises(ConnectionError):
        client.get("/v1/health")


def test_a_port_that_is_taken_is_named(library, capsys):
    with socket.socket() as other:
        other.bind((ADDRESS, 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["serve", "--library", str(library), "--model", "mini", "--port", str(port)]) == 2
    assert f"No port is free ({port}): " in capsys.readouterr().err
    assert not (paths.settings_folder() / "serve.json").exists()


def test_the_next_port_is_taken_if_one_is_not_free(place, tmp_path):
    with socket.socket() as other:
        other.bind((ADDRESS, 0))
        other.listen()
        taken, free = other.getsockname()[1], free_port()
        server = Server(place.desk, Pairing(tmp_path))
        assert server.start([taken, free]) == free
        assert server.stop()


@pytest.mark.parametrize("port", ["80", "0", "65536", "-1", "x", "1e4", "٤٧٦١٥x"])
def test_a_port_that_can_not_be_is_refused(port, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--port", port])
    assert ended.value.code == 2 and "1024 to 65535" in capsys.readouterr().err


def test_a_pack_or_a_library_that_can_not_be_opened_is_named(tmp_path, library, capsys):
    assert main(["serve", "--library", str(library), "--model", "no-such-pack"]) == 2
    assert "no-such-pack" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["serve", "--library", str(tmp_path / "file"), "--model", "mini"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("tr-desktop: ") and "Traceback" not in error


@needs_signals
def test_it_answers_while_another_program_indexes(library):
    with sole_writer(library), serving(library) as running:
        client = running.client()
        assert client.found("a cat", top=1) and client.get("/v1/coverage").json["searched"] == 1
        assert running.end(signal.SIGINT)[0] == 0


def test_without_the_extra_it_says_what_to_install(tmp_path):
    for name in ("fastapi", "uvicorn"):
        stubs = tmp_path / name
        stubs.mkdir()
        (stubs / f"{name}.py").write_text(f"raise ModuleNotFoundError('missing', name={name!r})")
        done = subprocess.run(
            [sys.executable, "-m", "tr_desktop", "serve", "--library", str(tmp_path / "library"), "--model", "mini"],
            env={**os.environ, "PYTHONPATH": f"{stubs}{os.pathsep}{ROOT}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"tr-desktop: The local API needs {name}. {how_to_get('api')}\n"


# Which plugins may ask


def test_paired_plugins_are_listed_and_revoked(capsys):
    pairing = Pairing(paths.settings_folder())
    assert main(["plugins", "paired"]) == 0
    assert capsys.readouterr() == ("", "No plugin is paired. Get a code with tr-desktop serve --pair\n")
    _, token = pairing.pair(pairing.new_code(), "My panel")
    pairing.pair(pairing.new_code(), "Resolve")
    assert main(["plugins", "paired"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r"\d{4}-\d\d-\d\d$", "DAY", line) for line in lines] == ["My panel  since DAY", "Resolve  since DAY"]
    assert main(["plugins", "unpair", "My panel"]) == 0 and not pairing.knows(token)
    assert main(["plugins", "unpair", "My panel"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == ("tr-desktop: No plugin 'My panel' is paired. Paired: Resolve")


# Nothing listens unless it is asked to


LISTENS = """
import socket, sys

def refuse(*_):
    raise AssertionError("something listens")

for name in ("bind", "listen", "accept", "connect"):
    setattr(socket.socket, name, refuse)
socket.create_server = socket.getaddrinfo = refuse
from tr_desktop.commands.main import main
status = main(sys.argv[1:])
loaded = sorted({"uvicorn", "fastapi", "starlette", "asyncio"} & set(sys.modules))
print("loaded:", *loaded, file=sys.stderr)
sys.exit(status)
"""


def run_watched(*arguments: str) -> subprocess.CompletedProcess:
    """The command in a process in which nothing can listen or connect."""
    return subprocess.run(
        [sys.executable, "-c", LISTENS, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def test_a_search_on_the_command_line_listens_to_nobody(library, sample):
    done = run_watched("find", "a cat", str(sample), "--library", str(library), "--model", "mini", "--device", "cpu")
    assert done.returncode == 0 and "sample.mp4" in done.stdout
    assert done.stderr.splitlines()[-1] == "loaded:"


def test_the_watch_would_notice_a_server(library):
    done = run_watched("serve", "--library", str(library), "--model", "mini", "--device", "cpu")
    assert done.returncode == 3 and "something listens" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("loaded: ") and "uvicorn" in done.stderr.splitlines()[-1]


def test_a_server_that_was_made_but_not_started_does_not_listen(place, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("something listens")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    monkeypatch.setattr(socket.socket, "listen", refuse)
    server = Server(place.desk, Pairing(tmp_path))
    assert server.stop()
    with pytest.raises(AssertionError, match="listens"):
        server.start([0])
