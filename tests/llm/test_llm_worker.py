"""The worker process with a local model, asked through its client."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="video language models need the extra `llm`")
pytest.importorskip("transformers", reason="video language models need the extra `llm`")

from tr_desktop.errors import UserError
from tr_desktop.grounders.video_llm.messages import Presence, Question
from tr_desktop.grounders.video_llm.worker import GrounderWorker, WindowLost, about_worker
from tr_desktop.training.grounder.tiny import FAMILIES

TIMEOUT_S = 120.0


class Given(Exception):  # noqa: N818 (it is not an error)
    """The user gave up."""


@dataclass(frozen=True)
class Pack:
    """What the client needs of a pack."""

    facts: dict[str, Any]
    name: str = "tiny"

    def to_json(self) -> dict[str, Any]:
        return self.facts


@pytest.fixture
def running() -> Iterator:
    workers = []

    def start(facts: dict[str, Any], *how: str) -> GrounderWorker:
        workers.append(GrounderWorker(Pack(facts), *how))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


def question(frames: int = 6, size: tuple[int, int] = (64, 96)) -> Question:
    pictures = np.random.default_rng(0).integers(0, 255, (frames, *size, 3), dtype=np.uint8)
    return Question("a dog", pictures, tuple(Fraction(number, 2) for number in range(frames)), Fraction(frames, 2))


def ask(worker: GrounderWorker, check=lambda: None, timeout_s: float = TIMEOUT_S) -> list:
    return list(worker.ask(question(), check, timeout_s))


def test_the_worker_says_what_it_runs_on():
    import torch
    import transformers

    about = about_worker()
    assert (about.python, about.torch, about.transformers) == (
        sys.executable,
        torch.__version__.partition("+")[0],
        transformers.__version__,
    )
    assert about.device in ("cpu", "cuda", "mps") and about.device_name
    assert about.memory_bytes and about.free_bytes and about.free_bytes <= about.memory_bytes


@pytest.mark.parametrize("family", FAMILIES)
def test_segments_and_presence_come_from_a_local_model(running, scripted, facts_of, family):
    facts = facts_of(family, folder=str(scripted(family, "[[0.5, 2]]")), preset="timelens2")
    worker = running(facts, "cpu")
    assert worker.open() == ["tiny"]
    for _ in range(2):
        segment, presence = ask(worker)
        assert (segment.start_s, segment.end_s, segment.is_answer) == (Fraction("0.5"), 2, True)
        assert isinstance(presence, Presence) and 0 < presence.probability < 1


def test_a_model_that_writes_no_time_ends_without_one(running, facts_of):
    """A random one writes nonsense."""
    (presence,) = ask(running(facts_of("qwen3_vl")))
    assert isinstance(presence, Presence)


@pytest.fixture(scope="module")
def endless(scripted, facts_of) -> Iterator[GrounderWorker]:
    """A worker whose model writes for ever."""
    folder = str(scripted("qwen3_vl", "[[0.5, 2]];…"))
    worker = GrounderWorker(Pack(facts_of("qwen3_vl", folder=folder, preset="timelens2", new_tokens_most=10**6)), "cpu")
    worker.open()
    yield worker
    worker.close()


def test_giving_up_while_it_writes_is_quick_and_the_worker_goes_on(endless):
    """Three tenths of a second are asked for; the worker itself lets go after its next token."""
    process = endless._process
    for _ in range(2):
        replies = endless.ask(question(), lambda: None, TIMEOUT_S)
        assert next(replies).is_answer and next(replies).is_answer  # while it writes
        before_s = time.monotonic()
        replies.close()
        assert time.monotonic() - before_s < 0.3
        endless._settle(lambda: None)
        assert time.monotonic() - before_s < 5  # a loaded machine; ten seconds of patience end in a new process
    assert endless._process is process and process.poll() is None


def test_a_window_that_takes_too_long_is_lost_alone(endless):
    with pytest.raises(WindowLost, match="too long"):
        ask(endless, timeout_s=1.0)
    assert next(endless.ask(question(), lambda: None, TIMEOUT_S)).is_answer


def test_a_killed_worker_costs_its_window_alone(endless):
    replies = endless.ask(question(), lambda: None, TIMEOUT_S)
    next(replies)
    os.kill(endless._process.pid, signal.SIGKILL)
    with pytest.raises(WindowLost, match="ended"):
        list(replies)
    assert next(endless.ask(question(), lambda: None, TIMEOUT_S)).is_answer


def test_reading_pictures_that_cannot_be_stopped_is_killed(running, facts_of, monkeypatch):
    """Nothing interrupts the forward over a large video; the next question doesn't wait for it."""
    monkeypatch.setattr("tr_desktop.grounders.video_llm.worker._PATIENCE_S", 0.5)
    worker = running(facts_of("qwen3_vl", new_tokens_most=1), "cpu")
    worker.open()
    process = worker._process
    with pytest.raises(WindowLost, match="too long"):
        list(worker.ask(question(256, (512, 512)), lambda: None, 1.0))
    assert len(ask(worker)) == 1
    assert process.poll() is not None and worker._process is not process


@pytest.mark.parametrize("quantise", ["int8", "nf4"])
def test_quantised_weights_are_asked_for_and_answer(running, facts_of, quantise):
    pytest.importorskip("bitsandbytes")
    (presence,) = ask(running(facts_of("qwen2_5_vl"), "cpu", quantise))
    assert 0 < presence.probability < 1


def test_a_device_that_is_not_there_is_a_sentence(running, facts_of):
    with pytest.raises(UserError, match=r"torch .* can't use mps here. It can use"):
        running(facts_of("qwen3_vl"), "mps").open()


def test_a_python_without_torch_says_what_to_install(running, facts_of, tmp_path, monkeypatch):
    """A package that only looks like it isn't found: the worker's Python has an empty module search for it."""
    blocked = tmp_path / "sitecustomize.py"
    blocked.write_text(
        "import importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'torch' else real(name, *more)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with pytest.raises(UserError, match=r"tiny needs torch, which .* doesn't have.*run.py llm.*TR_GROUNDER_PYTHON"):
        running(facts_of("qwen3_vl")).open()


def test_another_python_is_named_by_a_variable(running, facts_of, tmp_path, monkeypatch):
    monkeypatch.setenv("TR_GROUNDER_PYTHON", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"can't be started.*TR_GROUNDER_PYTHON names another Python"):
        running(facts_of("qwen3_vl")).open()
    with pytest.raises(UserError, match="can't be started"):
        about_worker()
    monkeypatch.setenv("TR_GROUNDER_PYTHON", sys.executable)
    assert running(facts_of("qwen3_vl"), "cpu").open() == ["tiny"]
