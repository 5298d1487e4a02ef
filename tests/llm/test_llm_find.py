"""`models add FOLDER` and `find --grounder` with a local model, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="video language models need the extra `llm`")
pytest.importorskip("transformers", reason="video language models need the extra `llm`")

from tr_desktop.commands.main import main


@pytest.fixture(scope="module")
def library(tmp_path_factory, sample) -> str:
    library = str(tmp_path_factory.mktemp("library"))
    assert main(["index", str(sample), "--library", library, "--no-text"]) == 0
    return library


def ask(capsys, footage: Path, library: str, *options: str) -> tuple[dict, str]:
    assert main(["find", "a cat", str(footage), "--library", library, "--json", *options]) in (0, 1)
    out, err = capsys.readouterr()
    return json.loads(out), err


@pytest.mark.parametrize("quantise", ["none", "nf4"])
def test_a_local_models_steps_are_steps_of_the_moment(sample, library, scripted, capsys, quantise):
    folder = scripted("qwen3_vl", "[[0.5, 2]]")
    assert main(["models", "add", str(folder), "--as", "small", "--preset", "timelens2"]) == 0
    capsys.readouterr()
    how = ["--device", "cpu", "--quantise", quantise]
    document, err = ask(capsys, sample, library, "--grounder", "small", "--ground", "1", *how)
    assert err.startswith("Opening small, 0.00 GB…\n")
    written = [step for moment in document["moments"] for step in moment["steps"] if step.get("by") == "grounder"]
    assert written and all(step["said"] == "[[0.5, 2]]" for step in written)
    assert document["grounder"]["notes"] == []


def test_a_model_that_writes_no_time_changes_nothing_and_says_so(sample, library, scripted, capsys):
    plain, _ = ask(capsys, sample, library)
    folder = scripted("qwen2_5_vl", "The event happens")
    assert main(["models", "add", str(folder), "--as", "vague", "--preset", "timelens2"]) == 0
    capsys.readouterr()
    document, err = ask(capsys, sample, library, "--grounder", "vague", "--ground", "1", "--device", "cpu")
    assert document["moments"] == plain["moments"] and "vague gave no time" in err


def test_evaluating_runs_it_where_it_is_told(checkpoint, tmp_path, capsys):
    assert main(["models", "add", str(checkpoint("qwen2_5_vl")), "--as", "random"]) == 0
    how = ["--footage", str(tmp_path), "--cache", str(tmp_path), "--grounder", "random"]
    assert main(["evaluate", "grounder", *how, "--device", "mps", "--quantise", "nf4"]) == 2
    assert "can't use mps here" in capsys.readouterr().err


def test_quantising_without_a_grounder_is_a_sentence(capsys):
    assert main(["find", "a cat", "--quantise", "nf4"]) == 2
    assert "--quantise needs --grounder" in capsys.readouterr().err
