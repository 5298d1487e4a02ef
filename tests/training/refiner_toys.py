"""Sources of an encoder that sees nothing but noise around a hidden meaning: the refiner's whole path without
weights."""

from __future__ import annotations

import numpy as np

from tr_desktop.training.refiner.sources import ClipSource, Sources

WIDTH = 48


def toy_sources(count: int = 60, seed: int = 0, width: int = WIDTH) -> Sources:
    """`count` clips and stills, three captions each, that an encoder of this seed and width gets fairly right."""
    rng = np.random.default_rng(seed)
    cone = _unit(rng.normal(size=width))
    items, text = [], []
    for number in range(count):
        meaning, is_still = _unit(rng.normal(size=width)), bool(rng.random() < 0.4)
        rows = 6 if is_still else int(rng.integers(8, 40))
        drift = np.cumsum(rng.normal(size=(rows, width)) * 0.04, axis=0)
        captions = tuple(range(3 * number, 3 * number + 3))
        text += [_unit(0.7 * meaning + rng.normal(size=width) / np.sqrt(width)) for _ in captions]
        vectors = _unit(meaning + 0.7 * cone + drift)
        split = "train" if number % 4 else "test"
        items.append(
            ClipSource(f"s{number}", f"s{number}", split, is_still, 0.0 if is_still else 4.0, vectors, captions)
        )
    background = _unit(rng.normal(size=(128, width)) / np.sqrt(width) + 0.7 * cone)
    return Sources(tuple(items), tuple(f"caption {n}" for n in range(len(text))), np.stack(text), background)


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
