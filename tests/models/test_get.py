"""Open models fetched by the real client of the hub, from a server on loopback."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from tests.models.hub import Hub, serving
from tests.models.toy_pack import write_pack
from tests.processes import PATIENCE_S, ending
from tr_desktop.commands.main import main
from tr_desktop.errors import PackError
from tr_desktop.models.choice import place_for
from tr_desktop.models.convert import get, packages
from tr_desktop.models.convert.catalogue import OPEN_MODELS, open_model
from tr_desktop.models.pack import installed_packs, list_packs, load_pack
from tr_desktop.paths import downloads_folder

NAME = "tinyclip"
MODEL = open_model(NAME)
WEIGHTS = "model.safetensors"
SIZE, PIECE = 25_000_000, 10 << 20
"""The client writes a download in pieces; what it has of the last one is lost with the connection."""


@pytest.fixture
def hub():
    """A hub that has the files of a model of the list, a licence, and files that aren't wanted."""
    files = {name: f'{{"{name}": 1}}'.encode() for name in MODEL.files}
    files[WEIGHTS] = random.Random(0).randbytes(SIZE)
    files["LICENSE"] = b"MIT"
    files["pytorch_model.bin"] = b"a pickle"
    with serving(MODEL.repository, MODEL.commit, files) as hub:
        yield hub


def command(hub: Hub | None, *arguments: str, **environment: str) -> tuple[list[str], dict[str, str]]:
    variables = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    variables["PYTHONPATH"] = str(Path(__file__).parents[2])
    if hub is not None:
        variables["HF_ENDPOINT"] = hub.url
    return [sys.executable, "-m", "tests.models.get_child", *arguments], variables | environment


def run(hub: Hub | None, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    words, variables = command(hub, *arguments, **environment)
    return subprocess.run(words, env=variables, capture_output=True, text=True, timeout=PATIENCE_S)


def test_a_model_of_the_list_becomes_a_pack_that_names_its_commit(hub):
    got = run(hub, NAME, "--yes")
    assert got.returncode == 0, got.stderr
    assert NAME in got.stdout and installed_packs() == [NAME]
    sources = load_pack(NAME).sources
    assert {MODEL.commit, MODEL.repository, *MODEL.files, "LICENSE"} <= {
        *sources
    } and "pytorch_model.bin" not in sources
    assert not (downloads_folder() / NAME).exists()
    for part in (MODEL.licence, MODEL.licence_url, "0.34 GB"):
        assert part in got.stderr
    # The client names itself, and not what else is installed.
    assert all("tr-desktop" in agent and "numpy" not in agent and "torch" not in agent for agent in hub.agents)


def test_progress_as_json(hub):
    got = run(hub, NAME, "--yes", "--json")
    lines = [json.loads(line) for line in got.stdout.splitlines()]
    assert lines[-1] == {"pack": NAME} and lines[-2]["stage"] == "compare"
    download = [line for line in lines if line.get("stage") == "download"]
    total = sum(len(hub.files[name]) for name in (*MODEL.files, "LICENSE"))
    assert download[-1]["done"] == 1 and download[-1]["done_bytes"] == download[-1]["total_bytes"] == total
    assert [line["done"] for line in download] == sorted(line["done"] for line in download)


def test_a_connection_that_breaks_goes_on_where_it_broke(hub):
    hub.cut.add(WEIGHTS)
    got = run(hub, NAME, "--yes")
    assert got.returncode == 0, got.stderr
    assert hub.ranges(WEIGHTS) == ["", f"bytes={PIECE}-"]


def test_a_cancelled_download_goes_on_in_the_next_run(hub):
    hub.go_on.clear()
    words, variables = command(hub, NAME, "--yes")
    process = subprocess.Popen(words, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with ending(process):
        assert hub.stalled.wait(PATIENCE_S)
        part = downloads_folder() / NAME / MODEL.commit / f"{WEIGHTS}.part"
        while not part.exists() or not part.stat().st_size:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130 and "What was fetched is kept" in said and installed_packs() == []
    assert part.stat().st_size == PIECE
    hub.go_on.set()
    got = run(hub, NAME, "--yes")
    assert got.returncode == 0, got.stderr
    assert hub.ranges(WEIGHTS) == ["", f"bytes={PIECE}-"]
    assert sum(path.endswith("/config.json") for _, path, _ in hub.requests) == 1


@pytest.mark.parametrize("name", [WEIGHTS, "config.json"])
def test_a_file_with_a_wrong_hash_is_refused_and_fetched_anew(hub, name):
    true = hub.files[name]
    hub.listed[name] = true
    hub.files[name] = bytes([true[0] ^ 1]) + true[1:]
    got = run(hub, NAME, "--yes")
    assert got.returncode == 2 and f"{name} of {MODEL.repository}" in got.stderr and "hash is wrong" in got.stderr
    assert installed_packs() == [] and "Traceback" not in got.stderr
    hub.files[name] = true
    assert run(hub, NAME, "--yes").returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_is_full_is_a_sentence_and_what_came_stays(hub):
    import resource

    words, variables = command(hub, NAME, "--yes")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (PIECE, PIECE))  # noqa: E731
    got = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=PATIENCE_S, preexec_fn=limit)
    assert got.returncode == 2 and "The download failed: File too large" in got.stderr, got.stderr
    assert run(hub, NAME, "--yes").returncode == 0
    assert hub.ranges(WEIGHTS) == ["", f"bytes={PIECE}-"]


