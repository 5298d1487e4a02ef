"""The worker process, asked through its client; behind it is a real server without a model."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from tests.grounders.model_server import P_TOKEN, ModelServer, Request, serving
from tr_desktop import this_program
from tr_desktop.errors import UserError
from tr_desktop.grounders.video_llm.answers import WrittenSegment
from tr_desktop.grounders.video_llm.messages import Presence, Question
from tr_desktop.grounders.video_llm.packs import GrounderPack, Server
from tr_desktop.grounders.video_llm.presets import PRESETS
from tr_desktop.grounders.video_llm.worker import GrounderWorker, WindowLost, about_worker

TIMEOUT_S = 60.0
ANCHORS = ["<think>near <timestep>1 to ", "3</timestep></think>", "<answer>1.5 to 2.5", "</answer>"]


class Given(Exception):  # noqa: N818 (it is not an error)
    """The user gave up."""


def question(frames: int = 4) -> Question:
    pictures = np.full((frames, 24, 32, 3), 128, np.uint8)
    pictures[0, :, :, 0] = 250
    times_s = tuple(Fraction(number, 2) for number in range(frames))
    return Question("a dog", pictures, times_s, Fraction(frames, 2))


def pack_of(server: ModelServer, preset: str = "time-r1") -> GrounderPack:
    return GrounderPack("test", Server(server.url, server.models[0]), PRESETS[preset])


@pytest.fixture
def running() -> Iterator:
    workers = []

    def start(pack: GrounderPack) -> GrounderWorker:
        workers.append(GrounderWorker(pack))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


def ask(worker: GrounderWorker, check=lambda: None, timeout_s: float = TIMEOUT_S) -> list:
    return list(worker.ask(question(), check, timeout_s))


def test_the_model_sees_the_pictures_and_their_times(running):
    with serving(ModelServer(lambda _: ANCHORS)) as server:
        first, answer, presence = ask(running(pack_of(server)))
    assert (first.start_s, first.end_s, first.is_answer) == (1, 3, False)
    assert (answer.start_s, answer.end_s, answer.is_answer) == (Fraction("1.5"), Fraction("2.5"), True)
    assert answer.start_probability == pytest.approx(P_TOKEN) and presence == Presence(pytest.approx(0.8))
    asked, again = server.requests
    assert asked.times_s == (0, Fraction("0.5"), 1, Fraction("1.5")) and '"a dog"' in asked.text
    assert [picture.shape for picture in asked.pictures] == [(24, 32, 3)] * 4
    red = asked.pictures[0].mean(axis=(0, 1)) - asked.pictures[1].mean(axis=(0, 1))
    assert red[0] > 100 and abs(red[1]) < 20
    assert asked.body["messages"][0] == {"role": "system", "content": "You are a helpful assistant."}
    assert again.is_presence and len(again.pictures) == 4


def test_a_server_without_probabilities_answers_too(running):
    with serving(ModelServer(lambda _: ["[[0.5, 1.5]]"], knows_probabilities=False)) as server:
        answer, presence = ask(running(pack_of(server, "timelens2")))
    assert (answer.start_s, answer.start_probability, presence) == (Fraction("0.5"), None, Presence(1.0))


def test_segments_arrive_while_the_model_writes(running):
    goes_on = threading.Event()

    def slowly(_: Request) -> Iterator[str]:
        yield "<think><timestep>1 to 2</timestep>"
        assert goes_on.wait(TIMEOUT_S)
        yield "</think><answer>1 to 2</answer>"

    with serving(ModelServer(slowly)) as server:
        replies = running(pack_of(server)).ask(question(), lambda: None, TIMEOUT_S)
        assert not next(replies).is_answer
        goes_on.set()
        assert next(replies).is_answer and next(replies) == Presence(pytest.approx(0.8))


def test_giving_up_is_quick_and_the_server_stops(running):
    """Three tenths of a second are asked for; a loaded machine gets more."""
    with serving(ModelServer(lambda _: ANCHORS)) as server:
        server.answer = server.hang
        worker = running(pack_of(server))
        worker.open()
        until: list[float] = []

        def check() -> None:
            if server.requests:
                until.append(time.monotonic())
                raise Given

        with pytest.raises(Given):
            ask(worker, check)
        took_s = time.monotonic() - until[0]
        assert took_s < 2
        server.answer = lambda _: ANCHORS
        assert len(ask(worker)) == 3  # the same worker goes on
    assert math.isfinite(took_s)


def test_a_window_that_takes_too_long_is_lost_alone(running):
    with serving(ModelServer(lambda _: ANCHORS)) as server:
        server.answer = server.hang
        worker = running(pack_of(server))
        with pytest.raises(WindowLost, match="too long"):
            ask(worker, timeout_s=1.0)
        server.answer = lambda _: ANCHORS
        assert len(ask(worker)) == 3


def test_a_killed_worker_costs_its_window_alone(running):
    with serving(ModelServer(lambda _: ANCHORS)) as server:
        server.answer = server.hang
        worker = running(pack_of(server))
        worker.open()
        process = worker._process

        def kill() -> None:
            if server.requests and process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)

        with pytest.raises(WindowLost, match=r"its worker ended \(it was stopped from outside.*memory.*--quantise nf4"):
            ask(worker, kill)
        server.answer = lambda _: ANCHORS
        assert len(ask(worker)) == 3


def test_closing_loses_the_question_and_starts_nothing_again(running):
    with serving(ModelServer(lambda _: ANCHORS)) as server:
        server.answer = server.hang
        worker = running(pack_of(server))

        def close() -> None:
            if server.requests:
                worker.close()

        for _ in range(2):
            with pytest.raises(WindowLost):
                ask(worker, close)
        assert len(server.requests) == 1 and worker._process is None


def test_closing_while_it_starts_leaves_no_process(running, monkeypatch):
    with serving(ModelServer(lambda _: ANCHORS)) as server:
        worker, started, start = running(pack_of(server)), [], this_program.start

        def closed_meanwhile(*arguments, **options):
            worker.close()
            started.append(start(*arguments, **options))
            return started[0]

        monkeypatch.setattr(this_program, "start", closed_meanwhile)
        with pytest.raises(UserError, match="was closed"):
            worker.open()
        assert started[0].wait(timeout=TIMEOUT_S) is not None


def test_a_worker_that_stands_still_is_replaced(running, monkeypatch):
    monkeypatch.setattr("tr_desktop.grounders.video_llm.worker._PATIENCE_S", 0.5)
    with serving(ModelServer(lambda _: ANCHORS)) as server:
        server.answer = server.hang
        worker = running(pack_of(server))
        worker.open()
        stopped = worker._process

        def stop() -> None:
            if server.requests:
                os.kill(stopped.pid, signal.SIGSTOP)

        with pytest.raises(WindowLost, match="too long"):
            ask(worker, stop, timeout_s=5.0)
        server.answer = lambda _: ANCHORS
        assert len(ask(worker)) == 3
        assert stopped.poll() is not None and worker._process is not stopped


def test_a_server_that_refuses_says_why(running):
    server = ModelServer(lambda _: ANCHORS, refusal="the context is too small")
    with serving(server), pytest.raises(WindowLost, match="the context is too small"):
        ask(running(pack_of(server)))


def test_no_server_is_a_sentence(running):
    with serving(ModelServer(lambda _: ANCHORS)) as server:
        pack = pack_of(server)
    with pytest.raises(UserError, match="No model server answers at http://127"):
        running(pack).open()


@pytest.mark.parametrize("url", ["http://example.org/v1", "https://127.0.0.1:1/v1", "http://10.0.0.1/v1", "file:///v1"])
def test_only_this_machine_is_connected_to(running, url):
    with pytest.raises(UserError, match="isn't the address of a server on this machine"):
        running(replace(pack_of(ModelServer(lambda _: ANCHORS)), runs_on=Server(url, "any"))).open()


def test_the_first_question_opens_the_worker(running):
    with serving(ModelServer(lambda _: ["no numbers"], presence=0.1)) as server:
        replies = ask(running(pack_of(server)))
    assert not [each for each in replies if isinstance(each, WrittenSegment)]
    assert replies == [Presence(pytest.approx(0.1))]


def test_a_python_without_this_program_is_named_with_what_to_do(running, tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho No module named tr_desktop >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setenv("TR_GROUNDER_PYTHON", str(python))
    facts = {"name": "small", "family": "qwen3_vl", "folder": "/nowhere", "preset": "timelens"}
    for start in (about_worker, running(SimpleNamespace(name="small", to_json=lambda: facts)).open):
        with pytest.raises(UserError, match=r"exit status 1.*No module named") as caught:
            start()
        assert str(caught.value.path) == str(python)
        assert "TR_GROUNDER_PYTHON" in caught.value.remedy and "tr-desktop[llm]" in caught.value.remedy


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed here")
def test_a_local_model_needs_torch_and_says_so(running):
    about = about_worker()
    assert (about.python, about.torch, about.device) == (sys.executable, None, "cpu")
    facts = {"name": "small", "family": "qwen3_vl", "folder": "/nowhere", "preset": "timelens"}
    with pytest.raises(UserError, match=r"small needs torch and transformers, which .* doesn't have.*run\.py llm"):
        running(SimpleNamespace(name="small", to_json=lambda: facts)).open()
