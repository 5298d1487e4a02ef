"""The recipe of the embedded pack, on toy pictures: what is kept, what is left out, what the fit promises."""

from __future__ import annotations

import io

import numpy as np
import pytest

image = pytest.importorskip("PIL.Image", reason="reading pictures needs the extra `train`")

from tr_desktop.training.encoder.calibrate import (  # noqa: E402
    CalibrationEvidence,
    composed_evidence,
    fit_calibration,
    peak_z,
)
from tr_desktop.training.encoder.card import card  # noqa: E402
from tr_desktop.training.encoder.corpus import Picture, without  # noqa: E402
from tr_desktop.training.encoder.views import augmented, centre_view  # noqa: E402


def picture(key: str, *, split: str = "train", human: tuple[str, ...] = (), machine: tuple[str, ...] = (),
            labels: tuple[str, ...] = (), clip: str = "", colour: int = 90, tier: str = "A") -> Picture:  # fmt: skip
    out = io.BytesIO()
    image.new("RGB", (40, 24), (colour, 200, 30)).save(out, "PNG")
    return Picture(key, out.getvalue(), human, machine, labels, split, "toy", tier, clip)


def test_a_left_out_word_is_in_no_training_picture_or_caption() -> None:
    pictures = [
        picture("a", labels=("axolotl", "animal")),
        picture("b", human=("Two Axolotls in a tank.", "a fish tank")),
        picture("c", machine=("an axolotl",)),
        picture("d", split="val", labels=("axolotl",)),
    ]
    kept = without(pictures, frozenset({"axolotl"}))
    assert [p.key for p in kept] == ["b", "d"]
    assert kept[0].captions == ("a fish tank",)


def test_nothing_left_out_keeps_everything() -> None:
    pictures = [picture("a", labels=("cat",))]
    assert without(pictures, frozenset()) == pictures


def test_views_are_squares_and_the_same_for_the_same_seed() -> None:
    shown = picture("a").pixels()
    assert centre_view(shown, 32).shape == (32, 32, 3)
    views = [augmented(shown, 32, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert all(view.shape == (32, 32, 3) and view.dtype == np.uint8 for view in views)
    assert np.array_equal(views[0], views[1])


def test_evidence_is_zero_for_a_query_like_its_background_and_grows_with_the_match() -> None:
    unrelated = np.array([-0.1, 0.1, 0.0, 0.2, -0.2], np.float32)
    flat = np.zeros(10, np.float32)
    assert peak_z(flat, unrelated, 2, 6) == pytest.approx(0.0)
    peaked = flat.copy()
    peaked[2:6] = 0.5
    assert peak_z(peaked, unrelated, 2, 6) > 3


def test_the_fit_lets_few_wrong_video_queries_pass() -> None:
    rng = np.random.default_rng(0)
    right = np.arange(400) % 2 == 0
    calibration = fit_calibration(CalibrationEvidence(rng.normal(np.where(right, 3, 1), 1), right, ~right))
    assert all(weight > 0 for weight in calibration.weights.values())
    wrong_confident, right_confident = calibration.confident()
    assert wrong_confident <= 0.15
    assert right_confident >= 0.6
    # Calibrated: the scores' mean is the share that was right.
    assert calibration.scores.mean() == pytest.approx(0.5, abs=0.02)


def test_half_of_the_composed_queries_are_about_the_wrong_video() -> None:
    rng = np.random.default_rng(0)
    pictures = [picture(f"s{n}", split="val", human=(f"still {n}",)) for n in range(40)]
    pictures += [
        picture(f"c{n}_{f}", split="val", human=(f"clip {n}",), clip=f"c{n}") for n in range(12) for f in range(4)
    ]
    vector_of = {
        text: v / np.linalg.norm(v) for text in sorted({p.human[0] for p in pictures}) for v in rng.normal(size=(1, 64))
    }
    vectors = np.array([vector_of[p.human[0]] for p in pictures], np.float32)
    evidence = composed_evidence(
        vectors, pictures, lambda texts: np.array([vector_of[t] for t in texts], np.float32), vectors[:20], seed=0
    )
    assert evidence.wrong_video.mean() == 0.5
    assert not (evidence.right & evidence.wrong_video).any()
    # A query that is its picture's own vector is nearly always found.
    assert evidence.right.sum() > 0.8 * (~evidence.wrong_video).sum()


def test_the_card_lists_sources_terms_and_origins_of_captions() -> None:
    text = card(
        "mini", [picture("a", human=("x",)), picture("b", machine=("y",), tier="B")], ["axolotl"], "AB", ["fact"]
    )
    assert "| toy | A | 1 | 1 | 0 |" in text
    assert "| toy | B | 1 | 0 | 1 |" in text
    assert "axolotl" in text
    assert "--tiers A" in text
