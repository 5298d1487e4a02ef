"""The model that is trained: what it is shown, and what it says of answers."""

import pytest

torch = pytest.importorskip("torch", reason="training a grounder needs the extra `llm`")
pytest.importorskip("peft", reason="training a grounder needs the extra `llm`")

from tests.llm.grounder_toys import FAMILIES, question, toy_policy  # noqa: E402
from tr_desktop.errors import UserError  # noqa: E402
from tr_desktop.grounder_worker.decoding import Context, written  # noqa: E402
from tr_desktop.grounders.video_llm.answers import AnswerKind  # noqa: E402
from tr_desktop.training.grounder.policy import Adapter  # noqa: E402
from tr_desktop.training.grounder.sequences import NEW_TOKENS  # noqa: E402

TEXTS = ("<think>2.00 to 3.50</think>", "<answer>1.00 to 2.00</answer> and more of it", "yes")


@pytest.fixture(scope="module", params=FAMILIES)
def policy(request, tmp_path_factory):
    torch.manual_seed(0)
    made = toy_policy(request.param, tmp_path_factory.mktemp("policy"))
    with torch.no_grad():
        for parameter in made.parameters():  # an adapter begins as nothing
            parameter.add_(0.05 * torch.randn_like(parameter))
    return made


def asked(policy):
    prompts = [
        policy.prompt(question(*each)) for each in (("red", 8, 0), ("a long green thing", 5, 1), ("blue", 12, 2))
    ]
    return prompts, [policy.ids_of(text) for text in TEXTS]


def test_answers_of_different_lengths_are_scored_as_alone(policy):
    prompts, answers = asked(policy)
    together = policy.score(prompts, answers)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        alone = policy.score([prompt], [answer])
        assert together.is_written[row].sum() == len(answer)
        torch.testing.assert_close(
            together.log_probabilities[row, : len(answer)], alone.log_probabilities[0], atol=1e-4, rtol=0
        )
        assert not together.log_probabilities[row, len(answer) :].any()


def test_scores_are_those_of_the_worker_writing(policy):
    prompts, answers = asked(policy)
    with torch.no_grad():
        scored = policy.score(prompts, answers)
        for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
            context, said = Context(policy._inner), []
            logits = context.read(prompt)
            for token in answer:
                said.append(float(logits.log_softmax(-1)[token]))
                logits = context.write(token)
            torch.testing.assert_close(
                scored.log_probabilities[row, : len(answer)], torch.tensor(said), atol=1e-3, rtol=0
            )


def test_the_video_reaches_scoring(policy):
    prompts, answers = asked(policy)
    other = policy.prompt(question("red", 8, 9))
    assert torch.equal(other.ids, prompts[0].ids)
    seen, elsewhere = (policy.score([prompt], answers[:1]).log_probabilities for prompt in (prompts[0], other))
    assert (seen - elsewhere).abs().max() > 0.01


def test_the_vision_tower_runs_for_drawing_and_for_scoring_and_is_frozen(policy):
    runs = []
    hook = policy._inner.model.visual.register_forward_hook(lambda *_: runs.append(1))
    prompts, _ = asked(policy)
    drawn = policy.sample(prompts[0], 3, 5)
    assert len(runs) == 1  # once for all answers of a group
    policy.score([prompts[0]] * 3, drawn).log_probabilities.sum().backward()
    assert len(runs) == 2
    hook.remove()
    assert not any(parameter.requires_grad for parameter in policy._inner.model.visual.parameters())
    assert all(parameter.grad is not None for parameter in policy.parameters() if parameter.ndim == 2)


def test_drawing_greedily_writes_what_the_worker_writes(policy):
    prompts, _ = asked(policy)
    encoder, context = policy.encoder, Context(policy._inner)
    for prompt in prompts:
        pieces = written(
            context, context.read(prompt), encoder.tokenizer, 12, lambda: None,
            ends=encoder.ends, not_written=encoder.not_written,
        )  # fmt: skip
        text = "".join(piece for piece, _ in pieces)
        assert [policy.text_of(ids) for ids in policy.sample(prompt, 3, 12, temperature=0)] == [text] * 3


def test_answers_are_drawn_as_often_as_they_are_likely(policy):
    prompts, _ = asked(policy)
    torch.manual_seed(0)
    drawn = policy.sample(prompts[0], 2000, 1)
    counts = torch.bincount(torch.tensor([ids[0] for ids in drawn]), minlength=1)
    for token in counts.topk(3).indices.tolist():
        likely = float(policy.score([prompts[0]], [[token]], as_sampled=True).log_probabilities.exp().detach())
        assert float(counts[token]) / 2000 == pytest.approx(likely, abs=4 * (likely / 2000) ** 0.5)


def test_pictures_and_speakers_are_never_drawn(policy):
    prompts, _ = asked(policy)
    torch.manual_seed(1)
    drawn = {token for ids in policy.sample(prompts[0], 64, 20) for token in ids}
    assert drawn.isdisjoint(policy.encoder.not_written)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", [AnswerKind.REFINE, AnswerKind.DIGITS])
def test_new_tokens_and_the_adapter_survive_saving_and_merging(family, kind, tmp_path):
    torch.manual_seed(0)
    made = toy_policy(family, tmp_path, new_tokens=NEW_TOKENS[kind], has_head=True)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    name = NEW_TOKENS[kind][0]
    prompts, answers = [made.prompt(question())], [made.ids_of(f"{name} 12{name}")]
    assert answers[0].count(made.encoder.tokenizer.token_to_id(name)) == 2
    assert made.text_of(answers[0]) == f"{name} 12{name}"
    before = made.score(prompts, answers)
    made.save(tmp_path / "adapter")
    again = toy_policy(family, tmp_path, new_tokens=NEW_TOKENS[kind], has_head=True)
    again.load(tmp_path / "adapter")
    torch.testing.assert_close(again.score(prompts, answers).log_probabilities, before.log_probabilities)
    torch.testing.assert_close(again.head(before.hidden), made.head(before.hidden))
    merged = again.merged()
    assert not any("lora" in key for key in merged.state_dict())
    context, said = Context(merged), []
    logits = context.read(prompts[0])
    for token in answers[0]:
        said.append(float(logits.log_softmax(-1)[token]))
        logits = context.write(token)
    torch.testing.assert_close(before.log_probabilities[0].detach(), torch.tensor(said), atol=1e-3, rtol=0)


def test_an_adapter_of_another_model_is_refused(tmp_path):
    toy_policy("qwen2_5_vl", tmp_path, adapter=Adapter(2, 4)).save(tmp_path / "adapter")
    with pytest.raises(UserError, match="doesn't fit"):
        toy_policy("qwen2_5_vl", tmp_path, adapter=Adapter(4, 4)).load(tmp_path / "adapter")


def test_saving_memory_gives_the_same_gradients(tmp_path):
    toy_policy("qwen2_5_vl", tmp_path)
    gradients = []
    for saves_memory in (False, True):
        torch.manual_seed(0)
        made = toy_policy("qwen2_5_vl", tmp_path)
        made.train(saves_memory=saves_memory)
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
        made.score([made.prompt(question())], [made.ids_of("3.0 - 4.0")]).log_probabilities.sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in made.parameters() if p.grad is not None]))
    torch.testing.assert_close(*gradients)
