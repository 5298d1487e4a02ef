"""The recipe of the embedded pack, on toy pictures: which of them it keeps."""

from __future__ import annotations

import io

import numpy as np
import pytest

image = pytest.importorskip("PIL.Image", reason="reading pictures needs the extra `train`")

from tr_desktop.training.encoder.card import card  # noqa: E402
from tr_desktop.training.encoder.corpus import Picture, without  # noqa: E402
from tr_desktop.training.encoder.views import augmented, centre_view, unsquashed  # noqa: E402


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


def test_a_picture_stored_as_a_square_gets_the_shape_of_a_photograph() -> None:
    square = image.new("RGB", (96, 96))
    shapes = {unsquashed(square, np.random.default_rng(seed)).size for seed in range(20)}
    assert shapes == {(128, 96), (96, 128)}


def test_the_card_lists_sources_terms_and_origins_of_captions() -> None:
    text = card("mini", [picture("a", human=("x",)), picture("b", machine=("y",), tier="B")], ["axolotl"], "AB")
    assert "| toy | A | 1 | 1 | 0 |" in text
    assert "| toy | B | 1 | 0 | 1 |" in text
    assert "axolotl" in text
    assert "--tiers A" in text
