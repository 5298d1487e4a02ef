"""Supervised training on answers."""

import json
from contextlib import nullcontext
from fractions import Fraction
from random import Random

import pytest

torch = pytest.importorskip("torch", reason="training a grounder needs the extra `llm`")
pytest.importorskip("peft", reason="training a grounder needs the extra `llm`")

from tests.llm.grounder_toys import ADAPTER, toy_policy  # noqa: E402
from tr_desktop.errors import UserError  # noqa: E402
from tr_desktop.grounders.video_llm.answers import AnswerKind  # noqa: E402
from tr_desktop.training.annotations import read_annotations  # noqa: E402
from tr_desktop.training.grounder.checkpoint import open_checkpoint  # noqa: E402
from tr_desktop.training.grounder.colours import make_colour_clips  # noqa: E402
from tr_desktop.training.grounder.data import Look, asked, load_examples  # noqa: E402
from tr_desktop.training.grounder.fitting import is_done  # noqa: E402
from tr_desktop.training.grounder.measure import constant_answer, has_gone_blind, measure  # noqa: E402
from tr_desktop.training.grounder.policy import Adapter, Policy  # noqa: E402
from tr_desktop.training.grounder.sequences import NEW_TOKENS  # noqa: E402
from tr_desktop.training.grounder.sft import SftRecipe, train_sft  # noqa: E402

LOOK = Look(Fraction(2), 28, Fraction(16))


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    rows = read_annotations(make_colour_clips(folder, 8), "footage")
    return load_examples(rows, folder, LOOK, folder / "cache", print)


def recipe(kind=AnswerKind.SPAN, **changes):
    return SftRecipe(**{"kind": kind, "steps": 6, "batch": 4, "rows": 2, "rate": 5e-3, "save_every": 2} | changes)


class Interrupted(Exception):  # noqa: N818
    pass


def test_a_resumed_training_ends_as_an_uninterrupted_one(examples, tmp_path):
    toy_policy("qwen2_5_vl", tmp_path)
    ends = []
    for tries in ((None,), (5, None)):  # four prompts a step: the run dies in the second one
        folder = tmp_path / str(len(tries))
        for stop_at in tries:
            torch.manual_seed(0)
            policy = toy_policy("qwen2_5_vl", tmp_path, "timelens", adapter=Adapter(4, 8, 0.1))
            steps = [0]

            def dies(*_, steps=steps, stop_at=stop_at):
                steps[0] += 1
                if steps[0] == stop_at:
                    raise Interrupted

            policy.prompt = (lambda ask: lambda q: (dies(), ask(q))[1])(policy.prompt)
            with nullcontext() if stop_at is None else pytest.raises(Interrupted):
                train_sft(policy, examples, LOOK, recipe(save_every=1), folder, lambda _: None)
            assert (folder / "checkpoint.pt").exists() is (stop_at is not None)
        ends.append((policy.state(), (folder / "log.jsonl").read_text()))
    assert ends[0][1] == ends[1][1]
    for name, value in ends[0][0].items():
        torch.testing.assert_close(ends[1][0][name], value, atol=0, rtol=0)


def test_a_training_with_other_settings_isnt_resumed(examples, tmp_path):
    policy = toy_policy("qwen2_5_vl", tmp_path, "timelens")
    said = []

    def dies(line):
        said.append(line)
        raise Interrupted

    with pytest.raises(Interrupted):
        train_sft(policy, examples, LOOK, recipe(steps=10, save_every=3), tmp_path / "out", dies)
    with pytest.raises(UserError, match="other settings"):
        train_sft(policy, examples, LOOK, recipe(steps=11, save_every=3), tmp_path / "out", print)


def test_an_ended_training_is_kept_unless_its_settings_differ(examples, tmp_path):
    policy = toy_policy("qwen2_5_vl", tmp_path, "timelens")
    train_sft(policy, examples, LOOK, recipe(steps=2), tmp_path / "out", print)
    again = toy_policy("qwen2_5_vl", tmp_path, "timelens")
    # Fewer rows at a time take less memory and change nothing.
    assert len(train_sft(again, examples, LOOK, recipe(steps=2, rows=1), tmp_path / "out", print)) == 2
    for name, value in policy.state().items():
        torch.testing.assert_close(again.state()[name], value, atol=0, rtol=0)
    with pytest.raises(UserError, match="other settings"):
        train_sft(again, examples, LOOK, recipe(AnswerKind.ANCHORS, steps=2), tmp_path / "out", print)
    (tmp_path / "qwen2_5_vl").rename(tmp_path / "another")
    other = Policy(open_checkpoint(tmp_path / "another", tmp_path / "files", (), "cpu"), policy.preset, ADAPTER)
    with pytest.raises(UserError, match="other settings"):
        train_sft(other, examples, LOOK, recipe(steps=2), tmp_path / "out", print)


