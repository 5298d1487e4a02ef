"""Writing the trained towers as a pack, with its background and calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from tr_desktop.training.encoder.calibrate import composed_evidence, fit_calibration
from tr_desktop.training.encoder.card import card
from tr_desktop.training.encoder.config import EncoderConfig
from tr_desktop.training.encoder.corpus import Picture
from tr_desktop.training.encoder.export import image_model
from tr_desktop.training.encoder.features import calibration_squares
from tr_desktop.training.encoder.quantise import PIXELS, quantised
from tr_desktop.training.encoder.text import WIDTH, TextTower, installed_minilm, load_minilm, quantised_text, run_text
from tr_desktop.training.encoder.towers import Towers
from tr_desktop.training.encoder.views import centre_view
from tr_desktop.training.pack_files import npy, write_pack
from tr_desktop.training.reliability_plot import Panel, reliability_plot

BACKGROUND = 1000  # pictures


def export_pack(config: EncoderConfig, towers: Towers, pictures: list[Picture], left_out: list[str]) -> None:
    """Export both towers, then compute the background and the calibration with them, and write `config.out`."""
    minilm = config.minilm or installed_minilm()
    image = image_model(towers.net, towers.head, config.input_px)
    (config.cache / "image-fp32.onnx").write_bytes(image)
    files = {
        "image.onnx": quantised(image, calibration_squares(pictures, config.input_px)),
        "text.onnx": quantised_text(TextTower(load_minilm(minilm), towers.adapter)),
        "tokenizer.json": (minilm / "tokenizer.json").read_bytes(),
    }
    train = [p for p in pictures if p.split == "train"]
    order = np.random.default_rng(config.seed).permutation(len(train))[:BACKGROUND]
    background = picture_vectors(files["image.onnx"], [train[i] for i in order], config.input_px)
    files["background.npy"] = npy(background.astype(np.float16))
    # A third of Flickr8k: it would dominate otherwise, and footage is more than people with dogs.
    val = [
        p for n, p in enumerate(pictures) if p.split == "val" and p.captions and (p.source != "flickr8k" or n % 3 == 0)
    ]

    def encode_text(texts: list[str]) -> NDArray[np.float32]:
        return run_text(files["text.onnx"], files["tokenizer.json"].decode(), texts)

    images = picture_vectors(files["image.onnx"], val, config.input_px)
    calibration = fit_calibration(composed_evidence(images, val, encode_text, background, config.seed))
    wrong, right = calibration.confident()
    panel = Panel("an answer is right", calibration.scores, calibration.evidence.right, calibration.threshold)
    (config.cache / "reliability.svg").write_text(reliability_plot([panel]), encoding="utf-8")
    facts = [
        f"On composed reels of validation pictures {100 * wrong:.0f} % of the queries of another reel and "
        f"{100 * right:.0f} % of the right answers are called confident."
    ]
    files["CARD.md"] = card(config.out.name, pictures, left_out, config.tiers, facts).encode()
    manifest = {
        "name": config.out.name,
        "licence": "Apache-2.0; see CARD.md for the terms of what it was trained on",
        "sources": sorted({f"{p.source} (tier {p.tier})" for p in train}),
        "input_px": config.input_px,
        "sample_fps": "2",
        "width": WIDTH,
        "threshold": calibration.threshold,
        "calibration": {"bias": calibration.bias, "weights": calibration.weights},
    }
    write_pack(config.out, manifest, files)


def picture_vectors(model: bytes, pictures: Sequence[Picture], size_px: int, batch: int = 16) -> NDArray[np.float32]:
    """The image tower's vectors [N,384] of `pictures`, squashed to squares."""
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    rows = []
    for at in range(0, len(pictures), batch):
        squares = np.stack([centre_view(p.pixels(), size_px) for p in pictures[at : at + batch]])
        rows.append(session.run(None, {PIXELS: squares})[0])
    return np.concatenate(rows)
