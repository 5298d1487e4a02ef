"""The calibration of a pack that was never fitted: the embedded pack's, for what the new pack gives by chance.

The evidence of a score counts in standard deviations of a query's similarity to unrelated pictures. How many of them
the best of many unrelated pictures reaches differs from pack to pack. So both packs are asked the same plain sentences
about their background pictures, and the weights are scaled so that what comes by chance counts the same. How far right
answers stand out can't be known without captions: scores of a better pack stay too low, and those of a worse one too
high, until it is calibrated.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np

from tr_desktop.models.encoder import Encoder, Vectors

IN_DEVIATIONS = ("peak_z", "gap")
"""The evidence that counts in standard deviations of unrelated similarities."""
_MOST = 2.0  # a pack that differs by more is degenerate, and scaling says nothing
_BEST = 0.99  # quantile: what the best of a hundred reaches, without single pictures that fit the sentence

_WHO = (
    "a man", "two women", "a child in a red coat", "an old fisherman", "a brown dog", "a flock of birds", "a crowd",
    "a nurse", "a group of tourists", "a young couple", "a motorcycle", "a white van", "someone in a helmet", "a baker",
)  # fmt: skip
_DOES = (
    "crosses a wet street at night", "waits in front of a shop", "comes down a wooden staircase", "moves along a river",
    "turns towards the camera", "is seen from far above", "stands beside a tall tree", "passes a row of parked cars",
    "is lit by the evening sun", "appears behind a glass door", "stops at the edge of a field", "is covered with snow",
    "leaves a crowded room", "goes up a narrow path", "rests on a bench",
)  # fmt: skip
SENTENCES = [f"{who} {does}" for who, does in product(_WHO, _DOES)]


def scaled_weights(embedded: Encoder, new: Encoder) -> dict[str, float]:
    """The weights of `embedded`'s calibration for the evidence that `new` gives."""
    scale = min(max(_by_chance(embedded) / _by_chance(new), 1 / _MOST), _MOST)
    weights: Mapping[str, float] = embedded.pack.weights
    return {name: weight * scale if name in IN_DEVIATIONS else weight for name, weight in weights.items()}


def _by_chance(encoder: Encoder) -> float:
    """How far the best of a hundred unrelated pictures stands out from the others for a usual sentence."""
    similarity: Vectors = encoder.encode_text(SENTENCES) @ encoder.background.T
    spread = np.maximum(similarity.std(axis=1), 1e-6)
    best = (np.quantile(similarity, _BEST, axis=1) - similarity.mean(axis=1)) / spread
    return max(float(np.median(best)), 1e-3)
