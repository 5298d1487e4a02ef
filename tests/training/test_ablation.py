"""The comparison of direct and step-by-step answers: what is written is read, and a run goes on where it stopped."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("PIL", reason="composing needs the train extra")

from tests.models.toy_pack import list_files, write_pack  # noqa: E402
from tests.training.refiner_toys import toy_sources  # noqa: E402
from tests.training.toy_clips import captioned_clips  # noqa: E402
from tr_desktop.errors import UserError  # noqa: E402
from tr_desktop.models.pack import load_pack  # noqa: E402
from tr_desktop.training.defaults import PACK  # noqa: E402
from tr_desktop.training.grounder import ablation_windows as windows  # noqa: E402
from tr_desktop.training.grounder.ablation import VARIANTS, trained_and_measured  # noqa: E402
from tr_desktop.training.grounder.ablation_answers import (  # noqa: E402
    DIRECT,
    END,
    OFFSET,
    REFINE,
    REPEAT,
    TO,
    TOKENS,
    Form,
    in_bins,
    read,
    write,
)
from tr_desktop.training.grounder.ablation_commands import add_ablate_arguments  # noqa: E402
from tr_desktop.training.grounder.ablation_model import Decoder  # noqa: E402
from tr_desktop.training.grounder.ablation_runs import compose, split  # noqa: E402
from tr_desktop.training.refiner.sources import joined  # noqa: E402
from tr_desktop.training.repositories import repository  # noqa: E402

FORMS = {"direct": DIRECT, "refine": REFINE, "repeat": REPEAT, "two steps": Form((8.0, 2.0))}
shares = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)
examples = st.lists(st.tuples(shares, st.floats(2, 64)), min_size=1, max_size=8)


def _written(example: list[tuple[list[float], float]], form: Form) -> tuple[torch.Tensor, torch.Tensor]:
    truth = torch.tensor([edges for edges, _ in example])
    lengths_s = torch.tensor([length for _, length in example])
    return truth, write(truth, lengths_s, form, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", FORMS)
@given(examples)
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read_back(name: str, example: list[tuple[list[float], float]]) -> None:
    form = FORMS[name]
    truth, tokens = _written(example, form)
    assert tokens.shape == (len(example), form.length) and tokens.min() >= 0 and tokens.max() < TOKENS
    assert (tokens == END).nonzero()[:, 1].tolist() == [form.length - 1] * len(example)
    answer = read(tokens, form)
    assert answer.readable.all() and answer.readable.shape == (len(example), form.steps)
    target = in_bins(truth)[:, None].expand(-1, form.steps, -1)
    assert torch.equal(answer.segments, target)
    assert (answer.rough[..., 0] <= target[..., 0]).all() and (answer.rough[..., 1] >= target[..., 1]).all()
    if name == "repeat":
        assert torch.equal(answer.rough, target)
    if form.sigmas_s:
        assert (tokens[:, list(form.marks)] == OFFSET).all()


def test_rough_segments_lie_as_far_out_as_published_in_seconds() -> None:
    truth, lengths_s = torch.tensor([[0.4, 0.6]]).repeat(4000, 1), torch.full((4000,), 100.0)
    rough = read(write(truth, lengths_s, REFINE, torch.Generator().manual_seed(1)), REFINE).rough
    away = (rough - in_bins(truth)[:, None]).abs().float().mean(0)
    expected = torch.tensor(REFINE.sigmas_s)[:, None] * (2 / torch.pi) ** 0.5
    assert torch.allclose(away, expected.expand(-1, 2), atol=0.15)


def test_a_damaged_step_is_unreadable_and_the_others_are_not() -> None:
    _, tokens = _written([([0.2, 0.5], 30.0)], REFINE)
    tokens[0, 14 + 1] = TO
    answer = read(tokens, REFINE)
    assert answer.readable.tolist() == [[True, False, True, True]]
    assert answer.segments.tolist() == [[[20, 50], [0, 0], [20, 50], [20, 50]]]
    _, tokens = _written([([0.2, 0.5], 30.0)], DIRECT)
    tokens[0, 3] = OFFSET
    assert read(tokens, DIRECT).readable.tolist() == [[False]]


def test_numbers_are_all_that_an_answer_says() -> None:
    _, tokens = _written([([0.2, 0.5], 30.0), ([0.31, 0.97], 12.0)], REFINE)
    places = [at for named in REFINE.numbers().values() for at in named]
    assert len(set(places)) == len(places) == 4 * (4 + 6)
    rest = tokens[:, [at for at in range(REFINE.length) if at not in places]]
    assert torch.equal(rest[0], rest[1]) and list(REFINE.numbers())[:3] == ["rough 1", "offsets 1", "rough 2"]


def test_greedy_tokens_are_the_likeliest_after_one_another() -> None:
    torch.manual_seed(0)
    model = Decoder(5, 7, 3).eval()
    frames, query = torch.randn(4, 5, 7), torch.randn(4, 3)
    tokens = model.greedy(frames, query, 9)
    assert torch.equal(model.token(model(frames, query, tokens)).argmax(-1), tokens)
    assert len({tuple(row) for row in tokens.tolist()}) > 1


@pytest.fixture(scope="module")
def cases() -> list[windows.Case]:
    return list(windows.single_moments(toy_sources(), 25, 4, 0.5))


def test_every_video_has_one_moment_and_is_the_same_again(cases: list[windows.Case]) -> None:
    assert all(len(case.windows_s) == 1 for case in cases)
    again = list(windows.single_moments(toy_sources(), 25, 4, 0.5))
    assert [case.windows_s for case in again] == [case.windows_s for case in cases]


def test_a_closer_window_is_around_its_answer_and_denser(cases: list[windows.Case]) -> None:
    rng = np.random.default_rng(0)
    for case in cases:
        answer = windows.noisy(case, rng)
        start_s, end_s = windows.closer(case, answer)
        assert 0 <= start_s <= answer[0] <= answer[1] <= end_s <= case.duration_s + 1e-9
        wide = windows.CLOSER * (answer[1] - answer[0])
        assert end_s - start_s == pytest.approx(min(max(wide, windows.FRAMES / 24), case.duration_s), rel=0.3)


def test_the_truth_is_a_share_of_its_window(cases: list[windows.Case]) -> None:
    background = toy_sources().background
    for case in cases[:8]:
        spans = [windows.whole(case), windows.closer(case, case.windows_s[0])]
        seen = windows.shown(case, spans, background)
        for (start_s, end_s), truth in zip(spans, seen.truth.double(), strict=True):
            assert (start_s + truth * (end_s - start_s)).tolist() == pytest.approx(case.windows_s[0], abs=1e-3)
        assert len(seen) == 2 and seen.frames.shape[1] == windows.FRAMES and seen.frames.isfinite().all()
        assert len({tuple(row) for row in seen.frames[1].tolist()}) == windows.FRAMES  # no frame is shown twice


def test_a_decoder_that_learned_to_look_is_lost_with_another_videos_frames() -> None:
    torch.set_num_threads(1)
    sources = toy_sources(80)
    material = compose(sources.of_splits("train"), sources.of_splits("test"), 200, 40)
    short, long = (trained_and_measured(material, VARIANTS["direct"], steps, 0) for steps in (5, 120))
    assert long.loss[0] < short.loss[0] - 2
    assert long.strange_loss[0] - long.loss[0] > 1 > abs(short.strange_loss[0] - short.loss[0])
    assert np.mean(long.segments[-1]) > np.mean(short.segments[-1]) and long.unreadable == 0


def test_no_repository_is_both_learned_from_and_tested_on() -> None:
    clips = joined([toy_sources(40), toy_sources(40, seed=1)])
    trained_on, tested_on = split(clips)
    used = [{repository(item.group) for item in part.items} for part in (trained_on, tested_on)]
    assert used[0] and used[1] and not used[0] & used[1]
    assert len(trained_on.items) + len(tested_on.items) == len(clips.items)


def _ablate(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_ablate_arguments(parser)
    arguments = parser.parse_args(words)
    status: int = arguments.run(arguments)
    return status


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command's arguments for a toy pack and clips of plain colours, without --out."""
    folder = tmp_path_factory.mktemp("ablation")
    pack = write_pack(folder / "pack")
    (pack / "refiner.onnx").write_bytes(load_pack(PACK).read("refiner.onnx"))
    list_files(pack)
    data = captioned_clips(folder / "data")
    amounts = ["--videos", "10", "--queries", "4", "--steps", "2", "--seeds", "0", "1"]
    return ["--data", str(data), "--cache", str(folder / "cache"), "--pack", str(pack), *amounts]