def test_a_proxy_is_used(hub):
    got = run(hub, NAME, "--yes", HF_ENDPOINT="http://hub.invalid", HTTP_PROXY=hub.url)
    assert got.returncode == 0, got.stderr


def test_what_cannot_be_reached_is_a_sentence(hub):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        cases = [
            ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "can't be reached"),
            ({"HF_ENDPOINT": f"http://127.0.0.1:{port}"}, "can't be reached"),
            ({"HF_ENDPOINT": "http://hub.invalid", "HTTP_PROXY": "http://127.0.0.1:9"}, "HTTPS_PROXY"),
            ({"HF_ENDPOINT": "nonsense"}, "HF_ENDPOINT"),
            ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE"),
        ]
        for environment, sentence in cases:
            got = run(hub, NAME, "--yes", **environment)
            assert got.returncode == 2 and sentence in got.stderr, got.stderr
            assert "Traceback" not in got.stderr and installed_packs() == []


def test_what_the_hub_refuses_is_a_sentence(hub):
    hub.status = 503
    assert "status 503" in run(hub, NAME, "--yes").stderr
    hub.status = 200
    other = next(model for model in OPEN_MODELS if model.name != NAME)
    got = run(hub, other.name, "--yes")
    assert got.returncode == 2 and f"There is no {other.repository}" in got.stderr
    hub.commit = "5" * 40
    got = run(hub, NAME, "--yes")
    assert got.returncode == 2 and MODEL.commit in got.stderr
    hub.commit = MODEL.commit
    del hub.files[WEIGHTS]
    got = run(hub, NAME, "--yes")
    assert got.returncode == 2 and f"has no {WEIGHTS}" in got.stderr


def test_nothing_is_fetched_before_the_licence_is_accepted(hub):
    got = run(hub, NAME)
    assert got.returncode == 2 and "--yes" in got.stderr and MODEL.licence_url in got.stderr
    assert hub.requests == [] and installed_packs() == []


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_who_does_not_agree_gets_nothing(hub, monkeypatch, capsys, answer):
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setattr(get, "missing_packages", list)
    terminal = io.StringIO(answer)
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", terminal)
    assert main(["models", "get", "mobileclip2-s0"]) == 0
    said = capsys.readouterr().err
    assert "NO COMMERCIAL USE" in said and "[y/N]" in said and "Nothing was fetched" in said
    assert hub.requests == [] and installed_packs() == []


def test_a_licence_that_is_stricter_than_the_list_says_is_not_accepted_unseen(hub):
    hub.files["LICENSE"] = b"For non-commercial use only."
    got = run(hub, NAME, "--yes")
    assert got.returncode == 2 and "restricts its use" in got.stderr and str(downloads_folder() / NAME) in got.stderr
    assert installed_packs() == [] and hub.ranges(WEIGHTS) == []  # before the large files are fetched


def test_what_came_is_kept_if_it_cannot_be_converted(hub):
    hub.files["config.json"] = b"broken"
    for _ in range(2):
        got = run(hub, NAME, "--yes")
        assert got.returncode == 2 and "can't be loaded" in got.stderr and installed_packs() == []
    assert hub.ranges(WEIGHTS) == [""]


def test_what_stands_in_the_way_is_said_before_the_download(hub, monkeypatch, capsys):
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    assert main(["models", "get", "no-such-model"]) == 2
    assert "no-such-model" in capsys.readouterr().err
    monkeypatch.setattr(packages, "_PACKAGES", ("huggingface_hub", "no_such_package"))
    assert main(["models", "get", NAME, "--yes"]) == 2
    assert "no_such_package" in capsys.readouterr().err
    monkeypatch.setattr(packages, "_PACKAGES", ("huggingface_hub",))
    assert main(["models", "get", "siglip2-so400m", "--yes", "--precision", "fp32"]) == 2
    assert "--precision fp16" in capsys.readouterr().err
    write_pack(place_for(NAME), name=NAME)
    assert main(["models", "get", NAME, "--yes"]) == 2
    assert "already" in capsys.readouterr().err
    assert hub.requests == []


def test_a_disk_without_room_is_said_before_the_download(monkeypatch):
    usage = namedtuple("usage", "total used free")
    room = MODEL.download_bytes + 2 * MODEL.pack_bytes
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, room - 1))
    with pytest.raises(PackError, match="GB are free"):
        get.expect_room(MODEL)
    part = downloads_folder() / NAME / "x.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"1")  # what is here already needs no room
    get.expect_room(MODEL)


def test_the_list_is_shown_without_the_network(monkeypatch, capsys):
    def refuse(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert main(["models", "get"]) == 0
    shown = capsys.readouterr().out
    for model in OPEN_MODELS:
        assert model.name in shown and model.licence in shown
    assert main(["models", "get", "--json"]) == 0
    assert [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()] == [m.name for m in OPEN_MODELS]


def test_the_list_holds_together():
    names = [model.name for model in OPEN_MODELS]
    assert len({*names}) == len(names) and not {*names} & {*list_packs()}
    for model in OPEN_MODELS:
        assert len(bytes.fromhex(model.commit)) == 20
        assert {Path(file).suffix for file in model.files} == {".json", ".safetensors"}
        assert model.licence_url.startswith("https://")
