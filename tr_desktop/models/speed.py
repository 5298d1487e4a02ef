"""How fast a pack's image tower is on this machine."""

from __future__ import annotations

import time

import numpy as np

from tr_desktop.models.encoder import Encoder


def pictures_a_second(encoder: Encoder, within_s: float = 1.0) -> float:
    """Encode random pictures, for about `within_s` seconds after the first batch; 0 if only that one was encoded."""
    size_px = encoder.pack.input_px
    pictures = np.random.default_rng(0).integers(0, 256, (encoder.batch, size_px, size_px, 3), np.uint8)
    encoder.encode_images(pictures)  # the first one takes longer
    started_s, encoded = time.perf_counter(), 0
    while (elapsed_s := time.perf_counter() - started_s) < within_s:
        encoder.encode_images(pictures)
        encoded += len(pictures)
    return encoded / max(elapsed_s, 1e-6)