def test_a_log_that_was_cut_off_is_no_hindrance(examples, tmp_path):
    def dies(_):
        raise Interrupted

    made = recipe(steps=10, save_every=3)
    with pytest.raises(Interrupted):
        train_sft(toy_policy("qwen2_5_vl", tmp_path, "timelens"), examples, LOOK, made, tmp_path / "out", dies)
    log = tmp_path / "out" / "log.jsonl"
    log.write_text(log.read_text()[:-5])
    found = train_sft(toy_policy("qwen2_5_vl", tmp_path, "timelens"), examples, LOOK, made, tmp_path / "out", print)
    assert [line["step"] for line in found] == list(range(1, 11))


def test_an_adapter_is_there_only_with_its_head(tmp_path, monkeypatch):
    tokens = NEW_TOKENS[AnswerKind.REFINE]
    policy = toy_policy("qwen2_5_vl", tmp_path, "timerefine", tokens, has_head=True)
    (tmp_path / "out" / "segment_head.safetensors").mkdir(parents=True)  # can't be written
    with pytest.raises(OSError):
        policy.save(tmp_path / "out")
    assert not is_done(tmp_path / "out")


def test_only_the_answer_is_learned_whatever_shares_the_forward(examples, tmp_path):
    losses = []
    for rows in (1, 4):
        torch.manual_seed(0)
        toy_policy("qwen2_5_vl", tmp_path, "timelens")
        torch.manual_seed(0)
        policy = toy_policy("qwen2_5_vl", tmp_path, "timelens")
        log = train_sft(policy, examples, LOOK, recipe(steps=3, rows=rows), tmp_path / f"rows{rows}", lambda _: None)
        losses.append([line["loss"] for line in log])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    policy = toy_policy("qwen2_5_vl", tmp_path, "timelens")
    question, (start_s, end_s) = asked(examples[0], LOOK, Random(0))
    text = f"The event happens in {start_s:.1f} - {end_s:.1f} seconds."
    scored = policy.score([policy.prompt(question)], [policy.ids_of(text)])
    assert scored.is_written.sum() == len(policy.encoder.tokenizer.encode(text).ids) + 1


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
def test_a_tiny_model_learns_clips_by_heart(examples, family, tmp_path):
    torch.manual_seed(0)
    policy = toy_policy(family, tmp_path, "timelens", adapter=Adapter(16, 32, 0.0))
    log = train_sft(
        policy, examples, LOOK, recipe(steps=60, batch=8, rows=8, rate=1e-2), tmp_path / "out", lambda _: None
    )  # fmt: skip
    assert log[0]["loss"] > 3 and log[-1]["loss"] < 0.3
    figures = measure(policy, examples, LOOK, 32)
    assert figures.answered == 100 and figures.miou > 90
    assert figures.miou > constant_answer(examples, examples, LOOK)[1].miou + 30


def test_decoded_steps_of_refine_get_nearer_to_the_truth(examples, tmp_path):
    torch.manual_seed(0)
    policy = toy_policy(
        "qwen2_5_vl", tmp_path, "timerefine", NEW_TOKENS[AnswerKind.REFINE], adapter=Adapter(32, 64, 0.0), has_head=True
    )
    made = recipe(AnswerKind.REFINE, steps=250, batch=8, rows=8, rate=5e-3, save_every=1000)
    log = train_sft(policy, examples, LOOK, made, tmp_path / "out", lambda _: None)
    assert log[-1]["loss"] < 0.8 and log[-1]["head"] < 0.05
    figures = measure(policy, examples, LOOK, 160)
    assert figures.answered >= 75
    assert len(figures.by_step) == 5  # the rough segment and four corrected ones
    assert figures.by_step[-1] > figures.by_step[0] + 20
    assert (tmp_path / "out" / "segment_head.safetensors").exists()
    assert json.loads((tmp_path / "out" / "adapter_config.json").read_text())["r"] == 32


@pytest.mark.parametrize(
    ("history", "is_blind"),
    [
        ([(1, 10)], False),
        ([(1, 10), (2, 9), (3, 11)], False),
        ([(1, 10), (2, 9), (3, 8)], True),
        ([(1, 10), (2, 9), (0.5, 8)], False),
        ([(1, 10), (2, 9), (2, 9), (3, 10)], False),
        ([(1, 0), (2, 0), (3, 0)], False),
    ],
)
def test_training_stops_if_it_pleases_the_reward_without_looking(history, is_blind):
    assert has_gone_blind(history) is is_blind
