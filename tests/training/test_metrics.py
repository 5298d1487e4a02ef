"""Metrics against worked examples, properties, and published predictions with their authors' own numbers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tr_desktop.training.annotations import Annotation, read_annotations, read_charades_sta
from tr_desktop.training.metrics import (
    MOMENT_DETR,
    TAN_2D,
    VTIMELLM,
    average_precision,
    best_constant,
    best_iou,
    bootstrap_interval,
    centre_half,
    edge_errors,
    expected_calibration_error,
    mean_average_precision,
    mean_iou,
    recall_at_1,
    reliability,
    soft_iou,
    temporal_iou,
    whole_video,
)

ORACLES = Path(__file__).parents[3] / "shared" / "oracles"
oracles = pytest.mark.skipif(not ORACLES.is_dir(), reason="../shared/oracles isn't here")

segments = st.tuples(st.floats(0, 100), st.floats(0, 100)).map(sorted).filter(lambda s: s[1] - s[0] > 1e-3)


@pytest.mark.parametrize(
    ("a", "b", "iou", "soft"),
    [
        ((0.30, 0.46), (0.35, 0.40), 0.3125, 0.3125),
        ((0.1, 0.2), (0.5, 0.9), 0.0, -0.375),
        ((0.2, 0.6), (0.4, 0.8), 1 / 3, 1 / 3),
        ((1, 2), (2, 3), 0.0, 0.0),
        ((3, 3), (3, 3), 0.0, 0.0),
    ],
)
def test_worked_overlaps(a: tuple[float, float], b: tuple[float, float], iou: float, soft: float) -> None:
    assert temporal_iou(a, b) == pytest.approx(iou)
    assert soft_iou(a, b) == pytest.approx(soft)


@given(segments, segments, st.floats(0.1, 10))
def test_overlap_is_symmetric_scale_free_and_bounded(a: list[float], b: list[float], scale: float) -> None:
    iou = float(temporal_iou(a, b))
    assert 0 <= iou <= 1
    assert iou == pytest.approx(float(temporal_iou(b, a)))
    assert iou == pytest.approx(float(temporal_iou(np.array(a) * scale, np.array(b) * scale)), abs=1e-6)
    assert float(temporal_iou(a, a)) == 1
    assert iou == max(float(soft_iou(a, b)), 0)


def test_overlap_broadcasts_over_all_pairs() -> None:
    predicted, truth = np.array([[0, 2], [1, 3]]), np.array([[0, 2], [2, 4], [9, 10]])
    assert temporal_iou(predicted[:, None], truth[None]).shape == (2, 3)


def test_the_best_of_several_truths_counts_and_a_missing_answer_is_a_miss() -> None:
    assert best_iou((10, 20, 0.9), [(0, 5), (10, 20)]) == 1
    assert best_iou(None, [(0, 5)]) == 0
    assert best_iou((0, 5), []) == 0


def test_conventions_differ_at_the_threshold() -> None:
    iou = np.array([0.495, 0.5, 0.499999])
    assert recall_at_1(iou, (0.5,), MOMENT_DETR)[0.5] == pytest.approx(100 / 3)
    assert recall_at_1(iou, (0.5,), VTIMELLM)[0.5] == pytest.approx(100)
    assert recall_at_1(iou, (0.5,), TAN_2D)[0.5] == 0


def test_vtimellm_example_log() -> None:
    iou = np.array([0.2, 0.2, 0.4, 0.6, 0.82, 0])
    assert mean_iou(iou, VTIMELLM) == pytest.approx(37.0)
    shares = [round(share, 2) for share in recall_at_1(iou, (0.3, 0.5, 0.7), VTIMELLM).values()]
    assert shares == [50.0, 33.33, 16.67]


def test_average_precision_of_a_worked_ranking() -> None:
    truths = [(0, 10), (20, 30)]
    ranked = [(0, 10, 0.9), (0, 10, 0.8), (20, 30, 0.7)]  # hit, a second time the same truth, hit
    assert average_precision(ranked, truths, (0.5,))[0] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert average_precision(ranked[::-1], truths, (0.5,))[0] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)  # score ranks
    assert average_precision([], truths, (0.5,))[0] == 0
    assert average_precision([(0, 1, 0.5)] * 10 + [(0, 10, 0.1)], truths, (0.5,))[0] == 0  # only ten count


def test_edge_errors() -> None:
    errors = edge_errors(np.arange(11), np.zeros(11))
    assert (errors.median, errors.p90, errors.count) == (5, 9, 11)
    assert np.isnan(edge_errors([], []).median)


def test_calibration_error_of_calibrated_and_of_too_high_confidence() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(size=20000)
    right = rng.uniform(size=20000) < sure
    assert expected_calibration_error(sure, right) < 0.02
    assert expected_calibration_error(np.ones(100), np.zeros(100)) == 1
    bars = reliability([0.05, 0.95, 1.0], [False, True, True])
    assert [(bar.count, bar.accuracy) for bar in bars] == [(1, 0), (2, 1)]


def test_bootstrap_interval_covers_and_widens_with_dependence() -> None:
    values = np.random.default_rng(1).normal(size=400)
    low, high = bootstrap_interval([[v] for v in values])
    assert low < values.mean() < high
    grouped = bootstrap_interval([np.full(20, v) for v in values[:20]])
    assert grouped[1] - grouped[0] > 2 * (high - low)


def test_guesses() -> None:
    assert whole_video(8) == (0, 8)
    assert centre_half(8) == (2, 6)
    assert best_constant([[(2, 4)], [(4, 8)]], [10, 20]) == (0.2, 0.4)


@oracles
@pytest.mark.parametrize(("name", "r03", "miou"), [("sample", 67.48, 49.21), ("clip_only", 67.16, 48.52)])
def test_moment_detr(name: str, r03: float, miou: float) -> None:
    truth = read_annotations(ORACLES / "qvhighlights_val.jsonl.gz", "qvhighlights")
    with gzip.open(ORACLES / f"moment_detr_{name}_preds.jsonl.gz", "rt", encoding="utf-8") as lines:
        predicted = {str(row["qid"]): row["pred_relevant_windows"] for row in map(json.loads, lines)}
    expected = json.loads((ORACLES / f"moment_detr_{name}_metrics.json").read_text())
    ranges = {"full": (0, 150), "short": (0, 10), "middle": (10, 30), "long": (30, 150)}
    for key, (shortest, longest) in ranges.items():
        windows = [[w for w in a.windows if shortest < w[1] - w[0] <= longest] for a in truth]
        kept = [(predicted[a.query_id], w) for a, w in zip(truth, windows, strict=True) if w]
        iou = np.array([best_iou(p[0], w) for p, w in kept])
        ap = mean_average_precision([p for p, _ in kept], [w for _, w in kept])
        r1 = recall_at_1(iou, tuple(ap))
        assert {str(t): round(v, 2) for t, v in r1.items()} == expected[key]["MR-R1"]
        found = {str(t): round(v, 2) for t, v in ap.items()} | {"average": round(float(np.mean([*ap.values()])), 2)}
        assert found == expected[key]["MR-mAP"]
        if key == "full":
            assert (round(recall_at_1(iou, (0.3,))[0.3], 2), round(mean_iou(iou), 2)) == (r03, miou)


@oracles
def test_vtg_llm() -> None:
    with gzip.open(ORACLES / "vtg_llm_example_gt.json.gz") as file:
        truth = {str(row["id"]): row["timestamp"] for row in json.load(file)["annotations"]}
    with gzip.open(ORACLES / "vtg_llm_example_preds.json.gz") as file:
        predicted = {key: row["timestamp"] for key, row in json.load(file).items()}
    iou = np.array([best_iou(p[0] if p else None, [truth[key]]) for key, p in predicted.items()])
    assert _figures(iou)[:3] == [9.0, 3.4, 1.4]


@oracles
def test_charades_guesses() -> None:
    rows = read_annotations(ORACLES / "charades_sta_test.jsonl.gz", "qvhighlights")
    assert len(rows) == 3720
    assert _guess(rows, 0, 1) == [35.0, 0.43, 0.0, 27.13]
    assert _guess(rows, 0, 0.45) == [48.79, 27.69, 11.85, 30.55]
    # The plain text file says the same, but for ends that lie after the end of the video.
    durations_s = {row.video: row.duration_s for row in rows if row.duration_s is not None}
    text = read_charades_sta(ORACLES / "charades_sta_test.txt", durations_s)
    assert [row.query for row in text] == [row.query for row in rows]
    assert _guess(text, 0, 0.45) == [48.79, 27.69, 11.85, 30.55]


@oracles
def test_activitynet_guesses() -> None:
    rows = read_annotations(ORACLES / "activitynet_captions_val2.json.gz", "activitynet-captions")
    assert len(rows) == 17031
    assert _guess(rows, 0, 1) == [48.02, 21.18, 12.41, 34.57]


def _guess(rows: list[Annotation], start: float, end: float) -> list[float]:
    """What always answering this share of the video gives; times as shares, as the reference figures have them."""
    shares = [(np.array(row.windows) / row.duration_s).tolist() for row in rows if row.duration_s is not None]
    return _figures(np.array([best_iou((start, end), share) for share in shares]))


def _figures(iou: np.ndarray) -> list[float]:
    return [round(value, 2) for value in [*recall_at_1(iou, (0.3, 0.5, 0.7)).values(), mean_iou(iou)]]
