"""`train grounder` from the command line: help and refusals without torch, and whole recipes on a random model."""

import importlib.util
import json
import subprocess
import sys

import pytest

from tests.processes import ending
from tr_desktop.commands.main import main
from tr_desktop.grounders.video_llm.packs import load_grounder

WITHOUT = (
    "import sys; sys.modules['{}'] = None; from tr_desktop.commands.main import main; sys.exit(main(sys.argv[1:]))"
)
needs_llm = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("torch", "transformers", "peft"))), reason="needs the extra `llm`"
)


def run(*arguments, without="nothing"):
    """(exit status, what it printed) of `train grounder`."""
    command = [sys.executable, "-c", WITHOUT.format(without), "train", "grounder", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with ending(process):
        printed, _ = process.communicate()
        return process.returncode, printed


@pytest.mark.parametrize("recipe", ["sft", "tar"])
def test_help_works_without_torch(recipe):
    status, printed = run(recipe, "--help", without="torch")
    assert status == 0 and "--tiny" in printed and "--annotations" in printed


@pytest.mark.parametrize("package", ["torch", "peft"])
def test_a_missing_package_is_named(package, tmp_path):
    if package == "peft" and importlib.util.find_spec("torch") is None:
        pytest.skip("torch would be missing first")
    status, printed = run("sft", "--tiny", "--out", tmp_path / "out", without=package)
    assert status == 2 and f"Training needs {package}, which is not installed" in printed and "run.py llm" in printed


@needs_llm
def test_what_to_train_on_must_be_given(tmp_path):
    status, printed = run("sft", "--base", tmp_path, "--out", tmp_path / "out")
    assert status == 2 and "needs --annotations, --videos" in printed and "Traceback" not in printed


@needs_llm
@pytest.mark.parametrize(
    "option", ["--batch=0", "--rows=-1", "--side=0", "--epochs=nan", "--window=inf", "--window=nan", "--rate=0"]
)
def test_numbers_that_cannot_be_are_a_sentence(option, tmp_path, capsys):
    assert main(["train", "grounder", "sft", "--tiny", "--out", str(tmp_path / "out"), option]) == 2
    assert f"{option.partition('=')[0]} must be" in capsys.readouterr().err


@needs_llm
def test_a_base_with_pickles_beside_it_ends_as_a_model_that_can_be_added(tmp_path):
    from tests.llm.grounder_toys import toy_policy
    from tr_desktop.grounders.video_llm.checkpoints import files_in
    from tr_desktop.training.grounder.checkpoint import open_checkpoint

    toy_policy("qwen2_5_vl", tmp_path)
    for name in ("optimizer.CKPT", "trainer.pkl", "pytorch_model.bin"):
        (tmp_path / "qwen2_5_vl" / name).write_bytes(b"a pickle")
    open_checkpoint(tmp_path / "qwen2_5_vl", tmp_path / "model", (), "cpu")
    assert "tokenizer.json" in files_in(tmp_path / "model")


@needs_llm
def test_sft_of_a_tiny_model_writes_a_checkpoint_that_the_worker_loads(tmp_path):
    out = tmp_path / "out"
    status, printed = run("sft", "--tiny", "--format", "digits", "--out", out)
    assert status == 0, printed
    assert "other videos, always" in printed and f"find QUERY PATH --grounder {out}" in printed
    pack = load_grounder(str(out))
    assert (pack.preset.name, pack.side_px, pack.window_s, pack.frames_most) == ("vtg-llm", 28, 16, 32)
    log = [json.loads(line) for line in (out / "adapter" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["loss"] < 0.3
    card = (out / "model" / "README.md").read_text()
    assert "preset `vtg-llm`" in card and "always" in card and "Licence: not stated" in card

    from tests.llm.grounder_toys import question
    from tr_desktop.grounder_worker.decoding import Context, written
    from tr_desktop.grounder_worker.load import load
    from tr_desktop.grounder_worker.prompt import Encoder

    model = load(out / "model", "qwen2_5_vl", "cpu")
    encoder, context = Encoder(out / "model", model.config), Context(model)
    window = question(pictures=32)
    prompt = encoder.prompt(encoder.video_maker(window.pictures, window.times_s), "When is it red?")
    pieces = written(
        context, context.read(prompt), encoder.tokenizer, 32, lambda: None, ends=encoder.ends, not_written=[]
    )  # fmt: skip
    assert "".join(piece for piece, _ in pieces).startswith("<TIME_")

    status, printed = run("sft", "--tiny", "--format", "digits", "--out", out)  # nothing is trained again
    assert status == 0 and "step 10/" not in printed and "is written" in printed
    status, printed = run("sft", "--tiny", "--out", out)  # in another format
    assert status == 2 and "other settings" in printed


@needs_llm
def test_tar_of_a_tiny_model_runs_every_stage_and_resumes(tmp_path):
    out = tmp_path / "out"
    status, printed = run("tar", "--tiny", "--stage", "2", "--out", out)
    assert status == 2 and "There is no harvest yet" in printed
    status, printed = run("tar", "--tiny", "--out", out)
    assert status == 0, printed
    for stage in ("prime", "stage1", "stage2", "stage3"):
        assert (out / stage / "adapter_model.safetensors").exists()
        assert len((out / stage / "log.jsonl").read_text().splitlines()) >= 3
    rows = [json.loads(line) for line in (out / "harvest.jsonl").read_text().splitlines()]
    assert len(rows) == 9 and all(len(row["ious"]) == 8 for row in rows)
    assert any(row["text"] for row in rows)
    assert printed.count("a constant answer, which needs no model") >= 3
    for stage in ("stage1", "stage3"):
        log = [json.loads(line) for line in (out / stage / "log.jsonl").read_text().splitlines()]
        assert len(log) == 3 and {"answer", "anchors", "reward"} <= log[0].keys()
        assert sum(line["form"] for line in log) > 0  # what was learned before is there to be rewarded
    assert (out / "model" / "model.safetensors").exists()

    (out / "stage3" / "adapter_model.safetensors").unlink()
    status, printed = run("tar", "--tiny", "--stage", "3", "--out", out)
    assert status == 0 and "stage 3: GRPO" in printed and "stage 1: GRPO" not in printed
