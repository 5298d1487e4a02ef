"""VTimeLLM and TimeRefine as a user has them: merged by `models add`, asked by `find --grounder`, without a network."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="video language models need the extra `llm`")
pytest.importorskip("peft", reason="video language models need the extra `llm`")

from tests.llm.tiny_vtime import VARIANTS, Tiny
from tr_desktop import paths
from tr_desktop.commands import grounders
from tr_desktop.commands.main import main
from tr_desktop.grounder_worker import vtime_add
from tr_desktop.grounders.video_llm.packs import load_grounder
from tr_desktop.grounders.video_llm.presets import PRESENCE
from tr_desktop.grounders.video_llm.windows import Span, windows_around

ANSWERS = {
    "vtimellm": "From 17 to 34.",
    "timerefine": "From <SEG_START> 30 to 46 <OFFSET> +05 and -06 <RETHINK> 35 to 40 <OFFSET> +00 and -00 <SEG_END>.",
}
HUNDREDTHS = {"vtimellm": [(17, 34)], "timerefine": [(30, 46), (35, 40), (35, 40)]}
OFFLINE = """
import os, socket
def refuse(*about):
    with open(os.environ["TRIED"], "a") as file:
        file.write(f"{about}\\n")
    raise OSError("no network in tests")
for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = refuse
with open(os.environ["STARTED"], "a") as file:
    file.write("x")
"""


@pytest.fixture(scope="module")
def taught(tmp_path_factory) -> dict[str, Tiny]:
    """Checkpoints that answer the questions about a cat."""
    asked = {"During which frames can we see a cat?": "", PRESENCE.replace("{}", "a cat"): "Yes."}
    return {
        name: make(tmp_path_factory.mktemp(name), asked | {next(iter(asked)): ANSWERS[name]})
        for name, make in VARIANTS.items()
    }


@pytest.fixture
def offline(tmp_path, monkeypatch) -> Path:
    """No process that is started from here reaches the network. The file to which each one that tried is written."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(OFFLINE)
    search = os.pathsep.join(filter(None, (str(tmp_path / "site"), os.environ.get("PYTHONPATH"))))
    for name, value in (("PYTHONPATH", search), ("TRIED", tmp_path / "tried"), ("STARTED", tmp_path / "started")):
        monkeypatch.setenv(name, str(value))
    return tmp_path / "tried"


@pytest.mark.parametrize("variant", VARIANTS)
def test_its_steps_are_hundredths_of_the_window(variant, taught, sample, tmp_path, offline, capsys):
    library = str(tmp_path / "library")
    assert main(["models", "add", *taught[variant].options, "--accept-licence"]) == 0
    out, err = capsys.readouterr()
    assert f"Added {variant}: VTimeLLM of" in out and "CC BY-NC-ND" in err and "NO COMMERCIAL USE" in out
    asked = ["find", "a cat", str(sample), "--library", library, "--json"]
    assert main(asked) == 0
    plain = json.loads(capsys.readouterr().out)["moments"][0]
    assert main([*asked, "--grounder", variant, "--ground", "1"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["grounder"] == {"pack": variant, "notes": []} | document["grounder"]
    indexed = [step for step in plain["steps"] if "looked_closer" not in step][-1]
    moments = [each for each in document["moments"] if any(step.get("by") == "grounder" for step in each["steps"])]
    written = [step for each in moments for step in each["steps"] if step.get("by") == "grounder"]
    spans = [Span(Fraction(indexed["start_s"]), Fraction(indexed["end_s"]))]
    ((window, _),) = windows_around(spans, Fraction(document_duration_s(sample)), Fraction(64))
    right = [
        tuple(float(window.start_s + window.length_s * each / 100) for each in pair) for pair in HUNDREDTHS[variant]
    ]
    found = [(step["start_s"], step["end_s"]) for step in written[: len(right)]]
    assert found == [pytest.approx(pair, abs=0.1) for pair in right]
    assert (tmp_path / "started").exists() and not offline.exists()


def document_duration_s(path: Path) -> Fraction:
    from tr_desktop.footage.frames import Sampler
    from tr_desktop.footage.probe import probe

    sampler = Sampler(probe(path), Fraction(1), 32)
    assert sum(1 for _ in sampler)
    return sampler.times.duration_s


def test_an_added_one_is_shown_verified_and_removed_with_its_files(taught, capsys):
    assert main(["models", "add", *taught["timerefine"].options, "--accept-licence", "--as", "mine", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1] == {"grounder": "mine"} and [each["done"] for each in lines[:-1]] == sorted(
        each["done"] for each in lines[:-1]
    )
    pack = load_grounder("mine")
    assert pack.is_non_commercial and pack.licence == "cc-by-nc-nd-4.0" and pack.preset.name == "timerefine"
    folder = paths.grounders_folder() / "mine"
    assert {path.name for path in (folder / "model").iterdir()} == {
        "llm",
        "clip",
        "projector.safetensors",
        "segment_head.safetensors",
    }
    assert main(["models", "verify", "mine"]) == 0 and main(["models", "show", "mine"]) == 0
    assert "NO COMMERCIAL USE" in capsys.readouterr().out
    weights = next(folder.glob("model/llm/*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert main(["models", "verify", "mine"]) == 2
    assert "changed" in capsys.readouterr().err
    assert main(["models", "remove", "mine"]) == 0
    assert "stays as it is" not in capsys.readouterr().out and not folder.exists()


def test_without_agreement_nothing_is_added(taught, monkeypatch, capsys):
    assert main(["models", "add", *taught["vtimellm"].options]) == 2
    assert "--accept-licence" in capsys.readouterr().err
    monkeypatch.setattr(grounders, "can_ask", lambda: True)
    for answer, status in ((False, 2), (True, 0)):
        monkeypatch.setattr(grounders, "agreed", lambda _, answer=answer: answer)
        assert main(["models", "add", *taught["vtimellm"].options]) == status
    capsys.readouterr()
    assert main(["models", "add", *taught["vtimellm"].options, "--accept-licence"]) == 2
    assert "There is a grounder 'vtimellm' already" in capsys.readouterr().err


def test_a_merge_that_breaks_off_leaves_nothing(taught, monkeypatch, capsys):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(vtime_add, "stamped", full)
    assert main(["models", "add", *taught["vtimellm"].options, "--accept-licence"]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert list(paths.grounders_folder().iterdir()) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda options: options[:3], "have four parts or more"),
        (lambda options: [*options[:3], *options[-2:]], "have four parts or more"),
        (lambda options: [*options, "--preset", "timelens"], "--preset is for other models only"),
        (lambda options: options[-2:], "There is nothing to add"),
        (lambda options: [options[1], *options[-2:]], "--clip is for --vtimellm only"),
        (lambda options: [options[0], "nowhere", *options[2:]], "There is no folder of that name"),
        (lambda options: [*options[:-1], "ViT-L-14.pt"], "ViT-L-14.pt is a program .TorchScript., which is refused"),
    ],
)
def test_what_is_missing_or_does_not_belong_there_is_a_sentence(change, sentence, taught, capsys):
    import re

    options = change(taught["vtimellm"].options)
    assert main(["models", "add", *options, "--accept-licence"]) == 2
    assert re.search(sentence, capsys.readouterr().err)
