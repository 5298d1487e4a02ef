"""`evaluate grounder`, as a user runs it, without the extra `train`; a server that sees colours is the model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from tests.grounders.model_server import ModelServer, Request, serving
from tests.grounders.sees import Sees
from tests.models.toy_pack import write_pack
from tests.toy import write_clip
from tr_desktop import paths
from tr_desktop.commands.main import main
from tr_desktop.training.grounder_evaluation import calibrating

RATE = 10
QUERIES = {"blue": (6.3, 9.4), "green": (12.2, 14.8)}  # seconds; 20 s are a whole video


@pytest.fixture(scope="module")
def footage(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    shots = [("red", 63), ("blue", 31), ("red", 28), ("green", 26), ("red", 52)]
    rows = []
    for number in range(3):
        shots = [*shots[:-1], ("red", 52 + number)]  # files of the same content are one
        write_clip(folder / f"{number}.mp4", shots, Fraction(RATE))
        for query, window in QUERIES.items():
            rows.append({"file": f"{number}.mp4", "query": query, "windows": [window], "duration": 20})
    rows.append({"file": "0.mp4", "query": "red", "windows": [[0, 20]], "duration": 20, "whole": True})
    (folder / "annotations.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def colour_of(request: Request) -> Sees:
    return Sees(next(colour for colour in QUERIES if f'"{colour}"' in request.text))


@pytest.fixture
def server() -> Iterator[ModelServer]:
    own = ModelServer(lambda request: colour_of(request).answer(request))
    own.presence = lambda request: colour_of(request).presence(request)
    with serving(own):
        assert main(["models", "add", own.url, "--as", "big"]) == 0
        yield own


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    return write_pack(tmp_path_factory.mktemp("pack") / "toy")


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def evaluate(footage, pack, cache, capsys):
    def run(*options: str) -> tuple[int, dict[str, list[str]], str]:
        """Exit status, the rows of the table by method, and everything printed."""
        arguments = ["--footage", str(footage), "--model", str(pack), "--cache", str(cache), "--grounder", "big"]
        status = main(["evaluate", "grounder", *arguments, *options])
        out, err = capsys.readouterr()
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines() if line[:1] == "|"]
        return status, {row[0]: row[1:] for row in rows}, out + err

    return run


def test_every_step_is_measured_beside_guessing(server, evaluate):
    status, rows, out = evaluate()
    assert status == 0 and "6 queries, 3 videos" in out
    assert rows["method"] == ["R1@0.3", "R1@0.5", "R1@0.7", "mIoU", "edge error p50 / p90", "no answer"]
    assert rows["whole video"][:2] == ["0.0 [0, 0]", "0.0 [0, 0]"]
    assert float(rows["whole video"][3].split()[0]) == pytest.approx(100 * (3.1 + 2.6) / 2 / 20.1, abs=0.5)
    assert float(rows["best constant for these videos"][3].split()[0]) > float(rows["whole video"][3].split()[0])
    for stage in ("model, answer", "model, closer window", "search with the model, closer look"):
        assert rows[stage][2] == "100.0 [100, 100]"
    assert rows["model, answer"][-1] == "0 of 6" and rows["refiner, on the index"][-1] == ""
    off = [float(rows[stage][4].split()[0]) for stage in ("model, answer", "model, closer window")]
    assert off[1] <= 0.1 and off[1] <= off[0] <= 0.5


def test_a_model_without_an_answer_is_counted_apart(server, evaluate):
    server.answer = lambda request: ["nothing"] if '"blue"' in request.text else colour_of(request).answer(request)
    _, rows, _ = evaluate("--ground-once")
    assert rows["model, answer"][-1] == "3 of 6" and rows["model, answer"][1].startswith("50.0 ")
    assert rows["search with the model, closer look"][1].startswith("100.0 ")  # the search's own answer stands


def test_which_of_two_answers_counts_is_a_matter_of_convention(server, evaluate):
    server.answer = lambda request: [colour_of(request).answer(request)[0][:-1], ", [0.0, 0.5]]"]
    _, first, _ = evaluate("--ground-once")
    _, last, _ = evaluate("--ground-once", "--pair", "last")
    assert first["model, answer"][1].startswith("100.0 ") and last["model, answer"][1].startswith("0.0 ")
    assert first["model, first step"] == last["model, first step"]


def test_edges_may_be_rounded_as_a_benchmark_does(server, evaluate):
    _, exact, _ = evaluate("--ground-once")
    _, rounded, _ = evaluate("--ground-once", "--round", "20")  # to nothing, or to the whole video
    assert exact["model, answer"][1].startswith("100.0 ") and rounded["model, answer"][1].startswith("0.0 ")


@pytest.mark.parametrize("option", ["--ground-timeout", "--round"])
@pytest.mark.parametrize("value", ["-1", "nan", "inf"])
def test_seconds_that_cannot_be_are_a_sentence(server, evaluate, option, value):
    status, _, out = evaluate(f"{option}={value}")
    assert status == 2 and "--ground-timeout and --round are seconds" in out


def test_weights_are_fitted_written_and_used(server, evaluate, footage, pack, cache, capsys, monkeypatch):
    monkeypatch.setattr(calibrating, "LEAST_MOMENTS", 6)
    # Every second answer is wrong, and the model knows it.
    server.presence = lambda request: 0.9 if '"blue"' in request.text else 0.55
    wrong = ["[[0.0, 1.0]]"]
    server.answer = lambda request: colour_of(request).answer(request) if '"blue"' in request.text else wrong
    status, _, out = evaluate("--ground-once", "--calibrate")
    assert status == 0 and "log loss" in out
    manifest = json.loads((paths.grounders_folder() / "big" / "grounder.json").read_bytes())
    assert manifest["calibration"]["presence"] > 0 and manifest["name"] == "big"
    common = ["--model", str(pack), "--library", str(cache / "library"), "--grounder", "big", "--json"]
    main(["find", "blue", str(footage / "0.mp4"), *common])
    document = json.loads(capsys.readouterr().out)
    assert document["grounder"]["calibrated"] is True
    assert document["moments"][0]["score"] == document["moments"][0]["steps"][document["moments"][0]["stop"]]["score"]


def test_too_few_moments_change_nothing(server, evaluate):
    path = paths.grounders_folder() / "big" / "grounder.json"
    before = path.read_bytes()
    status, _, out = evaluate("--calibrate")
    assert status == 2 and "6 in 3 videos" in out and "Annotate at least 30 moments" in out
    assert path.read_bytes() == before and not server.requests


def test_it_needs_no_package_of_the_extra():
    blocked = ["torch", "onnx", "PIL", "transformers"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({blocked!r}))\n"
        "import tr_desktop.training.grounder_evaluation.runs"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
