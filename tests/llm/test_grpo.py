"""Reinforcement learning from rewards that are computed."""

from fractions import Fraction

import pytest

torch = pytest.importorskip("torch", reason="training a grounder needs the extra `llm`")
pytest.importorskip("peft", reason="training a grounder needs the extra `llm`")

from tests.llm.grounder_toys import toy_policy  # noqa: E402
from tr_desktop.training.annotations import read_annotations  # noqa: E402
from tr_desktop.training.grounder.colours import make_colour_clips  # noqa: E402
from tr_desktop.training.grounder.data import Look, load_examples  # noqa: E402
from tr_desktop.training.grounder.grpo import GrpoRecipe, advantages, policy_loss, train_grpo  # noqa: E402
from tr_desktop.training.grounder.measure import Figures  # noqa: E402
from tr_desktop.training.grounder.policy import Adapter  # noqa: E402

LOOK = Look(Fraction(2), 28, Fraction(16))
NOTHING = Figures((0.0, 0.0, 0.0), 0.0, 100.0)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    rows = read_annotations(make_colour_clips(folder, 3), "footage")
    return load_examples(rows, folder, LOOK, folder / "cache", print)


def test_an_answer_is_as_good_as_it_is_above_its_group():
    better = advantages([1.0, 2.0, 3.0, 2.0])
    assert sum(better) == pytest.approx(0) and better[1] == better[3] == pytest.approx(0)
    assert better[2] == pytest.approx(-better[0]) == pytest.approx(1 / (2 / 3) ** 0.5, rel=1e-3)
    assert advantages([0.7, 0.7, 0.7]) == [0, 0, 0]


def test_the_loss_pushes_each_token_by_its_answers_advantage():
    log_probabilities = torch.tensor([[-1.0, -2.0, 0.0], [-3.0, -1.0, -0.5]], requires_grad=True)
    is_written = torch.tensor([[True, True, False], [True, True, True]])
    loss = policy_loss(log_probabilities, is_written, [1.5, -0.6])
    loss.backward()
    assert float(loss.detach()) == pytest.approx(-1.5 + 0.6)
    torch.testing.assert_close(
        log_probabilities.grad, torch.tensor([[-0.75, -0.75, 0.0], [0.2, 0.2, 0.2]])
    )  # fmt: skip


def test_three_steps_show_the_video_to_drawing_and_scoring(examples, tmp_path, monkeypatch):
    monkeypatch.setattr(  # a random model earns nothing; here the first character of what it writes earns
        "tr_desktop.training.grounder.grpo.reward", lambda text, *_: {"answer": (ord(text[0]) if text else 0) % 7 / 7}
    )
    policy = toy_policy("qwen2_5_vl", tmp_path)
    before, shown = policy.state(), []
    hook = policy._inner.model.visual.register_forward_hook(lambda *_: shown.append(torch.is_grad_enabled()))
    recipe = GrpoRecipe(steps=3, queries=2, generations=4, longest=6, rows=4, rate=1e-3, measure_every=100)
    log = train_grpo(policy, examples[:2], examples[2:], LOOK, recipe, tmp_path / "out", NOTHING, lambda _: None)
    hook.remove()
    measured = 1
    assert shown.count(False) == 3 * 2 + measured
    assert shown.count(True) == 3 * 2 - round(2 * sum(line["stuck"] for line in log)) > 0
    assert len(log) == 3 and all(0 <= line["reward"] <= 1 for line in log)
    assert any(not torch.equal(value, before[name]) for name, value in policy.state().items())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "adapter_config.json", "adapter_model.safetensors", "log.jsonl", "settings.txt",
    ]  # fmt: skip


def test_what_earns_more_becomes_likelier(examples, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "tr_desktop.training.grounder.grpo.reward", lambda text, *_: {"answer": float(ord((text or " ")[0]) % 3 == 0)}
    )
    torch.manual_seed(0)
    policy = toy_policy("qwen2_5_vl", tmp_path, adapter=Adapter(16, 32, 0.0))
    recipe = GrpoRecipe(steps=15, queries=1, generations=64, longest=1, rows=64, rate=5e-3, measure_every=100)
    log = train_grpo(policy, examples[:2], examples[2:], LOOK, recipe, tmp_path / "out", NOTHING, lambda _: None)
    rewards = [line["reward"] for line in log]
    assert rewards[0] < 0.6 and sum(rewards[-3:]) / 3 > 0.9


def test_it_stops_if_the_reward_rises_while_answers_get_worse(examples, tmp_path, monkeypatch):
    recalls = iter([50.0, 60.0, 40.0, 30.0, 20.0])
    states = []

    def measured(policy, *_):
        states.append(policy.state())
        return Figures((0.0, 0.0, next(recalls)), 0.0, 100.0)

    rewards = iter(range(1000))
    monkeypatch.setattr("tr_desktop.training.grounder.grpo.measure", measured)
    monkeypatch.setattr("tr_desktop.training.grounder.grpo.reward", lambda *_: {"answer": float(next(rewards))})
    policy, said = toy_policy("qwen2_5_vl", tmp_path), []
    recipe = GrpoRecipe(steps=20, queries=1, generations=4, longest=4, rate=1e-3, measure_every=2)
    log = train_grpo(policy, examples[:2], examples[2:], LOOK, recipe, tmp_path / "out", NOTHING, said.append)
    assert len(log) == 7 and said[-1].startswith("Stopped")
    for name, value in policy.state().items():  # that of the best figure, not the last
        torch.testing.assert_close(value, states[1][name], atol=0, rtol=0)
    assert any("constant answer" in line for line in said)
