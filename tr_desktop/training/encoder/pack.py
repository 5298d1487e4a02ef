"""Writing the trained towers as a pack, with its background and calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from tr_desktop.models.pack import load_pack
from tr_desktop.training.encoder.card import card
from tr_desktop.training.encoder.config import EncoderConfig
from tr_desktop.training.encoder.corpus import Picture
from tr_desktop.training.encoder.export import image_model
from tr_desktop.training.encoder.features import calibration_squares
from tr_desktop.training.encoder.quantise import PIXELS, quantised
from tr_desktop.training.encoder.text import WIDTH, TextTower, installed_minilm, load_minilm, quantised_text
from tr_desktop.training.encoder.towers import Towers
from tr_desktop.training.encoder.views import centre_view
from tr_desktop.training.pack_files import npy, write_pack
from tr_desktop.training.scores.calibrate import calibrate

BACKGROUND = 1000  # pictures
QUESTIONS = 80  # for each size of library that the scores are fitted to


def export_pack(config: EncoderConfig, towers: Towers, pictures: list[Picture], left_out: list[str]) -> None:
    """Export both towers, then compute the background and the calibration with them, and write `config.out`.

    It is calibrated on the clips that are kept as frames (`CLIP_FRAMES`), which the corpus never reads.
    """
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
    files["CARD.md"] = card(config.out.name, pictures, left_out, config.tiers).encode()
    manifest = {
        "name": config.out.name,
        "licence": "Apache-2.0; see CARD.md for the terms of what it was trained on",
        "sources": sorted({f"{p.source} (tier {p.tier})" for p in train}),
        "input_px": config.input_px,
        "sample_fps": "2",
        "width": WIDTH,
    }
    draft = config.cache / "uncalibrated"
    write_pack(draft, manifest | {"threshold": 0.5, "calibration": {"bias": 0.0, "weights": {}}}, files)
    done = calibrate(load_pack(draft), config.data, config.cache, QUESTIONS, config.seed)
    found = {"bias": done.calibration.bias, "weights": dict(done.calibration.weights)}
    write_pack(config.out, manifest | {"threshold": done.threshold, "calibration": found}, files)


def picture_vectors(model: bytes, pictures: Sequence[Picture], size_px: int, batch: int = 16) -> NDArray[np.float32]:
    """The image tower's vectors [N,384] of `pictures`, squashed to squares."""
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    rows = []
    for at in range(0, len(pictures), batch):
        squares = np.stack([centre_view(p.pixels(), size_px) for p in pictures[at : at + batch]])
        rows.append(session.run(None, {PIXELS: squares})[0])
    return np.concatenate(rows)
