"""A pack that was never fitted: what comes by chance counts as much as in the embedded pack."""

from types import SimpleNamespace

import numpy as np
import pytest

from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.models.scaling import IN_DEVIATIONS, scaled_weights


@pytest.fixture(scope="module")
def mini() -> Encoder:
    return Encoder(load_pack("mini"), "cpu")


def seen(mini: Encoder, change) -> SimpleNamespace:
    """An encoder whose similarities are `change` of those of `mini`."""
    return SimpleNamespace(
        encode_text=lambda texts: change(mini.encode_text(texts) @ mini.background.T), background=np.eye(1000)
    )


def test_weights_stay_if_similarities_have_another_range(mini):
    high_and_narrow = seen(mini, lambda similarity: 0.8 + 0.05 * similarity)
    assert scaled_weights(mini, high_and_narrow) == pytest.approx(dict(mini.pack.weights), rel=1e-3)


def test_evidence_counts_less_if_chance_reaches_further(mini):
    long_tails = scaled_weights(mini, seen(mini, lambda similarity: np.exp(6 * similarity)))
    for name, weight in mini.pack.weights.items():
        assert long_tails[name] < 0.9 * weight if name in IN_DEVIATIONS else long_tails[name] == weight


def test_a_pack_that_sees_no_difference_is_not_scaled_beyond_measure(mini):
    blind = scaled_weights(mini, seen(mini, lambda similarity: 0 * similarity))
    assert blind["peak_z"] == pytest.approx(2 * mini.pack.weights["peak_z"])
