"""The refiner's model: free shapes, chained steps, nothing of the encoder in its weights, and it learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("PIL", reason="composing needs the train extra")

from tests.training.refiner_toys import toy_sources  # noqa: E402
from tr_desktop.limits import MAX_STEPS  # noqa: E402
from tr_desktop.models.runtime import open_session  # noqa: E402
from tr_desktop.refine.learned import Refiner  # noqa: E402
from tr_desktop.refine.signals import NAMES  # noqa: E402
from tr_desktop.training.refiner import model  # noqa: E402
from tr_desktop.training.refiner.data import compose_timelines, matched  # noqa: E402
from tr_desktop.training.refiner.evaluate import (  # noqa: E402
    answer_with_refiner,
    answer_without_training,
    calibration,
    composed_cases,
    edge_table,
    findings,
    table,
)
from tr_desktop.training.refiner.export import export_refiner  # noqa: E402
from tr_desktop.training.refiner.train import Recipe, train  # noqa: E402

IDENTITY = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
LENGTH_S = (10.0, 40.0)


def _inputs(frames: int, width: int, segments: int, steps: int) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(frames)
    starts = torch.rand(segments, 2).sort(dim=1).values * frames / 2
    vectors = torch.nn.functional.normalize(torch.randn(frames, width), dim=1)
    times = torch.cumsum(torch.rand(frames) + 0.05, 0)
    return torch.randn(frames, len(NAMES)), vectors, times, starts, torch.rand(segments, steps) * 3 + 0.1


def spelt_out(
    net: model.RefinerNet, channels: torch.Tensor, vectors: torch.Tensor, times: torch.Tensor, *rest: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the graph answers, uncalibrated, by the model itself, step after step."""
    features = net.trunk(channels[None], torch.ones(1, len(times)))
    score, votes = net.rough(features, times[None])
    steps = net.refine(features, vectors[None], times[None], torch.tensor([len(times)]), *(t[None] for t in rest))
    rows = [steps.segments[0], torch.sigmoid(steps.quality[0])[..., None], torch.sigmoid(steps.edges[0])]
    return torch.cat([torch.sigmoid(score[0])[:, None], votes[0]], -1), torch.cat(rows, -1)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> tuple[model.RefinerNet, bytes]:
    torch.manual_seed(0)
    net, path = model.RefinerNet().eval(), tmp_path_factory.mktemp("onnx") / "refiner.onnx"
    export_refiner(net, IDENTITY, path)
    return net, path.read_bytes()


def test_the_model_is_small(untrained: tuple[model.RefinerNet, bytes]) -> None:
    net, content = untrained
    assert sum(p.numel() for p in net.parameters()) < 600_000
    assert len(content) < 4_000_000


def test_every_dimension_of_the_graph_is_free(untrained: tuple[model.RefinerNet, bytes]) -> None:
    session = open_session(untrained[1], "cpu")
    shapes = {tensor.name: tensor.shape for tensor in session.get_inputs()}
    assert shapes == {
        "channels": ["T", len(NAMES)],
        "vectors": ["T", "D"],
        "times": ["T"],
        "segments": ["M", 2],
        "reach": ["M", "K"],
    }


@pytest.mark.parametrize("shape", [(1, 4, 1, 1), (2, 7, 3, MAX_STEPS), (37, 384, 5, 3), (600, 512, 50, 4)])
def test_the_graph_equals_the_model_at_any_shape(
    untrained: tuple[model.RefinerNet, bytes], shape: tuple[int, int, int, int]
) -> None:
    net, content = untrained
    inputs = _inputs(*shape)
    with torch.no_grad():
        expected = spelt_out(net, *inputs)
    names = ("channels", "vectors", "times", "segments", "reach")
    found = open_session(content, "cpu").run(None, dict(zip(names, (t.numpy() for t in inputs), strict=True)))
    assert found[1].shape == (shape[2], shape[3] + 1, 5)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("variant", ["is_chained", "samples_locally", "is_shared"])
def test_the_graph_equals_the_model_with_a_part_left_out(tmp_path: Path, variant: str) -> None:
    net, inputs = model.RefinerNet(**{variant: False}).eval(), _inputs(60, 9, 3, 5)
    export_refiner(net, IDENTITY, tmp_path / "refiner.onnx")
    with torch.no_grad():
        expected = spelt_out(net, *inputs)
    session = open_session((tmp_path / "refiner.onnx").read_bytes(), "cpu")
    names = (tensor.name for tensor in session.get_inputs())
    found = session.run(None, dict(zip(names, (t.numpy() for t in inputs), strict=True)))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=2e-4, rtol=1e-4)


