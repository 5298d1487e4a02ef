"""Folders of video language models at the command line: add, list, show, verify, remove, get."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tests.grounders.checkpoint_folder import card, make_checkpoint, write_weights
from tests.grounders.model_server import ModelServer, serving
from tr_desktop import paths
from tr_desktop.commands import grounder_report
from tr_desktop.commands.main import main
from tr_desktop.grounders.video_llm.packs import known_grounders
from tr_desktop.grounders.video_llm.suggested import SUGGESTED

SMALL = card("Qwen/Qwen2.5-VL-3B-Instruct", licence="apache-2.0")


class Terminal(io.StringIO):
    """A standard input at which somebody sits."""

    def isatty(self) -> bool:
        return True


def test_a_folder_is_added_shown_verified_and_removed(tmp_path, capsys):
    folder = make_checkpoint(tmp_path / "TimeLens2-2B", readme=card("Qwen/Qwen3-VL-2B-Instruct"))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert main(["models", "add", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "Added TimeLens2-2B" in out and "asked as timelens2" in out and "Licence: apache-2.0." in out
    assert main(["models", "list"]) == 0
    assert f"TimeLens2-2B  grounder: Qwen3-VL of 0.00 GB in {folder}" in capsys.readouterr().out
    assert main(["models", "show", "TimeLens2-2B"]) == 0
    out = capsys.readouterr().out
    for fact in ("licence: apache-2.0", "Qwen/Qwen3-VL-2B-Instruct", "model.safetensors", "2 a second", "512 pixels"):
        assert fact in out
    assert main(["models", "verify", "TimeLens2-2B"]) == 0
    assert f"files in {folder} are what they were" in capsys.readouterr().out
    assert main(["models", "use", "TimeLens2-2B"]) == 2
    assert "works beside a pack. Use it: find --grounder TimeLens2-2B" in capsys.readouterr().err
    assert main(["models", "remove", "TimeLens2-2B"]) == 0
    assert not known_grounders() and not list(paths.grounders_folder().iterdir())
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_progress_as_json(tmp_path, capsys):
    folder = make_checkpoint(tmp_path / "Time-R1-7B", "qwen2_5_vl", width=3584)
    assert main(["models", "add", str(folder), "--as", "thinks", "--json"]) == 0
    *steps, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert last == {"grounder": "thinks"}
    assert steps and all(step["stage"] == "hash" for step in steps) and steps[-1]["done"] == 1


def test_terms_that_forbid_paid_work_have_to_be_accepted(tmp_path, capsys, monkeypatch):
    folder = make_checkpoint(tmp_path / "Time-R1-3B", "qwen2_5_vl", width=2048, readme=SMALL)
    assert main(["models", "add", str(folder)]) == 2
    err = capsys.readouterr().err
    assert "Licence: qwen-research, non-commercial" in err and "--accept-licence" in err
    for answer, expected in (("n\n", 2), ("y\n", 0)):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        assert main(["models", "add", str(folder), "--as", "asked"]) == expected
        assert "Use it? [y/N]" in capsys.readouterr().err
    assert main(["models", "add", str(folder), "--as", "told", "--accept-licence"]) == 0
    assert "NO COMMERCIAL USE" in capsys.readouterr().out
    assert known_grounders() == ["asked", "told"]
    assert main(["models", "list"]) == 0
    assert capsys.readouterr().out.count("NO COMMERCIAL USE") == 2


def test_a_changed_folder_is_listed_as_such_and_can_be_removed(tmp_path, sample, capsys):
    folder = make_checkpoint(tmp_path / "m")
    assert main(["models", "add", str(folder)]) == 0
    (folder / "merges.txt").write_text("other")
    capsys.readouterr()
    assert main(["models", "list"]) == 0
    assert "m  can't be used: merges.txt of the model changed" in capsys.readouterr().out
    assert main(["find", "a cat", str(sample), "--grounder", "m"]) == 2
    assert "Add it again" in capsys.readouterr().err
    assert main(["models", "verify", "m"]) == 2
    assert main(["models", "remove", "m"]) == 0
    assert main(["models", "add", str(folder)]) == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--as", "mini"], "There is a pack 'mini' already"),
        (["--as", "taken"], "There is a grounder 'taken' already"),
        (["--preset", "other"], "There is no preset 'other'. Choose one of: timelens2, "),
        (["--served", "x"], "--served is for a server's model only"),
        (["--precision", "int8"], "--precision is for packs of towers only"),
    ],
)
def test_what_a_folder_cannot_be_added_as_is_a_sentence(tmp_path, capsys, options, sentence):
    folder = make_checkpoint(tmp_path / "taken")
    assert main(["models", "add", str(folder)]) == 0
    assert main(["models", "add", str(folder), *options]) == 2
    assert sentence in capsys.readouterr().err


def test_folders_of_towers_go_on_to_the_conversion(tmp_path, capsys):
    folder = make_checkpoint(tmp_path / "clip", "clip")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert main(["models", "add", str(folder)]) == 2
    assert "The checkpoint's weights are a pickle" in capsys.readouterr().err
    assert main(["models", "add", str(folder), "--preset", "timelens"]) == 2
    assert "--preset is for a video language model only" in capsys.readouterr().err


def test_a_server_has_no_files_to_verify(capsys):
    with serving(ModelServer(lambda _: [])) as server:
        assert main(["models", "add", server.url, "--as", "big"]) == 0
    assert main(["models", "show", "big"]) == 0
    assert "a-video-model at http://127.0.0.1" in capsys.readouterr().out
    assert main(["models", "verify", "big"]) == 2
    assert "no files here" in capsys.readouterr().err


def test_the_list_of_open_models_suggests_video_language_models(capsys):
    assert main(["models", "get"]) == 0
    out = capsys.readouterr().out
    for model in SUGGESTED:
        assert model.name in out and model.card in out and model.licence in out
        assert main(["models", "get", model.name]) == 0
        how = capsys.readouterr().out
        assert "Nothing was fetched" in how and model.licence_url in how
        assert f"hf download {model.repository} --local-dir {model.folder}" in how
        assert f"models add {model.folder} --as {model.name}" in how


def python_with_torch(path: Path, **facts: object) -> str:
    """A program that answers as a worker in a Python with torch does: no card and no torch are here to ask."""
    about = {
        "python": str(path),
        "torch": "2.14.1",
        "transformers": "5.24.0",
        "device": "cuda",
        "device_name": "NVIDIA RTX 3060",
        "memory_bytes": 12_900_000_000,
        "free_bytes": 11_800_000_000,
    }
    answer = json.dumps({"about": about | facts})
    path.write_text(f"#!/bin/sh\nread -r wish\necho '{answer}'\ncat > /dev/null\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def added(tmp_path, capsys) -> Path:
    """A checkpoint of 60 MB. One window costs it 2.2 GB; 1.5 GB are for all else."""
    folder = make_checkpoint(tmp_path / "TimeLens-8B", width=64)
    write_weights(folder / "model.safetensors", {"layer": [30_000_000]})
    assert main(["models", "add", str(folder), "--as", "m"]) == 0
    capsys.readouterr()
    return folder


def test_doctor_starts_nothing_if_no_checkpoint_was_added(monkeypatch):
    monkeypatch.setenv("TR_GROUNDER_PYTHON", "/nowhere/python")
    assert list(grounder_report.lines()) == ["Video language models: none added; tr-desktop models get lists some"]
    with serving(ModelServer(lambda _: [])) as server:
        assert main(["models", "add", server.url, "--as", "big"]) == 0
    _, line = grounder_report.lines()
    assert line == f"  big: a-video-model at {server.url}, which runs it"


def test_doctor_says_what_to_install(added, monkeypatch):
    monkeypatch.delenv("TR_GROUNDER_PYTHON", raising=False)
    _, run_by, needed = grounder_report.lines()
    assert run_by == f"  Run by {sys.executable}: torch missing, transformers missing"
    assert '"tr-desktop[llm]"' in needed and "TR_GROUNDER_PYTHON" in needed


def test_doctor_names_a_python_that_is_not_there(added, monkeypatch):
    monkeypatch.setenv("TR_GROUNDER_PYTHON", "/nowhere/python")
    _, line = grounder_report.lines()
    assert "can't be started" in line and "/nowhere/python" in line and "TR_GROUNDER_PYTHON" in line


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"free_bytes": 3_800_000_000}, "fits, about 3.8 GB"),
        ({"free_bytes": 3_740_000_000}, "fits with --quantise nf4, about 3.7 GB"),
        ({"free_bytes": 3_000_000_000}, "fits with --quantise nf4 and side_px 480 in its grounder.json, about 2.8 GB"),
        ({"free_bytes": 3_000_000_000, "device": "mps"}, "fits with side_px 480 in its grounder.json, about 2.8 GB"),
        ({"free_bytes": 1_500_000_000}, "doesn't fit: it needs at least 1.9 GB. Add a smaller one"),
        ({"free_bytes": None}, "needs about 3.8 GB"),
    ],
)
def test_doctor_says_whether_a_checkpoint_fits(added, tmp_path, monkeypatch, facts, sentence):
    monkeypatch.setenv("TR_GROUNDER_PYTHON", python_with_torch(tmp_path / "python", **facts))
    _, run_by, runs_on, fits = grounder_report.lines()
    assert "torch 2.14.1, transformers 5.24.0" in run_by
    assert "NVIDIA RTX 3060: 12.9 GB in all" in runs_on
    assert fits.startswith(f"  m: {sentence}")


def test_doctor_says_that_a_processor_is_slow(added, tmp_path, monkeypatch):
    facts = {"device": "cpu", "device_name": "x86_64"}
    monkeypatch.setenv("TR_GROUNDER_PYTHON", python_with_torch(tmp_path / "python", **facts))
    assert "torch can't use a graphics card" in "\n".join(grounder_report.lines())


def test_doctor_goes_on_after_a_folder_that_changed(added, tmp_path, monkeypatch):
    monkeypatch.setenv("TR_GROUNDER_PYTHON", "/nowhere/python")
    (added / "merges.txt").unlink()
    _, line = grounder_report.lines()
    assert line.startswith("  m: merges.txt of the model is missing since it was added")
