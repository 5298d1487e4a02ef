"""Running the refiner: its answers are in order and in the file, and looking closer is bounded and exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the graph under test is exported from torch")
pytest.importorskip("PIL", reason="the train extra")

from tr_desktop.limits import MAX_STEPS  # noqa: E402
from tr_desktop.refine import looks  # noqa: E402
from tr_desktop.refine.learned import Refiner, trusted  # noqa: E402
from tr_desktop.refine.pipeline import IndexedFrames, Query, look_closer, rough_and_refine  # noqa: E402
from tr_desktop.refine.signals import Signals, signals, view_file  # noqa: E402
from tr_desktop.training.refiner import model  # noqa: E402
from tr_desktop.training.refiner.export import export_refiner  # noqa: E402

RATE_FPS, FRAMES = 25, 1000
CUTS = (333, 641)
RNG = np.random.default_rng(0)
LOOKS = RNG.normal(size=(3, 16))


@pytest.fixture(scope="module")
def refiner(tmp_path_factory: pytest.TempPathFactory) -> Refiner:
    """Random weights: what is tested here holds for any."""
    torch.manual_seed(1)
    path: Path = tmp_path_factory.mktemp("onnx") / "refiner.onnx"
    export_refiner(model.RefinerNet(), torch.tensor([[1.0, 0.0], [1.0, 0.0]]), path)
    return Refiner(path.read_bytes())


def encode(frames: np.ndarray) -> np.ndarray:
    rows = LOOKS[np.searchsorted(CUTS, frames, side="right")] + 0.02 * np.sin(frames[:, None] * np.arange(16))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


STARTS_S = np.arange(FRAMES + 1) / RATE_FPS
QUERY = Query((LOOKS[1] / np.linalg.norm(LOOKS[1])).astype(np.float32), encode(np.arange(0, FRAMES, 50)))


def indexed(fps: int = 1) -> IndexedFrames:
    frames = np.arange(0, FRAMES, RATE_FPS // fps)
    edges_s = [0.0, *((STARTS_S[frames][1:] + STARTS_S[frames][:-1]) / 2).tolist(), FRAMES / RATE_FPS]
    return IndexedFrames(encode(frames), STARTS_S[frames], 1 / fps, FRAMES / RATE_FPS, edges_s.__getitem__)


def seen_of(frames: IndexedFrames) -> Signals:
    return signals(frames.vectors, frames.times_s, frames.view(QUERY))


@pytest.mark.parametrize("steps", [0, 1, 3, MAX_STEPS])
def test_every_step_is_inside_the_file(refiner: Refiner, steps: int) -> None:
    seen = seen_of(indexed())
    chains = rough_and_refine(refiner, seen, 1.0, steps, limit=5)
    assert 1 <= len(chains) <= 5
    for chain in chains:
        assert len(chain) == steps + 1
        for step in chain:
            assert 0 <= step.start_s < step.end_s <= STARTS_S[-1]
            chances = (step.score, step.start_confidence, step.end_confidence)
            assert all(0 <= chance <= 1 for chance in chances)


def test_rough_answers_do_not_repeat_each_other(refiner: Refiner) -> None:
    chains = rough_and_refine(refiner, seen_of(indexed()), 1.0, 0, limit=20)
    rough = np.array([[c[0].start_s, c[0].end_s] for c in chains])
    overlap = np.minimum(rough[:, None, 1], rough[None, :, 1]) - np.maximum(rough[:, None, 0], rough[None, :, 0])
    hull = np.maximum(rough[:, None, 1], rough[None, :, 1]) - np.minimum(rough[:, None, 0], rough[None, :, 0])
    assert (np.triu(overlap / hull, 1) <= 0.5 + 1e-6).all()


def test_the_first_steps_do_not_depend_on_the_number_of_steps(refiner: Refiner) -> None:
    seen = seen_of(indexed())
    segments = np.array([[13.0, 26.0], [1.0, 2.0]], np.float32)
    reach = looks.index_reach_s(segments, 1.0, 5)
    five = refiner.refine(seen, segments, reach)
    two = refiner.refine(seen, segments, reach[:, :2])
    np.testing.assert_allclose(five[:, :3, :2], two[..., :2], atol=1e-4)
    np.testing.assert_allclose(five[:, :2], two[:, :2], atol=1e-4)
    np.testing.assert_allclose(five[:, 0, :2], segments)
    assert (np.abs(np.diff(five[..., :2], axis=1)) <= reach[:, :, None] + 1e-4).all()


def test_the_score_uses_the_calibration_in_the_file(refiner: Refiner, tmp_path: Path) -> None:
    torch.manual_seed(1)
    export_refiner(model.RefinerNet(), torch.tensor([[0.5, -1.0], [1.0, 0.0]]), tmp_path / "refiner.onnx")
    calibrated = Refiner((tmp_path / "refiner.onnx").read_bytes())
    seen = seen_of(indexed())
    plain, told = (
        np.array([[s.score for s in c] for c in rough_and_refine(r, seen, 1.0, 2, 5)]) for r in (refiner, calibrated)
    )
    np.testing.assert_allclose(np.log(told / (1 - told)), 0.5 * np.log(plain / (1 - plain)) - 1, atol=1e-3)


def test_segments_found_in_other_ways_are_refined_too(refiner: Refiner) -> None:
    also = np.array([[13.0, 26.0], [3.0, 5.0]], np.float32)
    seen = seen_of(indexed())
    chains = rough_and_refine(refiner, seen, 1.0, 2, 3, also)
    assert [(c[0].start_s, c[0].end_s) for c in chains[-2:]] == [(13.0, 26.0), (3.0, 5.0)]
    assert len(chains) == len(rough_and_refine(refiner, seen, 1.0, 2, 3)) + 2


def test_a_file_of_one_frame_is_refined(refiner: Refiner) -> None:
    view = view_file(encode(np.array([0])), encode(np.array([0]))[0], encode(np.arange(0, 100, 9)), 0.04)
    chains = rough_and_refine(refiner, signals(encode(np.array([0])), [0.0], view), 0.5, 3, limit=5)
    assert len(chains) == 1 and len(chains[0]) == 4


@pytest.mark.parametrize("fps", [1, 5])
def test_looking_closer_reads_few_frames_and_ends_on_the_cut(refiner: Refiner, fps: int) -> None:
    frames = indexed(fps)
    asked: list[int] = []

    def look(wanted: np.ndarray) -> np.ndarray:
        assert (np.diff(wanted) > 0).all()
        asked.extend(wanted.tolist())
        return encode(wanted)

    # Random weights move an edge anywhere within reach; a start on the cut with no reach to leave it is exact.
    found = look_closer(refiner, frames, QUERY, STARTS_S, (CUTS[0] / RATE_FPS, CUTS[1] / RATE_FPS), look)
    assert len(asked) == len(set(asked)) == found.frames_read <= 2 * looks.MAX_FRAMES
    assert not set(asked) & set(range(0, FRAMES, RATE_FPS // fps))
    assert 0 <= found.start_frame < found.end_frame <= FRAMES
    assert len(found.steps) == 2
    first, second = found.steps
    for first_s, second_s, frame, cut, is_cut in (
        (first.start_s, second.start_s, found.start_frame, CUTS[0], found.start_is_cut),
        (first.end_s, second.end_s, found.end_frame, CUTS[1], found.end_is_cut),
    ):
        if abs(second_s * RATE_FPS - cut) < looks.FINE_FRAMES - 1:
            assert frame == cut and is_cut
        else:  # single frames show no cut there: what the first look found stands
            assert frame in (cut, looks.nearest_boundary(STARTS_S, first_s))


def test_an_edge_moves_only_if_its_confidence_rises() -> None:
    before, better, worse = ([10.0, 20.0, 0.5, 0.5, 0.5], [11.0, 19.0, 0.7, 0.7, 0.4], [12.0, 18.0, 0.1, 0.1, 0.1])
    kept = trusted(np.array([[before, better, worse]], np.float32))[0]
    np.testing.assert_allclose(kept[:, :2], [[10, 20], [11, 19], [11, 19]])
    kept = trusted(np.array([[before, [11.0, 19.0, 0.5, 0.7, 0.4]]], np.float32))[0]
    np.testing.assert_allclose(kept[1], [11, 20, 0.5, 0.7, 0.5])
    crossed = trusted(np.array([[before, [21.0, 22.0, 0.5, 0.7, 0.4]]], np.float32))[0]
    np.testing.assert_allclose(crossed[1, :2], [10, 20])


def test_looking_closer_at_the_ends_of_the_file(refiner: Refiner) -> None:
    frames = indexed()
    found = look_closer(refiner, frames, QUERY, STARTS_S, (0.0, float(STARTS_S[-1])), encode)
    assert 0 <= found.start_frame < found.end_frame <= FRAMES