def test_padding_changes_nothing() -> None:
    net = model.RefinerNet().eval()
    channels, vectors, times, starts, reach = (t[None] for t in _inputs(30, 8, 4, 2))
    longer = [torch.cat([t, torch.zeros_like(t)], 1) for t in (channels, vectors)]
    later = torch.cat([times, torch.full_like(times, 1e6)], 1)
    with torch.no_grad():
        short = net.refine(net.trunk(channels, torch.ones(1, 30)), vectors, times, torch.tensor([30]), starts, reach)
        mask = torch.cat([torch.ones(1, 30), torch.zeros(1, 30)], 1)
        padded = net.refine(net.trunk(longer[0], mask), longer[1], later, torch.tensor([30]), starts, reach)
    torch.testing.assert_close(padded.segments, short.segments)


def test_places_interpolate_between_uneven_times() -> None:
    times = torch.tensor([[0.0, 1.0, 1.5, 4.0, 1e6]])
    at = torch.tensor([[[-1.0, 0.0, 0.25, 1.25, 2.75, 4.0, 9.0]]])
    low, high, share = model.places(at, times, torch.tensor([4]))
    place = low + share[..., 0] * (high - low)
    torch.testing.assert_close(place, torch.tensor([[[0.0, 0.0, 0.25, 1.5, 2.5, 3.0, 3.0]]]))


def test_steps_chain_and_each_learns_from_its_own_move_only() -> None:
    net = model.RefinerNet()
    channels, vectors, times, starts, reach = (t[None] for t in _inputs(30, 8, 4, 3))
    features = net.trunk(channels, torch.ones(1, 30))
    lengths = torch.tensor([30])
    three = net.refine(features, vectors, times, lengths, starts, reach)
    one = net.refine(features, vectors, times, lengths, starts, reach[..., :1])
    rest = net.refine(features, vectors, times, lengths, one.segments[:, :, 1].detach(), reach[..., 1:])
    torch.testing.assert_close(rest.segments, three.segments[:, :, 1:])
    assert (three.segments[..., 1] > three.segments[..., 0]).all()
    starts = starts.requires_grad_()
    two = net.refine(features, vectors, times, lengths, starts, reach[..., :2])
    (gradient,) = torch.autograd.grad(two.segments[:, :, 2].sum(), starts, allow_unused=True, materialize_grads=True)
    assert not gradient.any()


def test_truth_of_a_start_is_the_window_that_it_overlaps_most() -> None:
    windows = np.array([[0, 10], [20, 30]], np.float32)
    found = matched(windows, np.array([[8, 24], [1, 2], [12, 18]], np.float32))
    assert found[:2].tolist() == [[20, 30], [0, 10]]
    assert np.isnan(found[2]).all()
    assert np.isnan(matched(np.zeros((0, 2), np.float32), found)).all()


def test_the_model_learns_and_works_with_an_unseen_encoder(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    by_depth = compose_timelines(toy_sources(80, seed=0), 60, 0, LENGTH_S)
    net = train(by_depth, Recipe(iterations=150, batch=8, rate=2e-3))
    export_refiner(net, IDENTITY, tmp_path / "refiner.onnx")
    refiner = Refiner((tmp_path / "refiner.onnx").read_bytes())
    other = toy_sources(80, seed=9, width=32)
    cases = composed_cases(other, 40, 5, 2.0, LENGTH_S)
    answers = answer_with_refiner(refiner, cases, other.background)
    found = findings(cases, answers)
    assert found.gain_miou > 5
    assert found.hard_median <= 1
    free = answer_without_training(cases, (0.2, 0.6))
    lines = table(cases, [*free, *answers.by_step], 25)
    assert len(lines) == 2 + 5 + len(answers.by_step)
    miou = [float(line.split("|")[6].split("[")[0]) for line in lines[2:]]
    assert miou[-1] > max(miou[:3])
    assert calibration(cases, answers.chains).shape == (2, 2)
    rows = [line.split("|")[1:-1] for line in edge_table(cases, answers)[2:]]
    words = {name.strip(): [0 if cell.strip() == "–" else int(cell) for cell in cells] for name, *cells in rows}
    assert words["exact cut"][1] > words["all"][1]  # % within a frame
    assert sum(words[word][0] for word in ("exact cut", "soft", "check")) == words["all"][0] > 0