def test_the_command_compares_every_variant_and_goes_on_where_it_was_stopped(
    command: list[str], tmp_path: Path
) -> None:
    out, kept = tmp_path / "tables.md", Path(command[3]) / "ablation.jsonl"
    assert _ablate(*command, "--out", str(out)) == 0
    tables, lines = out.read_text(encoding="utf-8"), kept.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2 * len(VARIANTS)
    for name in (*VARIANTS, "whole window", "constant prior", "half the peak", "refiner, rough"):
        assert f"| {name} |" in tables
    kept.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")  # stopped in the last training
    assert _ablate(*command, "--out", str(out)) == 0
    again = kept.read_text(encoding="utf-8").splitlines()
    assert again[:-1] == lines[:-1] and len(again) == len(lines)
    assert out.read_text(encoding="utf-8") == tables


def test_other_settings_are_not_mixed_with_finished_runs(command: list[str], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    some = [*command, "--variants", "direct", "--seeds", "0", "--out", str(tmp_path / "tables.md")]
    some[3] = str(cache)
    if Path(command[3]).exists():  # clips that are encoded already
        shutil.copytree(command[3], cache, ignore=shutil.ignore_patterns("*.jsonl"))
    assert _ablate(*some) == 0 and _ablate(*some, "--steps", "3") == 0
    assert len((cache / "ablation.jsonl").read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.parametrize("wrong", [["--steps", "0"], ["--variants", "guess"]])
def test_what_cannot_be_trained_is_said_at_once(command: list[str], tmp_path: Path, wrong: list[str]) -> None:
    with pytest.raises(UserError, match=wrong[0] if wrong[0] == "--steps" else "guess"):
        _ablate(*command, *wrong, "--out", str(tmp_path / "tables.md"))
